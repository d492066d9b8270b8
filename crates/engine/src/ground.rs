//! Where a walk begins and ends on the streets, and whether it can do without steps.

use domain::{Refusal, RouteRequest};
use std::collections::BTreeMap;

use crate::{
    doorstep::Doorstep,
    network::Network,
    pace::WALKING_M_PER_S,
    profile::Steps,
    reach::SNAP_ENDS_M,
    snap::{Place, nearest_by_component},
    spot::Spot,
    travel::Profile,
};

/// How much farther a street may be, in metres, if that saves the walk from an island of a few metres of street.
const ISLAND_DETOUR_M: f64 = 250.0;
/// A part of the network with as many metres of street is no island, however long the walk.
const ROOMY_M: f64 = 1000.0;
/// With less street than this free of steps, a walk that avoids them takes as few as it must.
const CRAMPED_M: f64 = 300.0;

/// The ground of a walk.
pub(crate) struct Ground<'a> {
    pub start: Place,
    pub end: Place,
    pub component: u32,
    pub profile: &'a Profile,
    /// From the door to `start`, and from a door to `end`.
    pub doorsteps: [Doorstep; 2],
    /// Milliseconds for what lies between.
    pub budget_ms: u32,
}

impl Ground<'_> {
    /// Whether an edge may be used and is connected with the start.
    pub fn may_use(&self, network: &Network, edge: u32) -> bool {
        self.profile.is_open(edge)
            && self.profile.components.of_node(network.edge(edge).from) == self.component
    }
}

/// Snaps both ends to streets that hang together.
pub(crate) fn settle<'a>(network: &'a Network, request: &RouteRequest) -> Result<Ground<'a>, Refusal> {
    let wants = request.accessibility();
    // The loaded cells need not hold an end that nobody can reach, so this comes before looking for streets there.
    let farthest_m = f64::from(request.budget_s()) * WALKING_M_PER_S + 2.0 * SNAP_ENDS_M;
    if request.start().distance_m(request.end()) > farthest_m {
        return Err(Refusal::EndOutOfReach);
    }
    if wants.avoid_stairs {
        let profile = network.profile(Steps::Never, wants.prefer_well_lit);
        if let Ok((component, start, end)) = ends(network, profile, request)
            && profile.components.length_m(component) >= CRAMPED_M.min(needed_m(request))
        {
            return Ok(from_door_to_door(network, profile, request, component, start, end));
        }
    }
    let steps = if wants.avoid_stairs { Steps::LastResort } else { Steps::Welcome };
    let profile = network.profile(steps, wants.prefer_well_lit);
    let (component, start, end) = ends(network, profile, request)?;
    Ok(from_door_to_door(network, profile, request, component, start, end))
}

/// Where the doors are on private ground, the walk between begins and ends where that meets the streets.
fn from_door_to_door<'a>(
    network: &'a Network,
    profile: &'a Profile,
    request: &RouteRequest,
    component: u32,
    mut start: Place,
    mut end: Place,
) -> Ground<'a> {
    let mut budget_ms = request.budget_s().saturating_mul(1000);
    let mut doorsteps = [Doorstep::default(), Doorstep::default()];
    for (at, place, doorstep) in [(request.start(), &mut start, 0), (request.end(), &mut end, 1)] {
        let found = Doorstep::find(network, profile, component, Spot::of(at), place);
        if let Some((found, street)) = found.filter(|(found, _)| found.time_ms < budget_ms / 8) {
            budget_ms -= found.time_ms;
            *place = street;
            doorsteps[doorstep] = found;
        }
    }
    Ground { start, end, component, profile, doorsteps, budget_ms }
}

/// Metres of street that give the walk enough room.
fn needed_m(request: &RouteRequest) -> f64 {
    (f64::from(request.budget_s()) * WALKING_M_PER_S / 2.0).min(ROOMY_M)
}

fn ends(
    network: &Network,
    profile: &Profile,
    request: &RouteRequest,
) -> Result<(u32, Place, Place), Refusal> {
    let near = |at| nearest_by_component(network, profile, Spot::of(at), SNAP_ENDS_M);
    let starts = near(request.start());
    if starts.is_empty() {
        return Err(Refusal::NoStreetNearStart);
    }
    let ends: BTreeMap<u32, Place> = if request.is_loop() { starts.clone() } else { near(request.end()) };
    if ends.is_empty() {
        return Err(Refusal::NoStreetNearEnd);
    }
    let needed = needed_m(request);
    let penalty = |component: u32| {
        let room = profile.components.length_m(component) / needed;
        ISLAND_DETOUR_M * (1.0 - room).max(0.0)
    };
    starts
        .iter()
        .filter_map(|(&component, &start)| ends.get(&component).map(|&end| (component, start, end)))
        .min_by(|a, b| {
            let dear =
                |&(component, start, end): &(u32, Place, Place)| penalty(component) + start.off_m + end.off_m;
            dear(a).total_cmp(&dear(b))
        })
        .ok_or(Refusal::EndNotConnected)
}

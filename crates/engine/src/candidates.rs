//! Which places the search chooses from, and what each is worth to this walker.

use domain::{Poi, RouteRequest, ThemeId};
use std::{cmp::Reverse, collections::BTreeMap, collections::HashMap};

use crate::{
    ground::Ground,
    network::{Lit, Network},
    open_times::{OpenTimes, open_times},
    snap::{self, Place},
    spot::Spot,
    travel::many_to_many,
    weight::FAR,
};

/// With fewer places than this within reach, a wanted theme counts as sparse: a walk has little choice then.
pub const SPARSE_BELOW: usize = 5;

/// A place is seen from the street within this distance; those farther off are no stops.
const SEEN_WITHIN_M: f64 = 29.5;
/// Deeper in a dead end than this, a place is not worth the way back.
const DEEPEST_M: f64 = 120.0;
/// The same name within this distance means the same place, mapped twice.
const SAME_PLACE_M: f64 = 50.0;
const MOST: usize = 150;

/// A place that the walk can stop at.
#[derive(Clone)]
pub(crate) struct Candidate {
    /// Position in the caller's list.
    pub poi: usize,
    pub place: Place,
    pub dwell_ms: u32,
    /// When it is open, in the time of the walk from [`Ground::start`] on; `None` where that is not known or not asked.
    pub open: Option<OpenTimes>,
    /// What a stop is worth: about 1, more for what suits the walker.
    pub value: f64,
    pub kind: usize,
    /// Bit n: has the wanted theme n.
    pub themes: u32,
}

impl Candidate {
    /// Whether it is open for the whole of a stay.
    pub fn is_open(&self, from_ms: u32, until_ms: u32) -> bool {
        let holds = |&(opens, closes): &(u32, u32)| opens <= from_ms && until_ms <= closes;
        self.open.as_ref().is_none_or(|times| times.iter().any(holds))
    }
}

pub(crate) struct Candidates {
    pub list: Vec<Candidate>,
    /// What part of the offer each kind is.
    pub kind_shares: Vec<f64>,
    pub sparse_themes: Vec<ThemeId>,
}

/// A place within reach, before it is weighed.
struct Known {
    poi: usize,
    place: Place,
    themes: u32,
    /// Walking there, and on to the end.
    there_ms: u32,
    onward_ms: u32,
    depth_m: f64,
    open: Option<OpenTimes>,
}

impl Known {
    fn around_ms(&self) -> u32 {
        self.there_ms.saturating_add(self.onward_ms)
    }

    /// Whether it is open for a stay between the earliest one can be there and the latest one must leave.
    fn is_open_in_time(&self, dwell_ms: u32, budget_ms: u32) -> bool {
        let latest_ms = budget_ms.saturating_sub(self.onward_ms);
        self.open.as_ref().is_none_or(|times| {
            times.iter().any(|&(opens, closes)| {
                opens.max(self.there_ms).saturating_add(dwell_ms) <= closes.min(latest_ms)
            })
        })
    }
}

/// Finds, weighs and thins out the places for a request.
pub(crate) fn find(
    network: &Network,
    ground: &Ground<'_>,
    pois: &[Poi],
    request: &RouteRequest,
) -> Candidates {
    let mut known = within_reach(network, ground, pois, request);
    let sparse = |&(bit, _): &(usize, &ThemeId)| {
        known.iter().filter(|k| k.themes >> bit & 1 == 1).count() < SPARSE_BELOW
    };
    let sparse_themes = request.themes().iter().enumerate().filter(sparse).map(|(_, &theme)| theme).collect();
    // What is closed today is known all the same: nothing has to be learnt about it.
    known.retain(|known| {
        known.is_open_in_time(pois[known.poi].dwell_s.saturating_mul(1000), ground.budget_ms)
    });
    // The offer is all that one can get to, also what is too deep in a dead end for a stop.
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    known.iter().for_each(|known| *kinds.entry(pois[known.poi].kind.as_str()).or_default() += 1);
    let kind_shares = kinds.values().map(|&count| count as f64 / known.len() as f64).collect();
    let ranks = popularity_ranks(&known, pois);
    let budget_ms = f64::from(ground.budget_ms);
    let mut weighed: Vec<(f64, Known)> = known
        .into_iter()
        .zip(ranks)
        .filter(|(known, _)| known.depth_m <= DEEPEST_M)
        .map(|(known, rank)| (value(network, &known, &pois[known.poi], rank, request), known))
        .collect();
    // The better ones first; what is far away must be better.
    let worth =
        |(value, known): &(f64, Known)| value * (1.0 - 0.4 * f64::from(known.around_ms()) / budget_ms);
    weighed.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(pois[a.1.poi].id.cmp(&pois[b.1.poi].id)));
    let weighed = without_twins(weighed, pois);

    let number: HashMap<&str, usize> =
        kinds.keys().enumerate().map(|(number, &kind)| (kind, number)).collect();
    let most = MOST.min(30 + usize::from(request.duration_minutes()));
    let list = quota(weighed, most, |known| number[pois[known.poi].kind.as_str()])
        .into_iter()
        .map(|(value, known)| Candidate {
            poi: known.poi,
            place: known.place,
            dwell_ms: pois[known.poi].dwell_s.saturating_mul(1000),
            open: known.open,
            value,
            kind: number[pois[known.poi].kind.as_str()],
            themes: known.themes,
        })
        .collect();
    Candidates { list, kind_shares, sparse_themes }
}

/// The places with a wanted theme that are seen from a street and can be walked to, stayed at and walked on from.
fn within_reach(network: &Network, ground: &Ground<'_>, pois: &[Poi], request: &RouteRequest) -> Vec<Known> {
    let budget_ms = ground.budget_ms;
    let mut known: Vec<Known> = Vec::new();
    for (poi, place) in pois.iter().enumerate() {
        let themes = (request.themes().iter().enumerate())
            .filter(|(_, theme)| place.themes.contains(theme))
            .fold(0_u32, |bits, (bit, _)| bits | 1_u32.checked_shl(bit as u32).unwrap_or(0));
        if themes == 0 || place.dwell_s > request.budget_s() {
            continue;
        }
        let may_use = |edge| ground.may_use(network, edge);
        if let Some(place) = snap::nearest(network, Spot::of(place.location), SEEN_WITHIN_M, may_use) {
            let depth_m = ground.profile.dead_ends.depth_m(network, &place);
            let open = open_while_walking(ground, &pois[poi], request);
            known.push(Known { poi, place, themes, there_ms: 0, onward_ms: 0, depth_m, open });
        }
    }
    // From the end instead of to it: the same, but for a few ways that lead in one direction only. The search knows
    // exactly; here it only matters what is worth its while.
    let places: Vec<Place> = known.iter().map(|known| known.place).collect();
    let weights = many_to_many(network, ground.profile, &[ground.start, ground.end], &places);
    for (known, (there, back)) in known.iter_mut().zip(weights.iter().zip(&weights[places.len()..])) {
        (known.there_ms, known.onward_ms) = (there.time_ms(), back.time_ms());
    }
    known.retain(|known| {
        let around_ms = known.around_ms();
        around_ms < FAR && around_ms.saturating_add(pois[known.poi].dwell_s * 1000) <= budget_ms
    });
    known
}

/// When a place is open, if the walker has said when the walk begins.
fn open_while_walking(ground: &Ground<'_>, poi: &Poi, request: &RouteRequest) -> Option<OpenTimes> {
    let (start, stated) = request.start_time().zip(poi.opening_hours.as_deref())?;
    let mut open = open_times(stated, start, request.budget_s())?;
    let doorstep_ms = ground.doorsteps[0].time_ms;
    for edge in open.iter_mut().flat_map(|(opens, closes)| [opens, closes]) {
        *edge = edge.saturating_sub(doorstep_ms);
    }
    Some(open)
}

fn popularity(poi: &Poi) -> f64 {
    if poi.popularity_score.is_finite() { f64::from(poi.popularity_score.clamp(0.0, 1.0)) } else { 0.5 }
}

/// Where each place stands among all within reach by popularity, 0-1; equals share the middle of their ranks. Raw
/// scores crowd at one end in many towns, and a wish for hidden gems means: compared with what there is.
fn popularity_ranks(known: &[Known], pois: &[Poi]) -> Vec<f64> {
    let mut sorted: Vec<f64> = known.iter().map(|known| popularity(&pois[known.poi])).collect();
    sorted.sort_by(f64::total_cmp);
    let rank = |score: f64| {
        let below = sorted.partition_point(|&other| other < score);
        let up_to = sorted.partition_point(|&other| other <= score);
        (below + up_to) as f64 / 2.0 / sorted.len().max(1) as f64
    };
    known.iter().map(|known| rank(popularity(&pois[known.poi]))).collect()
}

fn value(network: &Network, known: &Known, poi: &Poi, rank: f64, request: &RouteRequest) -> f64 {
    let fame = (rank + popularity(poi)) / 2.0;
    // From 1/5 to 5 at the ends of the bias, 1 in the middle: whoever asks for gems gets them.
    let tilt = (3.2 * (2.0 * request.popularity_bias() - 1.0) * (fame - 0.5)).exp();
    let themes = 1.0 + 0.1 * f64::from(known.themes.count_ones().saturating_sub(1));
    let stay = (f64::from(poi.dwell_s.max(60)) / 300.0).powf(0.25).clamp(0.7, 1.5);
    let named = if poi.name.is_some() { 1.0 } else { 0.7 };
    let told = if poi.narrative.is_some() { 1.1 } else { 1.0 };
    let way_in = if known.depth_m > 60.0 { 0.6 } else { 1.0 };
    let lit = match network.edge(known.place.edge).attributes.lit() {
        _ if !request.accessibility().prefer_well_lit => 1.0,
        Lit::Yes => 1.0,
        Lit::Unknown => 0.75,
        Lit::No => 0.5,
    };
    tilt * themes * stay * named * told * way_in * lit * jitter(request.seed(), poi.id.0)
}

/// Seeds other than 0 see the same places in a slightly different light, so that another seed is another walk.
fn jitter(seed: u32, id: i64) -> f64 {
    if seed == 0 {
        return 1.0;
    }
    let mut bits = (id as u64) ^ (u64::from(seed) << 32 | u64::from(seed));
    // The mixing steps of SplitMix64 (Steele, Lea, Flood 2014).
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        bits = (bits ^ (bits >> 30)).wrapping_mul(factor);
    }
    0.75 + 0.5 * ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Leaves out what is the same place once more: the same id, the same name near by, or the same kind without a
/// name at the same spot.
fn without_twins(weighed: Vec<(f64, Known)>, pois: &[Poi]) -> Vec<(f64, Known)> {
    let mut seen: HashMap<(Option<&str>, &str), Vec<usize>> = HashMap::new();
    let mut ids = std::collections::HashSet::new();
    weighed
        .into_iter()
        .filter(|(_, known)| {
            let poi = &pois[known.poi];
            let (key, near_m) = match poi.name.as_deref() {
                Some(name) => ((Some(name), ""), SAME_PLACE_M),
                None => ((None, poi.kind.as_str()), 10.0),
            };
            let others = seen.entry(key).or_default();
            let twin = others.iter().any(|&other| pois[other].location.distance_m(poi.location) <= near_m);
            others.push(known.poi);
            ids.insert(poi.id) && !twin
        })
        .collect()
}

/// The first `most`, of which no kind has more than two fifths unless there is nothing else.
fn quota(weighed: Vec<(f64, Known)>, most: usize, kind: impl Fn(&Known) -> usize) -> Vec<(f64, Known)> {
    let mut taken: HashMap<usize, usize> = HashMap::new();
    let mut ranked: Vec<(bool, usize, (f64, Known))> = Vec::with_capacity(weighed.len());
    for (position, entry) in weighed.into_iter().enumerate() {
        let count = taken.entry(kind(&entry.1)).or_default();
        *count += 1;
        ranked.push((*count * 5 > most * 2, position, entry));
    }
    ranked.sort_by_key(|&(over, position, _)| (over, position));
    ranked.truncate(most);
    ranked.sort_by_key(|&(_, position, _)| Reverse(usize::MAX - position));
    ranked.into_iter().map(|(_, _, entry)| entry).collect()
}

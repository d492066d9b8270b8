use super::{Problem, Tour, local::Scratch, local::shorten};

/// Exchanges one stop for another as long as that makes the tour worth more.
pub(super) fn exchange(problem: &Problem<'_>, tour: &mut Tour, scratch: &mut Scratch) {
    let mut worth = problem.worth(tour);
    // Each exchange gains, so this ends; a tour that needs more of them is better left to the next round.
    for _ in 0..4 {
        let Some((better, more)) = best_exchange(problem, tour, scratch, worth) else { return };
        (*tour, worth) = (better, more);
    }
}

fn best_exchange(
    problem: &Problem<'_>,
    tour: &Tour,
    scratch: &mut Scratch,
    worth: f64,
) -> Option<(Tour, f64)> {
    let excess = problem.tally(tour).excess();
    let mut best: Option<(Tour, f64)> = None;
    for position in 0..tour.order.len() {
        let mut without = tour.clone();
        without.order.remove(position);
        problem.measure(&mut without);
        let tally = problem.tally(&without);
        scratch.cheapest(problem, &without);
        let incoming = (0..problem.stops.len())
            .filter(|&stop| {
                stop != usize::from(tour.order[position]) && scratch.fits(problem, &without, stop)
            })
            .filter(|&stop| tally.excess_with(&problem.stops[stop]) <= excess)
            .map(|stop| (tally.gain(&problem.stops[stop]), stop))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, stop)) = incoming else { continue };
        scratch.put(problem, &mut without, stop);
        shorten(problem, &mut without);
        let more = problem.worth(&without);
        if more > best.as_ref().map_or(worth + 1e-9, |&(_, highest)| highest) {
            best = Some((without, more));
        }
    }
    best
}

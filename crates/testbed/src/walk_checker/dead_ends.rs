//! Streets that lead out of a place and not back to it by another way. Who starts in a dead end and comes back walks it
//! twice.

use super::{
    plane::Spot,
    streets::{Link, Streets},
};

/// Streets that can be left and come back to without walking any twice, of at least so many metres together, are worth
/// a walk: not the turning loop of a cul-de-sac.
const ROUND_M: f64 = 1000.0;
/// Nobody lives deeper in a dead end than this, in metres.
const DEEPEST_M: f64 = 3000.0;

/// For each node, whether it is on a round.
pub(super) struct Rounds(Vec<bool>);

impl Streets {
    /// Metres from a spot to the first street that is part of a round; nothing where one begins right there.
    pub fn dead_end_m(&self, from: Spot, snap_m: f64, stepless: bool, rounds: &Rounds) -> f64 {
        let reached = self.reach(from, DEEPEST_M, snap_m, stepless);
        let on_a_round = reached.iter().filter(|(node, _)| rounds.0[**node as usize]);
        let nearest = on_a_round.map(|(_, metres)| *metres).min_by(f64::total_cmp).unwrap_or(0.0);
        // One who stands in the middle of a street of a round is some way from its nodes.
        let on_one = self.near(from, snap_m).iter().any(|(_, stretch)| {
            stretch.footing.is_good(stepless)
                && [stretch.from, stretch.to].iter().all(|node| rounds.0[*node as usize])
        });
        if on_one { 0.0 } else { nearest }
    }

    /// The nodes that are left when all bridges are taken away: streets without which their two ends hang together no more
    /// (Tarjan 1974).
    pub fn rounds(&self, stepless: bool) -> Rounds {
        let links = |node: u32| {
            let open = move |link: &&Link| link.footing.is_good(stepless);
            self.next[node as usize].iter().filter(open)
        };
        let count = self.next.len();
        // When a node was first come to, and the earliest one from which a way leads back to it; 0 for not yet.
        let (mut first, mut low) = (vec![0_u32; count], vec![0_u32; count]);
        let mut round = vec![None; count];
        let (mut clock, mut open, mut metres) = (0, Vec::new(), Vec::new());
        for start in 0..count as u32 {
            if first[start as usize] != 0 {
                continue;
            }
            // Node, the one it was come to from, how many of its links were looked at, and whether the one back was passed over.
            let mut path = vec![(start, start, 0_usize, true)];
            while let Some(top) = path.last_mut() {
                let (node, parent) = (top.0, top.1);
                if first[node as usize] == 0 {
                    clock += 1;
                    (first[node as usize], low[node as usize]) = (clock, clock);
                    open.push(node);
                }
                if let Some(link) = links(node).nth(top.2) {
                    top.2 += 1;
                    let to = link.to as usize;
                    if link.to == parent && !top.3 {
                        // The street by which we came; a second one between the same two would be a way back.
                        top.3 = true;
                    } else if first[to] == 0 {
                        path.push((link.to, node, 0, false));
                    } else {
                        low[node as usize] = low[node as usize].min(first[to]);
                    }
                    continue;
                }
                path.pop();
                if let Some((before, ..)) = path.last() {
                    low[*before as usize] = low[*before as usize].min(low[node as usize]);
                }
                if low[node as usize] == first[node as usize] {
                    let from = open.iter().rposition(|other| *other == node).unwrap_or(0);
                    for member in open.drain(from..) {
                        round[member as usize] = Some(metres.len());
                    }
                    metres.push(0.0);
                }
            }
        }
        for node in 0..count as u32 {
            let Some(own) = round[node as usize] else { continue };
            let inside = links(node).filter(|link| round[link.to as usize] == Some(own));
            metres[own] += inside.map(|link| link.metres).sum::<f64>() / 2.0;
        }
        Rounds(round.into_iter().map(|round| round.is_some_and(|round| metres[round] >= ROUND_M)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{streets::ON_IT_M, tests::CITY};

    #[test]
    fn where_two_ways_lead_back_there_is_no_dead_end() {
        let rounds = CITY.streets.rounds(false);
        let there = rounds.0.iter().filter(|on| **on).count();
        assert!(there > 1000 && there < rounds.0.len(), "{there} of {} nodes", rounds.0.len());
        // By the book: without one street of a round, its ends are still joined; checked for some of them.
        let good = CITY
            .streets
            .good()
            .filter(|stretch| rounds.0[stretch.from as usize] && rounds.0[stretch.to as usize]);
        for stretch in good.step_by(500) {
            let middle = stretch.a.along(stretch.b, 0.5);
            assert!(CITY.streets.dead_end_m(middle, ON_IT_M, false, &rounds) < 0.1);
        }
    }

    #[test]
    fn a_street_with_one_end_is_a_dead_end() {
        let rounds = CITY.streets.rounds(false);
        let ends = CITY.streets.good().filter(|stretch| {
            CITY.streets.next[stretch.to as usize].len() == 1 && stretch.a.distance(stretch.b) > 20.0
        });
        let mut seen = 0;
        for stretch in ends {
            assert!(!rounds.0[stretch.to as usize]);
            let metres = CITY.streets.dead_end_m(stretch.b, 0.1, false, &rounds);
            assert!(metres >= stretch.a.distance(stretch.b) - 0.2, "{metres}");
            seen += 1;
        }
        assert!(seen > 5, "{seen}");
    }
}

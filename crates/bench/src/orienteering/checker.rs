use anyhow::ensure;

use super::instance::Instance;

/// What a tour is, added up from the instance alone.
pub(super) struct Checked {
    pub score: f64,
    pub length: u64,
}

/// Checks a closed tour, given by the nodes after the depot. Shares nothing with the solver.
pub(super) fn check(instance: &Instance, tour: &[usize]) -> anyhow::Result<Checked> {
    let mut is_visited = vec![false; instance.nodes()];
    is_visited[instance.depot] = true;
    let mut score = instance.scores[instance.depot];
    let (mut length, mut here) = (0, instance.depot);
    for &node in tour {
        ensure!(node < instance.nodes(), "there is no node {}", node + 1);
        ensure!(!is_visited[node], "node {} is visited twice", node + 1);
        is_visited[node] = true;
        score += instance.scores[node];
        length += instance.way(here, node);
        here = node;
    }
    length += instance.way(here, instance.depot);
    ensure!(length <= u64::from(instance.limit), "it is {length} long; the limit is {}", instance.limit);
    Ok(Checked { score, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tour_that_cheats_is_refused() {
        let text = "DIMENSION : 3\nCOST_LIMIT : 20\nEDGE_WEIGHT_TYPE : EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 3 4\n\
            3 30 40\nNODE_SCORE_SECTION\n1 1\n2 7\n3 9\n";
        let instance = Instance::parse(text).unwrap();
        let fair = check(&instance, &[1]).unwrap();
        assert_eq!((fair.score, fair.length), (8.0, 10));
        for tour in [&[1, 1][..], &[0], &[3], &[2]] {
            assert!(check(&instance, tour).is_err(), "{tour:?}");
        }
    }
}

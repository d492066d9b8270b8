use crate::town::{Town, network, node, request, tags};
use serde_json::json;
use wildside_engine::{
    CellId, Effort, Network, NetworkBuilder, NetworkCell, NetworkError, Reach, generate_route,
};

fn cells() -> Vec<NetworkCell> {
    Town::new(30).cells()
}

#[test]
fn the_same_ways_give_the_same_bytes_in_whatever_order_they_come() {
    let town = Town::new(4);
    let build = |ids: &[i64]| {
        let mut builder = NetworkBuilder::new();
        for &id in ids {
            let nodes: Vec<_> =
                (0..4).map(|y| (node(id as usize, y), Some(town.at(id as f64, y as f64)))).collect();
            builder.add_way(id, &tags("highway=footway"), &nodes);
        }
        builder.finish()
    };
    assert_eq!(build(&[0, 1, 2, 3]), build(&[3, 1, 0, 2]));
}

#[test]
fn a_town_across_cell_borders_is_stitched_together() {
    let town = Town::new(30);
    let wish = request(town.at(14.2, 15.1), 60, json!({}));
    let pois: Vec<_> =
        (0..40).map(|i| town.poi(i, (i * 7 % 29) as f64 + 0.5, (i * 11 % 30) as f64)).collect();
    let mut cells = town.cells();
    assert!(cells.len() > 4, "{}", cells.len());
    assert!(cells.is_sorted_by_key(|cell| cell.id) && cells.iter().all(|cell| cell.segments > 0));
    let whole = generate_route(&network(&cells), &pois, &wish, &Effort::default()).unwrap();
    cells.reverse();
    cells.push(cells[0].clone());
    let stitched = generate_route(&network(&cells), &pois, &wish, &Effort::default()).unwrap();
    assert_eq!(whole, stitched);
    let crossed: std::collections::BTreeSet<CellId> =
        whole.path.coordinates.iter().map(|&at| CellId::of(at)).collect();
    assert!(crossed.len() > 1, "the walk should cross a border: {crossed:?}");
}

#[test]
fn the_cells_within_reach_are_enough() {
    let town = Town::new(30);
    let wish = request(town.at(14.2, 15.1), 10, json!({}));
    let pois: Vec<_> =
        (0..40).map(|i| town.poi(i, (i * 7 % 29) as f64 + 0.5, (i * 11 % 30) as f64)).collect();
    let cells = town.cells();
    let range = Reach::of(&wish).cells();
    let near: Vec<_> = cells.iter().filter(|cell| range.contains(cell.id)).cloned().collect();
    assert!(near.len() < cells.len());
    let all = generate_route(&network(&cells), &pois, &wish, &Effort::default()).unwrap();
    let some = generate_route(&network(&near), &pois, &wish, &Effort::default()).unwrap();
    assert_eq!(all.stops, some.stops);
}

#[test]
fn damaged_and_foreign_bytes_are_refused() {
    let cell = cells().swap_remove(0).bytes;
    let read = |bytes: &[u8]| Network::from_cells([bytes]).map(|network| network.memory_bytes());
    assert!(read(&cell).is_ok());
    assert_eq!(read(b""), Err(NetworkError::NotACell));
    assert_eq!(read(b"PNG\r\n"), Err(NetworkError::NotACell));
    assert_eq!(read(b"WSNC"), Err(NetworkError::Damaged));
    assert_eq!(read(&cell[..cell.len() - 1]), Err(NetworkError::Damaged));
    let mut newer = cell.clone();
    newer[4] = 9;
    assert_eq!(read(&newer), Err(NetworkError::OtherVersion(9)));
    for position in (5..cell.len()).step_by(7) {
        let mut damaged = cell.clone();
        damaged[position] ^= 0x10;
        assert_eq!(read(&damaged), Err(NetworkError::Damaged), "{position}");
    }
}

#[test]
fn a_way_that_is_cut_at_the_edge_of_the_extract_goes_on_in_two_pieces() {
    let town = Town::new(2);
    let mut builder = NetworkBuilder::new();
    let at = |x: usize| (node(x, 0), Some(town.at(x as f64, 0.0)));
    let nodes = [at(0), at(1), (999, None), at(3), at(4), (998, None), at(6)];
    builder.add_way(1, &tags("highway=footway"), &nodes);
    assert_eq!(builder.finish().iter().map(|cell| cell.segments).sum::<usize>(), 2);
}

use crate::town::{Town, network, node, point, request, tags};
use domain::Coordinate;
use serde_json::json;
use wildside_engine::{
    CellId, Effort, Network, NetworkBuilder, NetworkCell, NetworkError, Reach, Region, generate_route,
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
    let read = |bytes: &[u8]| Network::from_cells([bytes]).map(|network| network.edge_count());
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

#[test]
fn a_damaged_or_foreign_network_is_refused() {
    let cells = cells();
    let prepared = Network::prepare(cells.iter().map(|cell| &cell.bytes[..])).unwrap();
    let read = |bytes: &[u8]| Network::from_bytes(bytes).map(|network| network.edge_count());
    assert!(read(&prepared).unwrap() > 1000);
    assert_eq!(read(b""), Err(NetworkError::NotANetwork));
    assert_eq!(read(&cells[0].bytes), Err(NetworkError::NotANetwork));
    assert_eq!(read(&prepared[..8]), Err(NetworkError::Damaged));
    assert_eq!(read(&prepared[..prepared.len() - 8]), Err(NetworkError::Damaged));
    assert_eq!(read(&[&prepared[..], &[0; 8]].concat()), Err(NetworkError::Damaged));
    let mut newer = prepared.clone();
    newer[8] = 99;
    assert_eq!(read(&newer), Err(NetworkError::OtherFormat(99)));
    for position in (12..prepared.len()).step_by(prepared.len() / 300) {
        let mut damaged = prepared.clone();
        damaged[position] ^= 0x20;
        assert_eq!(read(&damaged), Err(NetworkError::Damaged), "{position}");
    }
}

#[test]
fn the_same_cells_give_the_same_network_in_whatever_order_they_come() {
    let mut cells = cells();
    let prepare = |cells: &[NetworkCell]| Network::prepare(cells.iter().map(|cell| &cell.bytes[..])).unwrap();
    let once = prepare(&cells);
    cells.reverse();
    cells.push(cells[3].clone());
    assert_eq!(prepare(&cells), once);
}

/// The border between two fine regions runs through the middle of the town, and each has a network of its own.
#[test]
fn a_walk_across_the_border_between_regions_is_a_normal_walk() {
    let border = 25.136_718_75;
    let town = Town::at_origin(30, (border - 0.027, 60.16));
    let wish = request(town.at(11.2, 15.1), 60, json!({"end_location": point(town.at(18.0, 14.5))}));
    let pois: Vec<_> =
        (0..40).map(|i| town.poi(i, (i * 7 % 29) as f64 + 0.5, (i * 11 % 30) as f64)).collect();
    let (west, east) = (town.at(5.0, 15.0), town.at(25.0, 15.0));
    let cells = town.cells();
    let of_region = |at: Coordinate| {
        let region = Region::of(CellId::of(at), Region::FINE);
        let held = region.cells();
        assert!(held.contains(Reach::of(&wish).cells().min) && held.contains(Reach::of(&wish).cells().max));
        let near: Vec<_> = cells.iter().filter(|cell| held.contains(cell.id)).cloned().collect();
        (region, generate_route(&network(&near), &pois, &wish, &Effort::default()).unwrap())
    };
    let (western, eastern) = (of_region(west), of_region(east));
    assert_ne!(western.0, eastern.0);
    let whole = generate_route(&network(&cells), &pois, &wish, &Effort::default()).unwrap();
    for route in [&western.1, &eastern.1] {
        assert_eq!(route.stops.len(), whole.stops.len());
        assert!(route.duration_s.abs_diff(whole.duration_s) < 120);
        let sides =
            |west: bool| route.path.coordinates.iter().filter(|at| (at.lon() < border) == west).count();
        assert!(sides(true) > 1 && sides(false) > 1, "the walk should cross the border");
    }
}

use domain::{Coordinate, RouteRequest, Tags, ThemeId};
use serde_json::json;
use testbed::Postgres;
use uuid::Uuid;
use wildside_engine::{CellId, NetworkBuilder, Region};

use super::*;

const START: (f64, f64) = (24.94, 60.17);

/// A street of so many pieces, prepared.
fn street(pieces: i64) -> Vec<u8> {
    let mut builder = NetworkBuilder::new();
    for piece in 0..pieces {
        let at = |node: i64| Coordinate::new(START.0 + node as f64 * 1e-3, START.1);
        // Of two kinds in turn, so that they stay apart.
        let kind = if piece % 2 == 0 { "footway" } else { "residential" };
        let tags = Tags::from([("highway".to_owned(), kind.to_owned())]);
        builder.add_way(piece + 1, &tags, &[(piece, at(piece)), (piece + 1, at(piece + 1))]);
    }
    let cells = builder.finish();
    Network::prepare(cells.iter().map(|cell| &cell.bytes[..])).unwrap()
}

fn request(minutes: u16) -> RouteRequest {
    let start = Coordinate::new(START.0, START.1).unwrap();
    let wish = json!({
        "start_location": {"type": "Point", "coordinates": start},
        "duration_minutes": minutes,
        "interest_theme_ids": [ThemeId(Uuid::from_u128(1))],
    });
    RouteRequest::parse(&wish).unwrap()
}

struct World {
    database: testbed::Database,
    networks: Networks,
}

impl World {
    async fn new(most_bytes: usize) -> Self {
        let cluster = Postgres::shared().await.unwrap();
        let database = cluster.fresh_database(async |url| store::migrate(url).await).await.unwrap();
        let networks = Networks::new(Database::new(&database.url(), 4, "test").unwrap(), most_bytes);
        Self { database, networks }
    }

    /// Writes a network as an ingest does.
    async fn write(&self, zoom: u8, bytes: &[u8]) {
        let region = Region::of(CellId::of(request(5).start()), zoom);
        let cells = region.cells();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let (Region { x, y, .. }, format) = (region, Network::FORMAT);
        let (min, max) = (cells.min, cells.max);
        self.database
            .sql(&format!(
                "INSERT INTO street_networks (zoom, x, y, min_x, max_x, min_y, max_y, network, format)
                 VALUES ({zoom}, {x}, {y}, {}, {}, {}, {}, '\\x{hex}', {format})
                 ON CONFLICT (zoom, x, y) DO UPDATE SET network = excluded.network, version = excluded.version",
                min.x, max.x, min.y, max.y
            ))
            .await
            .unwrap();
    }

    async fn edges(&self, minutes: u16) -> usize {
        self.networks.around(&request(minutes)).await.unwrap().edge_count()
    }
}

#[tokio::test]
async fn a_network_that_an_ingest_replaced_is_used_from_the_next_walk_on() {
    let world = World::new(1 << 30).await;
    assert_eq!(world.edges(60).await, 0, "where there is nothing, there are no streets");
    world.write(Region::COARSE, &street(3)).await;
    let before = world.networks.around(&request(60)).await.unwrap();
    assert!(Arc::ptr_eq(&before, &world.networks.around(&request(45)).await.unwrap()), "one for both walks");
    world.write(Region::COARSE, &street(7)).await;
    assert_eq!((world.edges(60).await, before.edge_count()), (7, 3));
    assert_eq!(world.networks.kept.lock().unwrap().len(), 1, "the replaced one is let go");
}

#[tokio::test]
async fn short_walks_use_the_fine_network_and_long_ones_the_coarse() {
    let world = World::new(1 << 30).await;
    world.write(Region::COARSE, &street(3)).await;
    world.write(Region::FINE, &street(2)).await;
    assert_eq!((world.edges(60).await, world.edges(480).await), (2, 3));
}

#[tokio::test]
async fn the_least_recently_used_go_when_there_are_too_many() {
    let world = World::new(1).await;
    world.write(Region::COARSE, &street(3)).await;
    world.write(Region::FINE, &street(2)).await;
    assert_eq!((world.edges(60).await, world.edges(480).await), (2, 3));
    let kept = world.networks.kept.lock().unwrap();
    assert_eq!(kept.iter().map(|entry| entry.key.zoom).collect::<Vec<_>>(), [i16::from(Region::COARSE)]);
}

#[tokio::test]
async fn damaged_bytes_are_an_error_and_are_tried_again() {
    let world = World::new(1 << 30).await;
    let mut bytes = street(3);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    world.write(Region::COARSE, &bytes).await;
    let error = world.networks.around(&request(60)).await.map(|network| network.edge_count()).unwrap_err();
    assert_eq!(error.to_string(), "stored street network: the street network is damaged");
    world.write(Region::COARSE, &street(4)).await;
    assert_eq!(world.edges(60).await, 4);
}

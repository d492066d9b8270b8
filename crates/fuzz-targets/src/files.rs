//! What comes from files, from the Overpass API and from OpenStreetMap.

use std::{collections::HashSet, io::Write, sync::LazyLock, time::Duration};

use chrono::{DateTime, NaiveDate, TimeDelta};
use domain::{RouteRequest, ThemeCatalogue};
use extract::{Extract, Progress};
use serde_json::json;
use wildside_engine::{Effort, Network, generate_route};

use crate::text;

static CATALOGUE: LazyLock<ThemeCatalogue> = LazyLock::new(ThemeCatalogue::bundled);

/// An `.osm.pbf` file. What is read of it can be stored and walked.
pub(crate) fn extract(input: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap_or_else(|error| panic!("{error}"));
    file.write_all(input).unwrap_or_else(|error| panic!("{error}"));
    let Ok(extract) = Extract::open(file.path(), Progress::Quiet) else { return };
    let Ok(content) = extract::read(&extract, &CATALOGUE, None) else { return };
    let ids: HashSet<i64> = content.places.iter().map(|place| place.poi.id.0).collect();
    assert_eq!(ids.len(), content.places.len());
    let cells = content.cells.iter().map(|cell| cell.bytes.as_slice());
    if let Err(error) = Network::from_cells(cells) {
        panic!("{error}");
    }
}

/// A prepared network, or a cell of one, as the database keeps it; its checksum is made right. What is not refused can be
/// walked.
pub(crate) fn network(input: &[u8]) {
    let bytes = wildside_engine::fuzz::with_checksum(input);
    let network = match Network::from_bytes(&bytes) {
        Ok(network) => Ok(network),
        Err(_) => Network::from_cells([bytes.as_slice()]),
    };
    let Ok(network) = network else { return };
    let Some(start) = wildside_engine::fuzz::some_junction(&network) else { return };
    let request = RouteRequest::parse(&json!({
        "start_location": {"type": "Point", "coordinates": [start.lon(), start.lat()]},
        "duration_minutes": 15,
        "interest_theme_ids": [CATALOGUE.themes()[0].id],
    }));
    let request = request.unwrap_or_else(|errors| panic!("{errors:?}"));
    let effort = Effort { iterations: 20, ..Effort::default() };
    if let Ok(route) = generate_route(&network, &[], &request, &effort) {
        assert!(route.duration_s <= request.budget_s(), "{} s", route.duration_s);
    }
}

/// What OpenStreetMap says of when a place is open: the first four bytes say when the walk begins.
pub(crate) fn opening_hours(input: &[u8]) {
    const DAY_S: u32 = 24 * 3_600;
    let Some((minutes, stated)) = input.split_first_chunk::<4>() else { return };
    let Some(stated) = text(stated) else { return };
    let epoch =
        NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default().and_hms_opt(0, 0, 0).unwrap_or_default();
    // A hundred years, as those of a request.
    let start = epoch + TimeDelta::minutes(i64::from(u32::from_le_bytes(*minutes) % (100 * 365 * 24 * 60)));
    let Some(open) = wildside_engine::fuzz::open_times(stated, start, DAY_S) else { return };
    let edges: Vec<u32> = open.into_iter().flat_map(|(from, until)| [from, until]).collect();
    assert!(edges.is_sorted_by(|a, b| a < b) && edges.iter().all(|&ms| ms <= DAY_S * 1_000), "{edges:?}");
}

/// An answer of an Overpass API: its status and its `Retry-After` on a line, then its body.
pub(crate) fn overpass_answer(input: &[u8]) {
    let head = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (head, body) = (&input[..head], input.get(head + 1..).unwrap_or_default());
    let head = String::from_utf8_lossy(head);
    let (status, retry_after) = head.split_once(' ').unwrap_or((&head, ""));
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
    let pause = enrichment_worker::fuzz::retry_after(retry_after, now);
    assert!(pause.is_none_or(|pause| pause <= Duration::from_secs(24 * 3_600)), "{pause:?}");
    let places = enrichment_worker::fuzz::places(status.parse().unwrap_or(200), body, &CATALOGUE);
    for place in places.into_iter().flatten() {
        assert!(
            place.poi.id.osm().is_some_and(|(_, id)| id > 0) && place.poi.id.0 < 1 << 53,
            "{}",
            place.poi.id
        );
        assert!((0.0..=1.0).contains(&place.poi.popularity_score), "{}", place.poi.popularity_score);
        assert!(!place.tags.iter().any(|(key, value)| key.contains('\0') || value.contains('\0')));
    }
}

/// A file of themes, or of sources of tiles.
pub(crate) fn yaml(input: &[u8]) {
    let Some(text) = text(input) else { return };
    if let Ok(catalogue) = ThemeCatalogue::parse(text) {
        let keys: HashSet<&str> = catalogue.themes().iter().map(|theme| theme.key.as_str()).collect();
        assert_eq!(keys.len(), catalogue.themes().len());
    }
    if let Ok(sources) = tile_server::fuzz::parse_sources(text) {
        assert!(!sources.is_empty());
    }
}

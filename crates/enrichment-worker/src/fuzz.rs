//! What the fuzz targets call: readers of what an Overpass API writes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{Bounds, Place, PopularityScale, ThemeCatalogue};

use crate::overpass::{Answer, Raw, pause};

/// The places of every theme in an answer; `None` where it is none.
pub fn places(status: u16, body: &[u8], catalogue: &ThemeCatalogue) -> Option<Vec<Place>> {
    let answer = Answer::read(&Raw { status, retry_after: None, body: body.to_vec() }).ok()?;
    let everywhere = Bounds { min_lon: -180.0, min_lat: -90.0, max_lon: 180.0, max_lat: 90.0 };
    let scale = PopularityScale::default();
    let places = |theme: &domain::InterestTheme| answer.places(catalogue, theme.id, everywhere, &scale);
    Some(catalogue.themes().iter().flat_map(places).collect())
}

/// How long an API wants to be left alone.
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    pause(text, now)
}

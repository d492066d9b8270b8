//! A route as it is stored: JSON, compressed, since a walk's coordinates are most of it.

use std::io::{Error, Read, Write};

use domain::Route;
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

/// No walk is larger; whatever is comes from somebody else.
const MAX_JSON_BYTES: u64 = 16 * 1024 * 1024;

/// A route's stored form.
pub(super) fn written(route: &Route) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(route)?)?;
    encoder.finish()
}

/// The route of a stored form.
pub(super) fn read(bytes: &[u8]) -> Result<Route, Error> {
    let mut json = Vec::new();
    ZlibDecoder::new(bytes).take(MAX_JSON_BYTES).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

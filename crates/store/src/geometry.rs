//! What sqlx cannot type about PostGIS: a LineString travels as little-endian WKB (OGC 06-103r4, 8.2), so that every
//! coordinate comes back bit for bit.

use domain::{Coordinate, LineString};

use crate::StoreError;

const LITTLE_ENDIAN: u8 = 1;
const LINE_STRING: u32 = 2;

pub(crate) fn line_string_to_wkb(line: &LineString) -> Vec<u8> {
    let mut wkb = Vec::with_capacity(9 + 16 * line.coordinates.len());
    wkb.push(LITTLE_ENDIAN);
    wkb.extend(LINE_STRING.to_le_bytes());
    wkb.extend((line.coordinates.len() as u32).to_le_bytes());
    for at in &line.coordinates {
        wkb.extend(at.lon().to_le_bytes());
        wkb.extend(at.lat().to_le_bytes());
    }
    wkb
}

pub(crate) fn line_string_from_wkb(wkb: &[u8]) -> Result<LineString, StoreError> {
    let unreadable = |why: &str| StoreError::Unreadable { what: "path", why: why.into() };
    let header = wkb.get(..9).ok_or_else(|| unreadable("too short for WKB"))?;
    if header[0] != LITTLE_ENDIAN || header[1..5] != LINE_STRING.to_le_bytes() {
        return Err(unreadable("not a little-endian WKB LineString"));
    }
    let number = |bytes: &[u8]| bytes.try_into().map(f64::from_le_bytes).unwrap_or(f64::NAN);
    let coordinates: Option<Vec<Coordinate>> = wkb[9..]
        .chunks(16)
        .map(|pair| Coordinate::new(number(pair.get(..8)?), number(pair.get(8..)?)))
        .collect();
    coordinates
        .map(|coordinates| LineString { coordinates })
        .ok_or_else(|| unreadable("a coordinate off the Earth"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_bit_for_bit() {
        let coordinates = [(24.935_200_1, 60.1), (0.1 + 0.2, -33.0)];
        let line = LineString {
            coordinates: coordinates.map(|(lon, lat)| Coordinate::new(lon, lat).unwrap()).to_vec(),
        };
        assert_eq!(line_string_from_wkb(&line_string_to_wkb(&line)).unwrap(), line);
        assert!(line_string_from_wkb(&line_string_to_wkb(&line)[..30]).is_err());
        assert!(line_string_from_wkb(b"").is_err());
    }
}

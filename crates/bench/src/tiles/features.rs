/// How many features an unpacked vector tile has: each layer is a field 3 of the tile, each feature a field 2 of its
/// layer (Mapbox Vector Tile Specification 2.1, section 4).
pub(crate) fn features(tile: &[u8]) -> usize {
    fields(tile, 3).map(|layer| fields(layer, 2).count()).sum()
}

/// The contents of a message's fields of this number.
fn fields(message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    let mut rest = message;
    std::iter::from_fn(move || {
        loop {
            let key = varint(&mut rest)?;
            let length = match key & 7 {
                0 => {
                    varint(&mut rest)?;
                    0
                }
                1 => 8,
                2 => usize::try_from(varint(&mut rest)?).ok()?,
                _ => 4,
            };
            let (content, after) = rest.split_at_checked(length)?;
            rest = after;
            if key >> 3 == wanted {
                return Some(content);
            }
        }
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_counted_over_all_layers() {
        // A layer "a" of version 2 with two features, and a layer without any.
        let full = [0x1a, 11, 0x78, 2, 0x0a, 1, b'a', 0x12, 0, 0x12, 2, 0x18, 1];
        let empty = [0x1a, 3, 0x0a, 1, b'b'];
        assert_eq!(features(&[&full[..], &empty].concat()), 2);
        assert_eq!((features(&[]), features(&full[..5])), (0, 0));
    }
}

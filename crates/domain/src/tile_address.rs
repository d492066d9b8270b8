/// A tile of the web map as an address names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileAddress {
    /// Zoom, 0 to 30.
    pub z: u8,
    /// Column, from the west.
    pub x: u32,
    /// Row, from the north.
    pub y: u32,
}

impl TileAddress {
    /// The deepest zoom.
    pub const MAX_ZOOM: u8 = 30;

    /// The tile of these numbers, if it exists and each is written as it is always written: one tile has one address.
    pub fn parse(z: &str, x: &str, y: &str) -> Option<Self> {
        let z = u8::try_from(number(z)?).ok().filter(|z| *z <= Self::MAX_ZOOM)?;
        let (x, y) = (number(x)?, number(y)?);
        (x < 1 << z && y < 1 << z).then_some(Self { z, x, y })
    }
}

/// Not as Rust reads numbers, which takes a sign and zeros in front.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_that_exists_has_one_address() {
        assert_eq!(TileAddress::parse("0", "0", "0"), Some(TileAddress { z: 0, x: 0, y: 0 }));
        let tile = TileAddress { z: 14, x: 9326, y: 4741 };
        assert_eq!(TileAddress::parse("14", "9326", "4741"), Some(tile));
        let wrongs = [
            ["014", "9326", "4741"],
            ["000014", "9326", "4741"],
            ["14", "09326", "4741"],
            ["14", "+9326", "4741"],
            ["14", "9326", "-0"],
            ["14", "9326", "00"],
            ["14", " 9326", "4741"],
            ["14", "9326", "4741 "],
            ["14", "9326", ""],
            ["14", "9326", "4741.0"],
            ["14", "0x246e", "4741"],
            ["14", "\u{663}", "4741"],
            ["14", "16384", "0"],
            ["14", "0", "99999999999999999999"],
            ["31", "0", "0"],
            ["256", "0", "0"],
        ];
        for [z, x, y] in wrongs {
            assert_eq!(TileAddress::parse(z, x, y), None, "{z}/{x}/{y}");
        }
    }
}

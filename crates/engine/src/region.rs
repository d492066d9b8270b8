use crate::{CellId, CellRange, reach::METRES_PER_DEGREE};

/// A tile of the map whose walks use one prepared network: that of the cells in the tile and of a margin around it, so wide
/// that no walk from the tile leaves it. So nothing ever crosses a border between networks, and a planet costs a worker
/// what the tiles cost that its walkers are in.
///
/// There are two sizes. Coarse regions are for the longest walks, and for all walks where there are few streets; where
/// there are many, fine ones are there for walks of up to about an hour and a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// Zoom of the tile: [`COARSE`](Self::COARSE) or [`FINE`](Self::FINE).
    pub zoom: u8,
    /// Column.
    pub x: i32,
    /// Row.
    pub y: i32,
}

/// Metres around a coarse tile: the longest walk's reach, its snapping, and some more.
const COARSE_MARGIN_M: f64 = 10_500.0;
const FINE_MARGIN_M: f64 = 4_000.0;

impl Region {
    /// Zoom of coarse regions: some 40 km wide in Helsinki, 78 km at the equator.
    pub const COARSE: u8 = 9;
    /// Zoom of fine regions: a fourth of that.
    pub const FINE: u8 = 11;
    /// A coarse network of no more street segments than this needs no finer ones beside it.
    pub const FEW_SEGMENTS: i64 = 150_000;

    /// The region in whose tile a cell is.
    pub fn of(cell: CellId, zoom: u8) -> Self {
        let shift = CellId::ZOOM - u32::from(zoom);
        Self { zoom, x: cell.x >> shift, y: cell.y >> shift }
    }

    /// The cells of the tile itself.
    pub fn tile(&self) -> CellRange {
        let shift = CellId::ZOOM - u32::from(self.zoom);
        let edge = |tile: i32, more: i32| ((tile + more) << shift) - more;
        let corner = |more: i32| CellId { x: edge(self.x, more), y: edge(self.y, more) };
        CellRange { min: corner(0), max: corner(1) }
    }

    /// The cells of its network.
    pub fn cells(&self) -> CellRange {
        let margin_m = if self.zoom == Self::COARSE { COARSE_MARGIN_M } else { FINE_MARGIN_M };
        let CellRange { min, max } = self.tile();
        // Cells are smaller towards the poles.
        let widest = |a: i32, b: i32| {
            let narrow = [a, b].map(|y| CellId { x: 0, y }.north_edge().to_radians().cos()).into_iter();
            let cell_m =
                METRES_PER_DEGREE * 360.0 / f64::from(1 << CellId::ZOOM) * narrow.fold(1.0, f64::min);
            (margin_m / cell_m.max(1.0)).ceil() as i32
        };
        let margin = widest(min.y, max.y + 1);
        let clamp = |value: i32| value.clamp(0, (1 << CellId::ZOOM) - 1);
        CellRange {
            min: CellId { x: clamp(min.x - margin), y: clamp(min.y - margin) },
            max: CellId { x: clamp(max.x + margin), y: clamp(max.y + margin) },
        }
    }

    /// The regions of a zoom whose networks hold a cell.
    pub fn holding(cell: CellId, zoom: u8) -> impl Iterator<Item = Self> {
        let Self { x, y, .. } = Self::of(cell, zoom);
        let most = (1 << zoom) - 1;
        let around = (y - 1..=y + 1).flat_map(move |y| (x - 1..=x + 1).map(move |x| Self { zoom, x, y }));
        around
            .filter(move |region| (0..=most).contains(&region.x) && (0..=most).contains(&region.y))
            .filter(move |region| region.cells().contains(cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reach;
    use domain::Coordinate;

    #[test]
    fn a_region_holds_the_reach_of_every_walk_that_starts_in_its_tile() {
        for (lon, lat) in [(24.94, 60.17), (14.5, 35.9), (-3.2, 55.9), (0.01, 0.01), (-70.0, -53.0)] {
            for (zoom, radius_m) in [(Region::COARSE, 10_000.0), (Region::FINE, 3_600.0)] {
                for step in 0..40 {
                    let center =
                        Coordinate::new(lon + f64::from(step) * 0.037, lat + f64::from(step) * 0.013)
                            .unwrap();
                    let reach = Reach { center, radius_m }.cells();
                    let region = Region::of(CellId::of(center), zoom);
                    let held = region.cells();
                    assert!(region.tile().contains(CellId::of(center)));
                    assert!(
                        held.contains(reach.min) && held.contains(reach.max),
                        "{region:?} {reach:?} {held:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_regions_that_hold_a_cell_are_found() {
        let cell = CellId { x: 9327, y: 4742 };
        for zoom in [Region::COARSE, Region::FINE] {
            let home = Region::of(cell, zoom);
            let holding: Vec<Region> = Region::holding(cell, zoom).collect();
            assert!(holding.contains(&home));
            let all = (home.y - 3..=home.y + 3)
                .flat_map(|y| (home.x - 3..=home.x + 3).map(move |x| Region { zoom, x, y }));
            let expected: Vec<Region> = all.filter(|region| region.cells().contains(cell)).collect();
            assert_eq!(holding, expected);
        }
    }
}

use domain::{Coordinate, RouteRequest};
use std::{f64::consts::PI, fmt};

use crate::pace::WALKING_M_PER_S;

/// How far from a street a walk may start or end, in metres.
pub(crate) const SNAP_ENDS_M: f64 = 250.0;

const LARGEST_RADIUS_M: f64 = 10_000.0;
/// On the sphere that OpenStreetMap distances are measured on.
pub(crate) const METRES_PER_DEGREE: f64 = 6_371_008.8 * PI / 180.0;

/// A tile of the web-mercator grid at zoom 14 (x east, y south); some 2.4 km wide at the equator, 1.2 km in Helsinki.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId {
    /// Column, 0 at 180 degrees west.
    pub x: i32,
    /// Row, 0 in the north.
    pub y: i32,
}

impl CellId {
    /// Zoom of the grid.
    pub const ZOOM: u32 = 14;

    /// Latitude of its northern edge in degrees.
    pub(crate) fn north_edge(self) -> f64 {
        (PI * (1.0 - 2.0 * f64::from(self.y) / f64::from(1_u32 << Self::ZOOM))).sinh().atan().to_degrees()
    }

    /// The cell that holds a point. Formulas: OpenStreetMap wiki, "Slippy map tilenames".
    pub fn of(at: Coordinate) -> Self {
        let tiles = f64::from(1_u32 << Self::ZOOM);
        let lat = at.lat().clamp(-85.0511, 85.0511).to_radians();
        let clamp = |tile: f64| (tile.floor() as i32).clamp(0, (1 << Self::ZOOM) - 1);
        Self {
            x: clamp((at.lon() + 180.0) / 360.0 * tiles),
            y: clamp((1.0 - lat.tan().asinh() / PI) / 2.0 * tiles),
        }
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.x, self.y)
    }
}

/// A rectangle of cells, both corners included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CellRange {
    /// North-west corner.
    pub min: CellId,
    /// South-east corner.
    pub max: CellId,
}

impl CellRange {
    /// The cells, west to east, north to south.
    pub fn iter(&self) -> impl Iterator<Item = CellId> + use<> {
        let Self { min, max } = *self;
        (min.y..=max.y).flat_map(move |y| (min.x..=max.x).map(move |x| CellId { x, y }))
    }

    /// Whether a cell is one of them.
    pub fn contains(&self, cell: CellId) -> bool {
        (self.min.x..=self.max.x).contains(&cell.x) && (self.min.y..=self.max.y).contains(&cell.y)
    }
}

/// A disc that holds every point the walk can pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Half-way between start and end.
    pub center: Coordinate,
    /// Metres.
    pub radius_m: f64,
}

impl Reach {
    /// A walk of length L from s to e stays within the ellipse d(s, p) + d(p, e) <= L, and that within the disc of
    /// radius L / 2 around the midpoint. At most 10 km: who walks all day still has more than enough to see.
    pub fn of(request: &RouteRequest) -> Self {
        Self {
            center: request.start().midpoint(request.end()),
            radius_m: (f64::from(request.budget_s()) * WALKING_M_PER_S / 2.0).min(LARGEST_RADIUS_M),
        }
    }

    /// The cells whose streets the walk can use, with a margin for the way from a doorstep to the street.
    pub fn cells(&self) -> CellRange {
        let radius = self.radius_m + SNAP_ENDS_M;
        let d_lat = radius / METRES_PER_DEGREE;
        let d_lon = (d_lat / self.center.lat().to_radians().cos().max(0.01)).min(180.0);
        let corner = |lon: f64, lat: f64| {
            CellId::of(
                Coordinate::new(lon.clamp(-180.0, 180.0), lat.clamp(-90.0, 90.0)).unwrap_or(self.center),
            )
        };
        let (lon, lat) = (self.center.lon(), self.center.lat());
        CellRange { min: corner(lon - d_lon, lat + d_lat), max: corner(lon + d_lon, lat - d_lat) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lon: f64, lat: f64) -> Coordinate {
        Coordinate::new(lon, lat).unwrap()
    }

    #[test]
    fn helsinki_is_in_the_tile_that_maps_show_it_on() {
        assert_eq!(CellId::of(at(24.9414, 60.1699)).to_string(), "9327/4742");
        assert_eq!(CellId::of(at(180.0, -90.0)), CellId { x: 16383, y: 16383 });
    }

    #[test]
    fn the_cells_of_a_reach_hold_its_rim() {
        for (lon, lat) in [(24.94, 60.17), (14.5, 35.9), (-3.2, 55.9), (0.0, 0.0), (179.99, 10.0)] {
            let reach = Reach { center: at(lon, lat), radius_m: 2394.0 };
            let cells = reach.cells();
            assert_eq!(cells.iter().filter(|&cell| cells.contains(cell)).count(), cells.iter().count());
            for degrees in 0..360 {
                let angle = f64::from(degrees).to_radians();
                let d_lat = angle.sin() * 2394.0 / 111_195.0;
                let d_lon = angle.cos() * 2394.0 / 111_195.0 / lat.to_radians().cos();
                let rim = at((lon + d_lon).min(180.0), lat + d_lat);
                assert!(cells.contains(CellId::of(rim)), "{lon} {lat} {degrees}");
            }
        }
    }
}

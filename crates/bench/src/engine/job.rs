//! One walk as a worker gets it: the request, its network in a file, and the places within reach.

use anyhow::{Context, anyhow};
use domain::{Coordinate, Poi, PoiId, ThemeId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub request: Value,
    pub network: PathBuf,
    places: Vec<Place>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    id: i64,
    location: Coordinate,
    name: Option<String>,
    kind: String,
    themes: Vec<ThemeId>,
    popularity: f32,
    dwell_s: u32,
    opening_hours: Option<String>,
}

impl Job {
    pub fn new(request: Value, network: PathBuf, pois: &[Poi]) -> Self {
        let place = |poi: &Poi| Place {
            id: poi.id.0,
            location: poi.location,
            name: poi.name.clone(),
            kind: poi.kind.clone(),
            themes: poi.themes.clone(),
            popularity: poi.popularity_score,
            dwell_s: poi.dwell_s,
            opening_hours: poi.opening_hours.clone(),
        };
        Self { request, network, places: pois.iter().map(place).collect() }
    }

    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self)?;
        fs::write(file, text).with_context(|| format!("writing {}", file.display()))
    }

    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        serde_json::from_slice(&text).map_err(|error| anyhow!("{}: {error}", file.display()))
    }

    pub fn pois(self) -> Vec<Poi> {
        let poi = |place: Place| Poi {
            id: PoiId(place.id),
            location: place.location,
            name: place.name,
            kind: place.kind,
            themes: place.themes,
            popularity_score: place.popularity,
            dwell_s: place.dwell_s,
            narrative: None,
            opening_hours: place.opening_hours,
        };
        self.places.into_iter().map(poi).collect()
    }
}

use anyhow::Context;
use serde::Deserialize;
use std::{collections::BTreeMap, fs};
use testbed::workspace;

/// What each server may keep in memory, in MiB: more than all tiles that are asked for.
pub(crate) const CACHE_MIB: u32 = 48;

/// What is measured: few properties and all layers.
pub(crate) const ONE_LAYER: &str = "roads";

/// The layers of the base map, as `config/tile-sources.yaml` tells them to tile-server. Martin is told the same.
#[derive(Deserialize)]
pub(crate) struct Definitions {
    sources: BTreeMap<String, Source>,
}

#[derive(Deserialize)]
struct Source {
    maxzoom: u8,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
pub(crate) struct Layer {
    pub name: String,
    #[serde(default)]
    pub minzoom: u8,
    pub columns: BTreeMap<String, String>,
    #[serde(default = "usual_buffer")]
    pub buffer: u16,
}

fn usual_buffer() -> u16 {
    64
}

impl Definitions {
    pub fn read() -> anyhow::Result<Self> {
        let file = workspace::root().join("config/tile-sources.yaml");
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        serde_saphyr::from_str(&text).with_context(|| format!("reading {}", file.display()))
    }

    pub fn layers(&self) -> &[Layer] {
        self.sources.get("base").map_or(&[], |base| &base.layers)
    }

    pub fn maxzoom(&self) -> u8 {
        self.sources.get("base").map_or(0, |base| base.maxzoom)
    }
}

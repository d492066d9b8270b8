use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The definitions of all sources, as `config/tile-sources.yaml` explains them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definitions {
    sources: BTreeMap<String, Spanned<Source>>,
}

/// The definitions make no sense: nothing that is tried again will help.
#[derive(Debug, thiserror::Error)]
#[error("{file} is wrong: {error:#}")]
pub struct BadDefinitions {
    file: String,
    error: anyhow::Error,
}

/// One source: a file and what of it is served how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub file: String,
    pub description: String,
    pub attribution: String,
    pub minzoom: u8,
    pub maxzoom: u8,
    pub max_age: MaxAge,
    #[serde(default)]
    pub layers: Vec<Spanned<Layer>>,
}

/// One layer of a DuckDB file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layer {
    pub name: String,
    table: Option<String>,
    minzoom: Option<u8>,
    maxzoom: Option<u8>,
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnType>,
    #[serde(default = "usual_buffer")]
    pub buffer: u16,
    /// The zoom on whose grid all shapes lie that are shown at it.
    pub grid_zoom: Option<u8>,
}

fn usual_buffer() -> u16 {
    64
}

/// What a vector tile can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ColumnType {
    Varchar,
    Float,
    Double,
    Integer,
    Bigint,
    Boolean,
}

impl ColumnType {
    /// As DuckDB calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Varchar => "VARCHAR",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Integer => "INTEGER",
            Self::Bigint => "BIGINT",
            Self::Boolean => "BOOLEAN",
        }
    }

    /// As TileJSON calls it.
    pub fn tilejson(self) -> &'static str {
        match self {
            Self::Varchar => "String",
            Self::Boolean => "Boolean",
            _ => "Number",
        }
    }
}

/// How long a tile may be kept, by zoom.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum MaxAge {
    Always(u32),
    ByZoom(Vec<MaxAgeStep>),
}

/// Tiles up to a zoom may be kept for so many seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaxAgeStep {
    to: Option<u8>,
    seconds: u32,
}

impl MaxAge {
    /// Seconds at a zoom.
    pub fn at(&self, zoom: u8) -> u32 {
        match self {
            Self::Always(seconds) => *seconds,
            Self::ByZoom(steps) => {
                steps.iter().find(|step| step.to.is_none_or(|to| zoom <= to)).map_or(0, |step| step.seconds)
            }
        }
    }
}

impl Layer {
    /// The table that it is made from.
    pub fn table(&self) -> &str {
        self.table.as_deref().unwrap_or(&self.name)
    }

    /// The zooms at which it is shown.
    pub fn zooms(&self, source: &Source) -> std::ops::RangeInclusive<u8> {
        self.minzoom.unwrap_or(source.minzoom)..=self.maxzoom.unwrap_or(source.maxzoom)
    }
}

impl Definitions {
    /// Reads and checks a file. The error names the line at fault.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let wrong = |error: anyhow::Error| BadDefinitions { file: file.display().to_string(), error };
        let text = fs::read_to_string(file).context("it cannot be read").map_err(wrong)?;
        Ok(Self::parse(&text).map_err(wrong)?)
    }

    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let definitions: Self = serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(!definitions.sources.is_empty(), "there is no source");
        let mut files = BTreeSet::new();
        for (name, source) in &definitions.sources {
            let line = source.defined.line();
            check_source(name, &source.value).with_context(|| format!("source {name}, line {line}"))?;
            if !files.insert(&source.value.file) {
                bail!("source {name}, line {line}: {} belongs to another source already", source.value.file);
            }
        }
        Ok(definitions)
    }

    /// All sources by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources.iter().map(|(name, source)| (name.as_str(), &source.value))
    }
}

/// Names that stand for something else under /tiles.
const TAKEN: [&str; 7] = ["pois", "routes", "style", "catalog", "fonts", "sprites", "_"];

fn check_source(name: &str, source: &Source) -> anyhow::Result<()> {
    check_name(name)?;
    ensure!(!TAKEN.contains(&name), "the name {name} is taken");
    check_zooms(&(source.minzoom..=source.maxzoom), 22)?;
    let plain = Path::new(&source.file).file_name().is_some_and(|plain| *plain == *source.file);
    ensure!(plain, "file must be the name of a file in DATA_DIR, and not {:?}", source.file);
    if let MaxAge::ByZoom(steps) = &source.max_age {
        let last = steps.last().context("max_age has no entry")?;
        ensure!(last.to.is_none(), "the last entry of max_age must have no `to`");
        let tos: Vec<_> = steps[..steps.len() - 1].iter().map(|step| step.to).collect();
        ensure!(tos.iter().all(Option::is_some) && tos.is_sorted(), "max_age must go up from zoom to zoom");
    }
    match Path::new(&source.file).extension().and_then(|extension| extension.to_str()) {
        Some("duckdb") => ensure!(!source.layers.is_empty(), "a DuckDB file needs layers"),
        Some("pmtiles") => ensure!(source.layers.is_empty(), "the layers of a PMTiles file are its own"),
        _ => bail!("file must end with .duckdb or .pmtiles, and not be {:?}", source.file),
    }
    let mut names = BTreeSet::new();
    for layer in &source.layers {
        let line = layer.defined.line();
        check_layer(&layer.value, source)
            .with_context(|| format!("layer {}, line {line}", layer.value.name))?;
        ensure!(names.insert(&layer.value.name), "line {line}: a second layer {}", layer.value.name);
    }
    // A request for chosen layers names them by bits.
    ensure!(names.len() <= 32, "there are more than 32 layers");
    Ok(())
}

fn check_layer(layer: &Layer, source: &Source) -> anyhow::Result<()> {
    check_name(&layer.name)?;
    check_name(layer.table())?;
    check_zooms(&layer.zooms(source), source.maxzoom)?;
    ensure!(*layer.zooms(source).start() >= source.minzoom, "minzoom is below that of the source");
    // Further out a tile would hold what is not looked for.
    ensure!(layer.buffer <= 2048, "buffer {} is more than half a tile, 2048", layer.buffer);
    let grids = source.minzoom..=source.maxzoom;
    ensure!(layer.grid_zoom.is_none_or(|zoom| grids.contains(&zoom)), "grid_zoom is no zoom of the source");
    for column in layer.columns.keys() {
        check_name(column)?;
        let own = ["geom", "minz", "maxz", "xmin", "ymin", "xmax", "ymax"];
        ensure!(!own.contains(&column.as_str()), "{column} cannot be a property");
    }
    Ok(())
}

fn check_zooms(zooms: &std::ops::RangeInclusive<u8>, deepest: u8) -> anyhow::Result<()> {
    ensure!(!zooms.is_empty(), "minzoom {} is above maxzoom {}", zooms.start(), zooms.end());
    ensure!(*zooms.end() <= deepest, "maxzoom {} is above {deepest}", zooms.end());
    Ok(())
}

/// Names stand in addresses and in SQL.
fn check_name(name: &str) -> anyhow::Result<()> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let fits = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(plain)
        && name.len() <= 60;
    ensure!(fits, "{name:?} must be made of a-z, 0-9 and _, and begin with a letter");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../config/tile-sources.yaml");

    fn wrong(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        format!("{:#}", Definitions::parse(&GOOD.replacen(from, to, 1)).unwrap_err())
    }

    #[test]
    fn our_own_file_is_right() {
        let definitions = Definitions::parse(GOOD).unwrap();
        let (name, base) = definitions.iter().next().unwrap();
        assert_eq!(
            (name, base.max_age.at(3), base.max_age.at(10), base.max_age.at(16)),
            ("base", 604_800, 86_400, 3600)
        );
        let land = &base.layers[0].value;
        assert_eq!((land.table(), land.zooms(base), land.buffer), ("land", 8..=16, 64));
        assert_eq!(land.grid_zoom, Some(16));
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let line = |text: &str| 1 + GOOD.lines().position(|line| line.contains(text)).unwrap();
        let told = [
            (wrong("minzoom: 0", "minzoom: 17"), line("file: base.duckdb"), "above maxzoom"),
            (wrong("minzoom: 8", "minzom: 8"), line("minzoom: 8"), "minzom"),
            (wrong("minzoom: 14", "minzoom: 19"), line("name: buildings"), "above maxzoom"),
            (wrong("{class: VARCHAR}", "{class: STRING}"), line("{class: VARCHAR}"), "STRING"),
            (wrong("name: waterways", "name: water"), line("name: waterways"), "second layer"),
            (wrong("{class: VARCHAR, name", "{\"a b\": VARCHAR, name"), line("name: waterways"), "a-z"),
            (wrong("file: base.duckdb", "file: ../base.duckdb"), line("file: base.duckdb"), "DATA_DIR"),
            (wrong("buffer: 256", "buffer: 2049"), line("name: places"), "half a tile"),
            (wrong("grid_zoom: 16", "grid_zoom: 17"), line("name: land"), "grid_zoom"),
            (wrong("{seconds: 3600}", "{to: 16, seconds: 3600}"), line("file: base.duckdb"), "max_age"),
        ];
        for (text, line, part) in &told {
            assert!(
                text.contains(&format!("line {line}")) && text.contains(part),
                "line {line}, {part}: {text}"
            );
        }
    }
}

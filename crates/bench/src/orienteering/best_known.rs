use anyhow::{Context, ensure};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// The best score that anybody has found, by the name of the instance.
#[derive(Default)]
pub(super) struct BestKnown(HashMap<String, f64>);

impl BestKnown {
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("{}", file.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
        let column = |name: &str| {
            let place = header.iter().position(|&column| column == name);
            place.with_context(|| format!("line 1: there is no column `{name}`"))
        };
        let (name, score) = (column("name")?, column("best_known_score")?);
        let mut best = HashMap::new();
        for (number, line) in
            lines.enumerate().map(|(i, line)| (i + 2, line)).filter(|(_, line)| !line.is_empty())
        {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            ensure!(fields.len() == header.len(), "line {number}: there are not {} fields", header.len());
            let value = fields[score].parse();
            let value = value.with_context(|| format!("line {number}: `{}` is no score", fields[score]))?;
            best.insert(fields[name].to_owned(), value);
        }
        Ok(Self(best))
    }

    pub fn score(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

/// A file `*best_known*.csv` in the folder or beside it.
pub(super) fn beside(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let folders = path.ancestors().take(2).filter(|folder| folder.is_dir());
    let mut files: Vec<PathBuf> = folders
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files.into_iter().find(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.contains("best_known") && name.ends_with(".csv")
    })
}

use anyhow::Context;
use serde_json::Value;
use std::{
    fs,
    io::{Write, stderr, stdout},
    path::Path,
};

/// Says a line. A reader that has gone away (`| head`) is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(stdout(), "{line}");
}

/// Says a line that is no result.
pub(crate) fn warn(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// Writes figures for a program.
pub(crate) fn write_json(file: &Path, figures: &Value) -> anyhow::Result<()> {
    let text = format!("{}\n", serde_json::to_string_pretty(figures)?);
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

use std::io::{IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// Tells whoever waits how far a step is: a bar on a terminal, else a line at the start of each step.
#[derive(Debug)]
pub(crate) struct Step {
    bar: ProgressBar,
}

impl Step {
    /// A step through `total` bytes.
    pub(crate) fn bytes(what: &'static str, total: u64) -> Self {
        Self::new(what, ProgressBar::new(total), "{msg:24} {bar:32} {bytes}/{total_bytes} {eta}")
    }

    /// A step of unknown length.
    pub(crate) fn open_ended(what: &'static str) -> Self {
        let step = Self::new(what, ProgressBar::new_spinner(), "{msg:24} {spinner} {elapsed}");
        step.bar.enable_steady_tick(std::time::Duration::from_millis(200));
        step
    }

    fn new(what: &'static str, bar: ProgressBar, template: &str) -> Self {
        if !stderr().is_terminal() {
            // Nobody reads it where standard error is closed, and that is no reason to stop.
            let _ = writeln!(stderr(), "{what}");
            return Self { bar: ProgressBar::hidden() };
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar: bar.with_message(what) }
    }

    /// So much more is done.
    pub(crate) fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    /// So much is done altogether.
    pub(crate) fn at(&self, position: u64) {
        self.bar.set_position(position);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

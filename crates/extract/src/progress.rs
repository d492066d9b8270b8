use std::{
    io::{IsTerminal, Write, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// How whoever waits hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A bar on a terminal, else a line at the start of each step.
    Told,
    /// Not at all.
    Quiet,
}

/// Something that takes a while.
#[derive(Debug)]
pub struct Step {
    bar: ProgressBar,
}

impl Progress {
    /// A step through `total` bytes.
    pub fn bytes(self, what: &'static str, total: u64) -> Step {
        self.step(what, ProgressBar::new(total), "{msg:24} {bar:32} {bytes}/{total_bytes} {eta}")
    }

    /// A step of unknown length.
    pub fn open_ended(self, what: &'static str) -> Step {
        let step = self.step(what, ProgressBar::new_spinner(), "{msg:24} {spinner} {elapsed}");
        step.bar.enable_steady_tick(Duration::from_millis(200));
        step
    }

    fn step(self, what: &'static str, bar: ProgressBar, template: &str) -> Step {
        if self == Self::Quiet || !stderr().is_terminal() {
            if self == Self::Told {
                // Nobody reads it where standard error is closed, and that is no reason to stop.
                let _ = writeln!(stderr(), "{what}");
            }
            return Step { bar: ProgressBar::hidden() };
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Step { bar: bar.with_message(what) }
    }
}

impl Step {
    /// So much more is done.
    pub fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    /// So much is done altogether.
    pub fn at(&self, position: u64) {
        self.bar.set_position(position);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

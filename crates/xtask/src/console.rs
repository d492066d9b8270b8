use std::{
    io::{IsTerminal, Write, stdout},
    time::{Duration, Instant},
};
use testbed::{Event, Progress};

/// Says a line. A reader that has gone away (`| head`) is no reason to leave things running behind.
pub(crate) fn say(line: &str) {
    let _ = writeln!(stdout(), "{line}");
}

/// Shows steps with ticks and seconds. On a terminal a step's line becomes its tick; in a log both stay.
pub(crate) fn progress() -> Progress {
    let terminal = stdout().is_terminal();
    Progress::to(move |event| {
        let mut out = stdout().lock();
        let clear = if terminal { "\r\x1b[2K" } else { "" };
        let _ = match event {
            Event::Began(what) if terminal => write!(out, "  … {what}"),
            Event::Began(what) => writeln!(out, "  … {what}"),
            Event::Done(what, took) => writeln!(out, "{clear}  ✓ {what} ({})", seconds(took)),
            Event::Failed(what) => writeln!(out, "{clear}  ✗ {what}"),
            Event::Note(text) => writeln!(out, "  ✓ {text}"),
        };
        let _ = out.flush();
    })
}

/// A step that shows output of its own, such as cargo's.
pub(crate) async fn aloud<T>(what: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let began = Instant::now();
    say(&format!("  … {what}"));
    let result = work.await;
    match &result {
        Ok(_) => say(&format!("  ✓ {what} ({})", seconds(began.elapsed()))),
        Err(_) => say(&format!("  ✗ {what}")),
    }
    result
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

use chrono::{DateTime, Utc};
use store::{Database, OverpassState, overpass_state, resume_overpass};

use crate::{Overpass, OverpassBudget, Postgres};

/// Shows how we stand with the Overpass API, or lets it be asked again.
pub(crate) async fn run(command: Overpass) -> anyhow::Result<()> {
    match command {
        Overpass::Show { budget, postgres } => show(&budget, &postgres).await,
        Overpass::Resume(postgres) => resume(&postgres).await,
    }
}

#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
async fn show(budget: &OverpassBudget, postgres: &Postgres) -> anyhow::Result<()> {
    let database = Database::new(&postgres.url()?, 1, "wildside-admin")?;
    let state = overpass_state(&database).await?;
    database.close().await;
    print!("{}", lines(&state, budget, Utc::now()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
async fn resume(postgres: &Postgres) -> anyhow::Result<()> {
    let database = Database::new(&postgres.url()?, 1, "wildside-admin")?;
    let before = overpass_state(&database).await?;
    let due = resume_overpass(&database).await?;
    database.close().await;
    match before.pause.as_secs() {
        0 => println!("There was no pause."),
        seconds => println!("A pause of {seconds} more seconds has ended."),
    }
    println!(
        "{} failures in a row are forgotten; {due} questions that were put off are due now.",
        before.failures
    );
    Ok(())
}

fn lines(state: &OverpassState, budget: &OverpassBudget, now: DateTime<Utc>) -> String {
    let OverpassState { requests, bytes, open_turns, failures, pause, waiting } = *state;
    let mib = bytes as f64 / (1024.0 * 1024.0);
    let pause = match pause.as_secs() {
        0 => "none".to_owned(),
        seconds => format!(
            "{seconds} s, until {} UTC; `wildside-admin overpass resume` ends it",
            (now + pause).format("%Y-%m-%d %H:%M:%S")
        ),
    };
    format!(
        "day        {} (UTC)\n\
         queries    {requests} of {}\n\
         answers    {mib:.1} of {} MiB\n\
         under way  {open_turns}\n\
         failures   {failures} in a row\n\
         pause      {pause}\n\
         waiting    {waiting} questions\n",
        now.format("%Y-%m-%d"),
        budget.overpass_requests_per_day,
        budget.overpass_mib_per_day
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_shows_what_was_used_of_the_day_and_how_long_nobody_asks() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        let budget = OverpassBudget { overpass_requests_per_day: 1_000, overpass_mib_per_day: 512 };
        let pause = Duration::from_secs(86_400);
        let state =
            OverpassState { requests: 12, bytes: 3 << 19, open_turns: 2, failures: 4, pause, waiting: 7 };
        let text = lines(&state, &budget, now);
        for line in [
            "day        2023-11-14 (UTC)",
            "queries    12 of 1000",
            "answers    1.5 of 512 MiB",
            "under way  2",
            "failures   4 in a row",
            "pause      86400 s, until 2023-11-15 22:13:20 UTC; `wildside-admin overpass resume` ends it",
            "waiting    7 questions",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        let text = lines(&OverpassState { pause: Duration::ZERO, ..state }, &budget, now);
        assert!(text.contains("pause      none\n"), "{text}");
    }
}

use anyhow::bail;
use clap::Args;
use std::{fs, time::Duration};
use testbed::{Durability, Options, System};
use tokio::time::sleep;

use crate::{
    cargo::build_programs,
    console::{self, say},
    running::{self, Hold, Running},
    setup, walk,
    wish::Wish,
};

/// The theme whose places are left out at first, so that one can see them being learnt. It is not one of the first walk.
const LEFT_OUT: &str = "books";

#[derive(Args)]
pub(crate) struct Up {
    /// Take one walk, tear all down and leave
    #[arg(long)]
    once: bool,
}

impl Up {
    /// Sets up, starts everything and takes a walk.
    pub async fn run(self) -> anyhow::Result<()> {
        let Some(hold) = Hold::take()? else {
            match Running::find() {
                Ok(running) => say(&format!(
                    "It is running already, as process {}.\n\n{}",
                    running.pid,
                    places(&running)
                )),
                Err(error) => say(&format!("{error:#}")),
            }
            bail!(
                "there is one `up` for a clone.\n  The mend: cargo xtask walk, or end the other one with Ctrl-C"
            );
        };
        setup::run().await?;
        say("\nBuilding");
        let programs = console::aloud("building the programs", build_programs(false)).await?;
        say("\nStarting");
        let logs = running::dir().join("logs");
        let _ = fs::remove_dir_all(&logs);
        let options = Options {
            own_postgres: Some(Durability::Kept),
            map: true,
            binaries: Some(programs),
            logs: Some(logs),
            progress: console::progress(),
            enrichers: 1,
            left_out: vec![LEFT_OUT],
            ..Options::default()
        };
        let system = System::start(options).await?;
        let running = Running::of(&system)?;
        hold.publish(&running)?;
        say("");
        let wish = Wish { minutes: 60, ..Wish::default() };
        walk::take(&system.walker().await?, &wish).await?;
        if !self.once {
            say(&places(&running));
            say(
                "\nAnother walk, in another terminal: cargo xtask walk --theme \"Street Art\" --minutes 45 --avoid-stairs",
            );
            say(
                "One that is thin at first, and better when you ask again: cargo xtask walk --theme \"Books & Libraries\"",
            );
            say("Ctrl-C ends it.");
            bail!(first_to_end(&system).await);
        }
        drop(system);
        say("  ✓ everything has ended");
        Ok(())
    }
}

/// Waits until a service ends by itself, and tells its last words.
async fn first_to_end(system: &System) -> String {
    loop {
        if let Some(ended) = system.services().iter().find(|service| !service.process().is_running()) {
            return format!("{} has ended by itself\n{}", ended.name(), ended.process().log_tail());
        }
        sleep(Duration::from_millis(500)).await;
    }
}

fn places(running: &Running) -> String {
    let mut lines = vec![
        format!("  Map        {}/?walk", running.public),
        format!("  API        {}/api/v1", running.gateway),
        format!("  OpenAPI    {}/api/v1/openapi.json", running.gateway),
        format!("  WebSocket  {}/ws", running.notifier.replacen("http", "ws", 1)),
        format!("  Database   {}", running.database_url),
        format!("  Overpass   {} (a stand-in, with the whole city)", running.overpass_url),
    ];
    for (name, place) in &running.services {
        lines.push(format!("  Metrics    {}/metrics ({name})", place.admin_url));
    }
    lines.push(format!("  Logs       {}", running::dir().join("logs").display()));
    lines.join("\n")
}

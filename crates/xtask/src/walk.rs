use anyhow::Context;
use clap::Args;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use testbed::{Socket, Walker, workspace};

use crate::{
    console::say,
    itinerary::{itinerary, status_line},
    running::Running,
    wish::{Wish, themes},
};

const PATIENCE: Duration = Duration::from_secs(120);
/// How long one who has a thin walk waits for the news of a better one.
const LOOKING_FOR_MORE: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct Walk {
    #[command(flatten)]
    wish: Wish,
    /// Where to put walk.geojson and walk.gpx [default: .wildside/walk]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Walk {
    /// Asks the running system for a walk.
    pub async fn run(self) -> anyhow::Result<()> {
        let running = Running::find()?;
        let walker = Walker::arrive(&running.gateway, &running.notifier).await?;
        let route = take(&walker, &self.wish).await?;
        let out = self.out.unwrap_or_else(|| workspace::root().join(".wildside/walk"));
        export(&walker, &route, &out).await
    }
}

/// Asks for a walk, shows live how it goes, and then the walk.
pub(crate) async fn take(walker: &Walker, wish: &Wish) -> anyhow::Result<Value> {
    let body = wish.body(&themes(walker).await?)?;
    say("Asking for a walk: POST /api/v1/routes");
    let asked = Instant::now();
    let shown =
        |event: &Value| say(&format!("  {:>6.3} s  {}", asked.elapsed().as_secs_f64(), status_line(event)));
    let mut socket = walker.websocket().await?;
    let route = walker.follow(&mut socket, &body, PATIENCE, shown);
    let route = tokio::time::timeout(PATIENCE, route).await.context("no walk came in time")??;
    say(&format!("\nThe walk\n{}\n", itinerary(&route)));
    if route["data_sparse"] == true {
        hear_of_more(&mut socket).await;
    }
    socket.close().await;
    Ok(route)
}

/// There were too few places for this walk. Whoever asks leads to more of them, where OpenStreetMap has any.
async fn hear_of_more(socket: &mut Socket) {
    say("Too few places are known for this walk. Asking for more ...");
    match socket.next_of("area_enriched", LOOKING_FOR_MORE).await {
        Ok(news) => say(&format!(
            "  ✓ {} places are new: ask for the same walk again, and it is a better one.\n",
            news["places_added"]
        )),
        Err(_) => say("  … no news yet; what is found shows in later walks.\n"),
    }
}

/// Writes a walk in the forms that maps and watches read.
async fn export(walker: &Walker, route: &Value, dir: &Path) -> anyhow::Result<()> {
    let id = route["route_id"].as_str().context("the route has no route_id")?;
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    for (name, form) in [("walk.geojson", "application/geo+json"), ("walk.gpx", "application/gpx+xml")] {
        let file = dir.join(name);
        fs::write(&file, walker.export(id, form).await?)
            .with_context(|| format!("writing {}", file.display()))?;
        say(&format!("  ✓ {}", file.display()));
    }
    Ok(())
}

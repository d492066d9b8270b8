//! `wildside-testbed`: parts of the testbed that one may want to run by themselves. Never shipped.

use clap::{Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};
use testbed::Overpass;

#[derive(Parser)]
#[command(name = "wildside-testbed")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A stand-in for an Overpass API. `PUT /behaviour` tells it to answer otherwise: `"truth"`, `{"silence": 30}`,
    /// `"cut_off"`, `{"recorded": {"file": "test_too_busy.html", "status": 504}}`; `GET /behaviour` shows its queries.
    Overpass {
        /// The extract that it answers from, an .osm.pbf file
        #[arg(long, value_name = "FILE")]
        extract: PathBuf,
        /// Where it listens
        #[arg(long, default_value = "127.0.0.1:12345")]
        listen: SocketAddr,
    },
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "telling a person where it is")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Overpass { extract, listen } => {
            let overpass = Overpass::listen(&extract, listen).await?;
            println!("OVERPASS_URL={}", overpass.url());
            overpass.serve().await;
            Ok(())
        }
    }
}

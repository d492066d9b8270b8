//! `wildside-admin`: what an operator types.

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    admin::run(admin::Config::parse()).await
}

//! See `lib.rs`.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tile_server::run(service::config::parse()).await
}

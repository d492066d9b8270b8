//! `wildside-admin`: what an operator types.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    admin::run(service::config::parse()).await
}

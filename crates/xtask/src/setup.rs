use crate::console;

/// Installs what is missing.
pub(crate) async fn run() -> anyhow::Result<()> {
    console::say("Looking for what Wildside runs on");
    testbed::set_up(&console::progress()).await
}

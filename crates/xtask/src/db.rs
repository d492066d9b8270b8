use crate::{console, running::Running};

/// Prints how to look into the running system's database.
pub(crate) fn run() -> anyhow::Result<()> {
    let url = Running::find()?.database_url;
    console::say(&format!("DATABASE_URL='{url}'\npsql '{url}'"));
    Ok(())
}

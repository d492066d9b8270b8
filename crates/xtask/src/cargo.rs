use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};
use testbed::{Binaries, run, workspace};
use tokio::process::Command;

/// The cargo that runs us, in the workspace.
pub(crate) fn cargo(args: impl IntoIterator<Item = impl Into<OsString>>) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args.into_iter().map(Into::into)).current_dir(workspace::root());
    // A database that the developer works with must not decide whether our queries compile.
    cargo.env_remove("DATABASE_URL");
    cargo
}

/// Builds all programs, with cargo's own progress, and says where they are.
pub(crate) async fn build_programs(release: bool) -> anyhow::Result<Binaries> {
    let mut build = cargo(["build", "--workspace", "--bins"]);
    if release {
        build.arg("--release");
    }
    run(&mut build).await?;
    Ok(Binaries::in_dir(target_dir().join(if release { "release" } else { "debug" })))
}

/// Builds one program for release, and says where it is.
pub(crate) async fn build_release(package: &str, program: &str) -> anyhow::Result<PathBuf> {
    run(&mut cargo(["build", "--release", "--package", package, "--bin", program])).await?;
    Ok(target_dir().join("release").join(program))
}

/// Builds what `bench tiles` runs, for release, into one folder, and says where that is.
pub(crate) async fn build_tile_bench() -> anyhow::Result<PathBuf> {
    run(&mut cargo(["build", "--release", "--package", "tile-server", "--package", "bench", "--bins"]))
        .await?;
    Ok(target_dir().join("release"))
}

/// The folder above `debug`, where this program lies.
fn target_dir() -> PathBuf {
    let here = env::current_exe().unwrap_or_default();
    here.ancestors().nth(2).map_or_else(|| workspace::root().join("target"), Path::to_path_buf)
}

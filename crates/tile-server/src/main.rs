//! See `lib.rs`.

use std::process::ExitCode;

/// Tiles are made and sent by several threads at once, which wait for each other in the C library's allocator. It serves the
/// spatial extension too, whose library for geometry asks for memory at every corner.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match tile_server::run(service::config::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => tell(&error),
    }
}

/// As for any setting that makes no sense, the status is 2 where the definitions are wrong.
#[expect(clippy::print_stderr, reason = "the last words of a program that does not start")]
fn tell(error: &anyhow::Error) -> ExitCode {
    eprintln!("Error: {error:#}");
    ExitCode::from(if error.is::<tile_server::BadDefinitions>() { 2 } else { 1 })
}

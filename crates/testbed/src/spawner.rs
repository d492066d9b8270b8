use anyhow::{Context, anyhow};
use std::{
    io,
    process::{Child, Command},
    sync::{LazyLock, mpsc},
    thread,
};

/// A command to start, and where its child goes.
type Job = (Command, mpsc::Sender<io::Result<Child>>);

/// The one thread that starts children. Linux sends a parent-death signal when the *thread* that made the child
/// ends, not its process; this thread ends only with the process, whereas a test's own thread ends with the test.
static SPAWNER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (jobs, todo) = mpsc::channel::<Job>();
    thread::spawn(move || {
        for (mut command, reply) in todo {
            let _ = reply.send(command.spawn());
        }
    });
    jobs
});

/// Starts a command from the thread that lives as long as this process.
pub(crate) fn spawn(command: Command) -> anyhow::Result<Child> {
    let program = format!("{}", command.get_program().display());
    let (reply, child) = mpsc::channel();
    SPAWNER.send((command, reply)).map_err(|_| anyhow!("the thread that starts children is gone"))?;
    child.recv()?.with_context(|| format!("starting {program}"))
}

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{account::Account, spawner, tls};

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How to start a program. Its environment is what it is given here and nothing of the developer's own.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    path: PathBuf,
    log: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    account: Option<Account>,
    stop: Signal,
    orphaned: Signal,
    grace: Duration,
}

impl Program {
    /// A program, with the file that its output is added to.
    pub fn new(name: &str, path: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            log: log.into(),
            args: Vec::new(),
            env: Vec::new(),
            account: None,
            stop: Signal::TERM,
            orphaned: Signal::KILL,
            grace: Duration::from_secs(10),
        }
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable; the last one of a name counts.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Ends it with this signal, also when this process dies first.
    pub fn stopped_by(mut self, signal: Signal) -> Self {
        (self.stop, self.orphaned) = (signal, signal);
        self
    }

    pub(crate) fn run_as(mut self, account: Option<Account>) -> Self {
        self.account = account;
        self
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("opening the log {}", self.log.display()))?;
        // The kernel's death signal is lost when a process changes its user, so one program does both, in order.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", signal_name(self.orphaned)]);
        if let Some(Account { uid, gid }) = self.account {
            command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".into()]);
        }
        command.arg("--").arg(&self.path).args(&self.args);
        command.env_clear().envs(plain_environment()).envs(self.env.iter().cloned());
        // A group of its own: a Ctrl-C on the terminal is for us, and we end our children in order.
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        spawner::spawn(command).with_context(|| format!("starting {}", self.name))
    }
}

fn plain_environment() -> impl Iterator<Item = (&'static str, OsString)> {
    let kept = ["PATH", "HOME", "TMPDIR"].into_iter().filter_map(|name| Some((name, env::var_os(name)?)));
    kept.chain([("LANG", "C.UTF-8".into()), ("RUST_BACKTRACE", "1".into())])
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::INT => "INT",
        Signal::TERM => "TERM",
        Signal::QUIT => "QUIT",
        _ => "KILL",
    }
}

/// A program that was started, and may be ended and started again. It ends when the value is dropped.
#[derive(Debug)]
pub struct Process {
    program: Program,
    child: Mutex<Option<Child>>,
    /// It was asked to end.
    is_asked: AtomicBool,
}

impl Process {
    /// Starts a program.
    pub fn start(program: Program) -> anyhow::Result<Self> {
        // Whoever starts a server is about to ask it something.
        tls::install();
        let child = program.spawn()?;
        Ok(Self { program, child: Mutex::new(Some(child)), is_asked: AtomicBool::new(false) })
    }

    /// Starts it again after it has ended.
    pub fn start_again(&self) -> anyhow::Result<()> {
        if self.is_running() {
            bail!("{} is still running", self.program.name);
        }
        self.is_asked.store(false, Ordering::Relaxed);
        *self.child() = Some(self.program.spawn()?);
        Ok(())
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.ended().is_none().then(|| self.child().as_ref().map(Child::id)).flatten()
    }

    /// Whether it runs (or is paused).
    pub fn is_running(&self) -> bool {
        self.id().is_some()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// The file that holds its output.
    pub fn log(&self) -> &Path {
        &self.program.log
    }

    /// Asks it to end, without waiting; once, for a second time would cut off what is under way.
    pub fn ask_to_stop(&self) {
        if !self.is_asked.swap(true, Ordering::Relaxed) {
            self.signal(self.program.stop);
        }
        // A paused process hears only once it goes on.
        self.signal(Signal::CONT);
    }

    /// Asks it to end and waits; after a grace it is killed.
    pub async fn stop(&self) {
        self.ask_to_stop();
        let deadline = Instant::now() + self.program.grace;
        while self.is_running() && Instant::now() < deadline {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.kill_9();
    }

    /// Kills it on the spot, as a crash of the machine would.
    pub fn kill_9(&self) {
        self.signal(Signal::KILL);
        if let Some(child) = self.child().as_mut() {
            let _ = child.wait();
        }
    }

    /// Stops it in mid-air: it is there, holds its connections and answers nothing.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after a pause.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until `ready` says so. The error tells when it ended before, or took too long, with the end of its log.
    pub async fn wait_until_ready(
        &self,
        within: Duration,
        mut ready: impl AsyncFnMut() -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + within;
        loop {
            if ready().await {
                return Ok(());
            }
            if let Some(status) = self.ended() {
                bail!("{} ended at its start with {status}\n{}", self.name(), self.log_tail());
            }
            if Instant::now() > deadline {
                bail!("{} was not ready within {} s\n{}", self.name(), within.as_secs(), self.log_tail());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The last lines of its log, with the place of the whole.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.program.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(25)..].join("\n    ");
        format!("  the end of {}:\n    {tail}", self.program.log.display())
    }

    fn ended(&self) -> Option<ExitStatus> {
        self.child().as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // Held while sending: until the child is waited for, its number belongs to nobody else.
        let mut child = self.child();
        if let Some(running) = child.as_mut()
            && matches!(running.try_wait(), Ok(None))
            && let Some(pid) = i32::try_from(running.id()).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, signal);
        }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.ask_to_stop();
        let deadline = Instant::now() + self.program.grace;
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(LOOK_AGAIN);
        }
        self.kill_9();
    }
}

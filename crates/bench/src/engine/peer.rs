use anyhow::{Context, anyhow, bail};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// An engine that is measured: ours, or another one.
pub(crate) struct Contender {
    pub name: &'static str,
    /// How its process is started.
    pub program: Vec<PathBuf>,
    /// Where it keeps its files.
    pub dir: PathBuf,
}

/// A contender's process, which answers commands line by line. It ends with its input.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Contender {
    pub fn start(&self) -> anyhow::Result<Process> {
        let (program, args) = self.program.split_first().context("a contender without a program")?;
        std::fs::create_dir_all(&self.dir).with_context(|| format!("making {}", self.dir.display()))?;
        let log = File::options().create(true).append(true).open(self.dir.with_extension("log"))?;
        let mut command = Command::new(program);
        // Python would leave its compiled files in the clone.
        command.args(args).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.context("a process without pipes")?;
        Ok(Process { name: self.name, child, input: Some(input), output: BufReader::new(output) })
    }
}

impl Process {
    /// The answer to a command.
    pub fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        let name = self.name;
        let ended = || anyhow!("{name} ended before it answered; its .log tells more");
        let input = self.input.as_mut().ok_or_else(ended)?;
        writeln!(input, "{command}").map_err(|_| ended())?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(ended());
        }
        let answer: Value =
            serde_json::from_str(&line).with_context(|| format!("reading what {name} says"))?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{name}: {error}");
        }
        Ok(answer)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that still works on something does not read that its input has ended.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

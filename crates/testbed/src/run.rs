use anyhow::{Context, bail};
use std::process::Output;
use tokio::process::Command;

/// Runs a command to its end with its output shown. It ends when the future is dropped.
pub async fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = describe(command);
    let status = command.kill_on_drop(true).status().await.with_context(|| format!("running {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end and returns what it wrote to standard output. What it wrote to standard error is in
/// the error when it fails.
pub async fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = describe(command);
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    understand(&shown, command.output().await.with_context(|| format!("running {shown}"))?)
}

pub(crate) fn understand(shown: &str, output: Output) -> anyhow::Result<String> {
    if !output.status.success() {
        let text =
            [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(30)..].join("\n");
        bail!("{shown} ended with {}:\n{tail}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what {shown} wrote"))
}

fn describe(command: &Command) -> String {
    let command = command.as_std();
    let mut words = vec![command.get_program().display().to_string()];
    words.extend(
        command.get_args().map(|word| word.display().to_string()).filter(|word| !word.contains('\n')),
    );
    format!("`{}`", words.join(" "))
}

use std::{
    process::{Command, Stdio},
    time::Duration,
};
use testbed::{Process, Program, Scratch};

use crate::{is_alive, soon};

fn shell(scratch: &Scratch, script: &str) -> Program {
    Program::new("shell", "sh", scratch.path().join("log")).args(["-c", script])
}

#[test]
fn dropping_it_ends_it() {
    let scratch = Scratch::new("test").unwrap();
    let process = Process::start(shell(&scratch, "exec sleep 600")).unwrap();
    let id = process.id().unwrap();
    assert!(is_alive(id));
    drop(process);
    assert!(!is_alive(id));
}

#[test]
fn it_outlives_the_thread_that_started_it() {
    let scratch = Scratch::new("test").unwrap();
    let program = shell(&scratch, "exec sleep 600");
    let process = std::thread::spawn(|| Process::start(program).unwrap()).join().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(process.is_running());
}

#[tokio::test]
async fn one_that_ends_at_its_start_shows_its_last_words() {
    let scratch = Scratch::new("test").unwrap();
    let process = Process::start(shell(&scratch, "echo no such luck; exit 3")).unwrap();
    let error =
        process.wait_until_ready(Duration::from_secs(10), async || false).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 3") && error.contains("no such luck"), "{error}");
}

#[tokio::test]
async fn one_that_is_never_ready_is_not_waited_for_for_ever() {
    let scratch = Scratch::new("test").unwrap();
    let process = Process::start(shell(&scratch, "echo thinking; exec sleep 600")).unwrap();
    let error = process.wait_until_ready(Duration::from_millis(300), async || false).await.unwrap_err();
    assert!(error.to_string().contains("not ready") && error.to_string().contains("thinking"), "{error}");
}

#[tokio::test]
async fn a_paused_one_ends_too() {
    let scratch = Scratch::new("test").unwrap();
    let process = Process::start(shell(&scratch, "exec sleep 600")).unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", process.id().unwrap())).unwrap();
    assert!(soon(|| state().contains("(sleep)")).await);
    process.pause();
    assert!(soon(|| state().contains("(sleep) T")).await);
    process.resume();
    assert!(soon(|| state().contains("(sleep) S")).await);
    process.pause();
    process.stop().await;
    assert!(!process.is_running());
    process.start_again().unwrap();
    assert!(process.is_running());
}

#[test]
fn the_developers_own_environment_does_not_reach_it() {
    let scratch = Scratch::new("test").unwrap();
    let program = shell(&scratch, "env; exec sleep 600").env("SESSION_KEY", "one").env("SESSION_KEY", "two");
    let process = Process::start(program).unwrap();
    while !process.log_tail().contains("SESSION_KEY") {
        std::thread::sleep(Duration::from_millis(10));
    }
    let said = process.log_tail();
    assert!(said.contains("SESSION_KEY=two") && !said.contains("CARGO"), "{said}");
}

#[test]
fn a_folder_goes_away_with_its_value() {
    let scratch = Scratch::new("test").unwrap();
    let dir = scratch.path().to_owned();
    std::fs::write(dir.join("file"), "text").unwrap();
    drop(scratch);
    assert!(!dir.exists());
}

/// Runs this test program again as a child that starts a process in a folder and is killed.
#[tokio::test]
async fn when_the_owner_is_killed_the_process_and_its_folder_go_too() {
    const ROLE: &str = "TESTBED_TEST_OWNER";
    if let Ok(note) = std::env::var(ROLE) {
        let scratch = Scratch::new("test").unwrap();
        let process = Process::start(shell(&scratch, "exec sleep 600")).unwrap();
        let written = format!("{} {}", process.id().unwrap(), scratch.path().display());
        std::fs::write(format!("{note}.new"), written).unwrap();
        std::fs::rename(format!("{note}.new"), note).unwrap();
        std::thread::sleep(Duration::from_secs(600));
    }
    let scratch = Scratch::new("test").unwrap();
    let note = scratch.path().join("note");
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args([
        "--exact",
        "a_process_ends_with_its_value::when_the_owner_is_killed_the_process_and_its_folder_go_too",
    ]);
    let mut owner = owner.env(ROLE, &note).stdout(Stdio::null()).spawn().unwrap();
    assert!(soon(|| note.exists()).await);
    let written = std::fs::read_to_string(&note).unwrap();
    let (id, dir) = written.split_once(' ').unwrap();
    let id: u32 = id.parse().unwrap();
    assert!(is_alive(id));
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(soon(|| !is_alive(id)).await, "the process is left running");
    assert!(soon(|| !std::path::Path::new(dir).exists()).await, "the folder is left lying about");
}

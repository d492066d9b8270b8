//! The running product against its own OpenAPI document, as others read it: schemathesis asks whatever the document
//! allows and forbids, follows its links, and judges every answer.

use std::path::PathBuf;
use testbed::{Options, Role, System, schemathesis, workspace};
use tokio::process::Command;

/// Runs schemathesis with one of its configurations and shows how it ended.
async fn run(configuration: &str, url: &str) {
    let dir: PathBuf = workspace::root().join("crates/testbed/schemathesis");
    let mut st = Command::new(schemathesis().join("bin/st"));
    st.arg("--config-file").arg(dir.join(configuration));
    st.arg("run").arg(format!("{url}/api/v1/openapi.json")).arg("--no-color");
    // Its hooks lie beside its configuration; the repository is no place for what Python compiles.
    st.current_dir(&dir)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("CONFIGURATION", configuration)
        .env("PYTHONPATH", &dir)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = st.kill_on_drop(true).output().await.unwrap_or_else(|error| {
        panic!("schemathesis could not be started: {error}. Fix: cargo xtask test installs it")
    });
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{configuration}: {said}\n{}", String::from_utf8_lossy(&ran.stderr));
    // A run that could not test what is there has not shown anything.
    let document: serde_json::Value =
        reqwest::get(format!("{url}/api/v1/openapi.json")).await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|methods| methods.as_object().unwrap().len()).sum();
    // The document itself is not asked for again.
    let tested = format!("Tested: {}", operations - 1);
    assert!(said.contains(&tested), "not all of {operations} operations were tested: {said}");
    println_tail(&said);
}

#[allow(clippy::print_stdout, reason = "how it ended is worth a look")]
fn println_tail(said: &str) {
    let lines: Vec<&str> = said.lines().collect();
    println!("{}", lines[lines.len().saturating_sub(30)..].join("\n"));
}

#[tokio::test]
async fn every_answer_is_one_that_the_document_promises() {
    let many = |name| (Role::Gateway, name, "100000".to_owned());
    let options = Options { map: true, env: vec![many("OPEN_REQUESTS_PER_USER")], ..Options::default() };
    let system = System::start(options).await.unwrap();
    let url = system.gateway_url().unwrap();
    run("schemathesis.toml", &url).await;
    run("stranger.toml", &url).await;
}

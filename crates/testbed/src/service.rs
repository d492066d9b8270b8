use anyhow::Context;
use std::{path::Path, time::Duration};

use crate::{
    binaries::Binaries,
    ports::free_port,
    process::{Process, Program},
};

/// The part that a service plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers the public HTTP API.
    Gateway,
    /// Generates routes.
    Worker,
    /// Tells walkers how their request is going.
    Notifier,
    /// Serves the static map.
    TileServer,
    /// Learns of more places.
    Enricher,
}

impl Role {
    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Gateway => "api-gateway",
            Self::Worker => "route-worker",
            Self::Notifier => "notifier",
            Self::TileServer => "tile-server",
            Self::Enricher => "enrichment-worker",
        }
    }
}

/// One running service.
#[derive(Debug)]
pub struct Service {
    role: Role,
    process: Process,
    port: Option<u16>,
    admin_port: u16,
    http: reqwest::Client,
}

impl Service {
    /// Starts one, without waiting for it.
    pub(crate) fn start(
        plan: &Plan,
        binaries: &Binaries,
        logs: &Path,
        number: usize,
    ) -> anyhow::Result<Self> {
        let role = plan.role;
        let name = format!("{}-{number}", role.program());
        let log = logs.join(format!("{name}.log"));
        let mut program = Program::new(&name, binaries.find(role.program())?, log)
            .env("ADMIN_ADDR", format!("127.0.0.1:{}", plan.admin_port));
        if let Some(port) = plan.port {
            program = program
                .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
                .env("PUBLIC_URL", format!("http://127.0.0.1:{port}"));
        }
        if role == Role::TileServer {
            program = program.args(["serve"]);
        }
        for (name, value) in &plan.env {
            program = program.env(name, value);
        }
        let process = Process::start(program)?;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        Ok(Self { role, process, port: plan.port, admin_port: plan.admin_port, http })
    }

    /// Waits until it says that it is ready.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let url = format!("{}/readyz", self.admin_url());
        let ready = async || {
            let answer = self.http.get(&url).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        self.process.wait_until_ready(Duration::from_secs(60), ready).await
    }

    /// The part it plays.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its name: the program and a number.
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// Where the public reaches it. A worker has no such place.
    pub fn base_url(&self) -> Option<String> {
        self.port.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// Where health and metrics are.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    /// What it measured, in Prometheus' text format.
    pub async fn metrics(&self) -> anyhow::Result<String> {
        let url = format!("{}/metrics", self.admin_url());
        Ok(self.http.get(&url).send().await.context("reading metrics")?.error_for_status()?.text().await?)
    }

    /// The running program.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The file that holds its output.
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// Ends it in good order.
    pub async fn stop(&self) {
        self.process.stop().await;
    }

    /// Kills it on the spot.
    pub fn kill_9(&self) {
        self.process.kill_9();
    }

    /// Stops it in mid-air.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after a pause.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Ends it where it still runs, starts it again at the same place and waits until it is ready.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await;
        self.process.start_again()?;
        self.wait_until_ready().await
    }
}

/// What a service is to be started with. Its ports are chosen first, since others are told of them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub role: Role,
    pub port: Option<u16>,
    pub admin_port: u16,
    pub env: Vec<(String, String)>,
}

impl Plan {
    pub fn new(role: Role) -> anyhow::Result<Self> {
        let is_door = matches!(role, Role::Gateway | Role::Notifier | Role::TileServer);
        let port = if is_door { Some(free_port()?) } else { None };
        Ok(Self { role, port, admin_port: free_port()?, env: Vec::new() })
    }
}

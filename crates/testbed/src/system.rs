use anyhow::{Context, anyhow};
use futures_util::future::try_join_all;
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};
use tokio::process::Command;

use crate::{
    binaries::{Binaries, binaries},
    client::Walker,
    database::{Cluster, Database, hash_of},
    links::Links,
    map::Map,
    martin::Martin,
    nats::Nats,
    overpass::Overpass,
    postgres::{Durability, Postgres},
    progress::Progress,
    random::random_hex,
    redis::Redis,
    run::output,
    scratch::Scratch,
    service::{Plan, Role, Service},
    workspace,
};

/// What the whole product is started with. The default is what most tests want: one of each service, on the shared
/// PostgreSQL, with the bundled city.
pub struct Options {
    /// How many gateways.
    pub gateways: usize,
    /// How many workers.
    pub workers: usize,
    /// How many notifiers.
    pub notifiers: usize,
    /// Whether there is a map: tile-server, Martin, and one origin for all of it.
    pub map: bool,
    /// How many enrichment workers; they ask a stand-in for an Overpass API that knows the whole bundled city.
    pub enrichers: usize,
    /// Themes, by key, whose places are left out when the city is read in.
    pub left_out: Vec<&'static str>,
    /// Environment for all services of a role, over the usual one.
    pub env: Vec<(Role, &'static str, String)>,
    /// Servers that are open to everybody, in plain text: where the cost of TLS must not be measured. PostgreSQL is one
    /// of its own then.
    pub open_servers: bool,
    /// A PostgreSQL of its own, for one who wants to restart it; otherwise the one all tests share.
    pub own_postgres: Option<Durability>,
    /// The key that signs sessions; a random one when there is none.
    pub session_key: Option<String>,
    /// The programs; those of this build when there are none.
    pub binaries: Option<Binaries>,
    /// Where logs go; a folder that goes away with the system when there is none.
    pub logs: Option<PathBuf>,
    /// Who is told how the start is going.
    pub progress: Progress,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gateways: 1,
            workers: 1,
            notifiers: 1,
            map: false,
            enrichers: 0,
            left_out: Vec::new(),
            env: Vec::new(),
            open_servers: false,
            own_postgres: None,
            session_key: None,
            binaries: None,
            logs: None,
            progress: Progress::silent(),
        }
    }
}

/// The whole product, running.
#[derive(Debug)]
pub struct System {
    // Dropped in this order: services before what they lean on.
    services: Vec<Service>,
    map: Option<Map>,
    overpass: Option<Overpass>,
    database: Database,
    postgres: Option<Postgres>,
    nats: Nats,
    redis: Redis,
    session_key: String,
    secrets: Scratch,
    _logs: Option<Scratch>,
}

impl System {
    /// Starts everything and waits until it is ready.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let progress = options.progress.clone();
        let programs = options.binaries.clone().map_or_else(binaries, Ok)?;
        let scratch = if options.logs.is_none() { Some(Scratch::new("logs")?) } else { None };
        let logs = options
            .logs
            .clone()
            .or_else(|| scratch.as_ref().map(|dir| dir.path().into()))
            .unwrap_or_default();
        fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;

        let (postgres, nats, redis) =
            progress.step("starting PostgreSQL, NATS and Redis", servers(&options)).await?;
        let cluster = match &postgres {
            Some(own) => own.cluster().clone(),
            None => Postgres::shared().await?,
        };
        let city = database_with_city(&cluster, &programs, &options.left_out);
        let database = progress.step("loading the bundled city, Helsinki's centre", city).await?;
        let secrets = Scratch::new("secrets")?;
        let session_key = options.session_key.clone().map_or_else(|| random_hex(64), Ok)?;
        let links = Links {
            database: &database,
            nats: &nats,
            redis: &redis,
            session_key: &session_key,
            secrets: secrets.path(),
            are_open: options.open_servers,
        };
        let streams = links.of("wildside-admin")?;
        admin(&programs, &["streams"], &streams).await.context("making the streams")?;

        let overpass = match options.enrichers {
            0 => None,
            _ => Some(
                Overpass::start(&workspace::bundled_city())
                    .await
                    .context("starting the stand-in for Overpass")?,
            ),
        };
        let overpass_url = overpass.as_ref().map(Overpass::url).unwrap_or_default();
        let mut plans = plan(&options, &links, &overpass_url)?;
        let map = if options.map {
            let drawing = Map::start(&programs, &database, &logs, &mut plans);
            Some(progress.step("drawing the map and starting Martin", drawing).await?)
        } else {
            None
        };
        let services = progress.step("starting the services", start_all(plans, &programs, &logs)).await?;
        let _logs = scratch;
        Ok(Self { services, map, overpass, database, postgres, nats, redis, session_key, secrets, _logs })
    }

    /// All services.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// A gateway, counted from 0.
    pub fn gateway(&self, number: usize) -> anyhow::Result<&Service> {
        self.find(Role::Gateway, number)
    }

    /// A worker, counted from 0.
    pub fn worker(&self, number: usize) -> anyhow::Result<&Service> {
        self.find(Role::Worker, number)
    }

    /// A notifier, counted from 0.
    pub fn notifier(&self, number: usize) -> anyhow::Result<&Service> {
        self.find(Role::Notifier, number)
    }

    /// An enrichment worker, counted from 0.
    pub fn enricher(&self, number: usize) -> anyhow::Result<&Service> {
        self.find(Role::Enricher, number)
    }

    /// The stand-in for an Overpass API that its enrichment workers ask.
    pub fn overpass(&self) -> anyhow::Result<&Overpass> {
        self.overpass.as_ref().context("this system has no stand-in for Overpass: ask for `enrichers`")
    }

    /// Where the public API is, at the first gateway.
    pub fn gateway_url(&self) -> anyhow::Result<String> {
        self.gateway(0)?.base_url().context("a gateway has a public place")
    }

    /// Where the WebSocket is, at the first notifier, as an `http` URL without a path.
    pub fn notifier_url(&self) -> anyhow::Result<String> {
        self.notifier(0)?.base_url().context("a notifier has a public place")
    }

    /// The one origin of everything, where there is a map.
    pub fn public_url(&self) -> anyhow::Result<&str> {
        self.map.as_ref().map(Map::public_url).context("this system has no map: ask for `map`")
    }

    /// Its Martin, where there is a map.
    pub fn martin(&self) -> anyhow::Result<&Martin> {
        self.map.as_ref().map(Map::martin).context("this system has no map: ask for `map`")
    }

    /// A new user of the first gateway and the first notifier.
    pub async fn walker(&self) -> anyhow::Result<Walker> {
        Walker::arrive(&self.gateway_url()?, &self.notifier_url()?).await
    }

    /// Its database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Its PostgreSQL, where it has one of its own.
    pub fn postgres(&self) -> anyhow::Result<&Postgres> {
        self.postgres
            .as_ref()
            .ok_or_else(|| anyhow!("this system shares its PostgreSQL: ask for `own_postgres`"))
    }

    /// Its NATS.
    pub fn nats(&self) -> &Nats {
        &self.nats
    }

    /// Its Redis.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The key that signs its sessions.
    pub fn session_key(&self) -> &str {
        &self.session_key
    }

    /// The file that holds a secret of all services of a role: `database`, `nats`, `redis` or `session-key`.
    pub fn secret(&self, role: Role, name: &str) -> PathBuf {
        self.secrets.path().join(role.program()).join(name)
    }

    fn find(&self, role: Role, number: usize) -> anyhow::Result<&Service> {
        let mut of_role = self.services.iter().filter(|service| service.role() == role);
        of_role.nth(number).with_context(|| format!("there is no {role:?} {number}"))
    }
}

impl Drop for System {
    #[allow(clippy::print_stderr, reason = "a failed test shows what the services said")]
    fn drop(&mut self) {
        for service in &self.services {
            service.process().ask_to_stop();
        }
        if thread::panicking() {
            for service in &self.services {
                eprintln!("{}", service.process().log_tail());
            }
        }
    }
}

async fn servers(options: &Options) -> anyhow::Result<(Option<Postgres>, Nats, Redis)> {
    if options.open_servers {
        let postgres = Postgres::start_open(options.own_postgres.unwrap_or(Durability::Fast));
        let (postgres, nats, redis) = tokio::try_join!(postgres, Nats::start_open(), Redis::start_open())?;
        return Ok((Some(postgres), nats, redis));
    }
    let postgres = async {
        match options.own_postgres {
            Some(durability) => Postgres::start(durability).await.map(Some),
            None => Ok(None),
        }
    };
    tokio::try_join!(postgres, Nats::start(), Redis::start())
}

/// A database with the bundled city. It is read in once for each server; each system gets a copy.
async fn database_with_city(
    cluster: &Cluster,
    programs: &Binaries,
    left_out: &[&str],
) -> anyhow::Result<Database> {
    let admin_program = programs.find("wildside-admin")?;
    let mut made_of = workspace::files_below(&workspace::root().join("migrations"));
    made_of.extend([workspace::bundled_city(), workspace::root().join("config/themes.yaml"), admin_program]);
    let key = hash_of(&made_of)?;
    let build = async |url: &str| {
        let database = [("DATABASE_URL", url.to_owned())];
        admin(programs, &["migrate"], &database).await?;
        let extract = workspace::bundled_city().display().to_string();
        let mut ingest = vec!["ingest".to_owned(), "--extract".into(), extract];
        if !left_out.is_empty() {
            ingest.extend(["--leave-out".into(), left_out.join(",")]);
        }
        let ingest: Vec<&str> = ingest.iter().map(String::as_str).collect();
        admin(programs, &ingest, &database).await
    };
    // Names of databases are short.
    let without: String = left_out.iter().map(|theme| format!("_{theme}")).collect();
    cluster.clone_of(&format!("city_{key}{without}"), build).await
}

/// Runs the operator's program to its end.
async fn admin(programs: &Binaries, args: &[&str], env: &[(&'static str, String)]) -> anyhow::Result<()> {
    let mut admin = Command::new(programs.find("wildside-admin")?);
    admin.args(args).current_dir(workspace::root()).env_clear().env("RUST_BACKTRACE", "1");
    output(admin.envs(env.iter().map(|(name, value)| (name, value)))).await.map(drop)
}

/// Settings of doors. A test or a benchmark asks more often than any walker, from one address; those about the limits set
/// their own. Nobody routes callers to a door who would have to notice that it closes.
pub(crate) const UNLIMITED: [(&str, &str); 8] = [
    ("RATE_LIMIT_SESSION_PER_MINUTE", "1000000"),
    ("RATE_LIMIT_ADDRESS_PER_MINUTE", "1000000"),
    ("MAX_CONNECTIONS_PER_ADDRESS", "1000000"),
    ("SOCKETS_PER_ADDRESS", "1000000"),
    ("OPEN_COST_PER_ADDRESS", "1000000"),
    ("MAX_WAIT_SECONDS", "1000000"),
    ("NEW_USERS_PER_ADDRESS_PER_HOUR", "1000000"),
    ("SHUTDOWN_DELAY_SECONDS", "0"),
];

fn plan(options: &Options, links: &Links<'_>, overpass_url: &str) -> anyhow::Result<Vec<Plan>> {
    let roles = [
        (Role::Gateway, options.gateways),
        (Role::Worker, options.workers),
        (Role::Notifier, options.notifiers),
        (Role::Enricher, options.enrichers),
    ];
    let mut plans = Vec::new();
    for (role, count) in roles {
        for _ in 0..count {
            plans.push(Plan::new(role)?);
        }
    }
    let origins: Vec<String> = plans
        .iter()
        .filter_map(|plan| plan.port.filter(|_| plan.role == Role::Gateway))
        .map(|port| format!("http://127.0.0.1:{port}"))
        .collect();
    let usual = [
        ("OVERPASS_URL", overpass_url.to_owned()),
        ("ALLOWED_ORIGINS", origins.join(",")),
        ("LOG", "info".into()),
    ];
    let usual: Vec<_> =
        usual.into_iter().chain(UNLIMITED.map(|(name, value)| (name, value.to_owned()))).collect();
    for plan in &mut plans {
        let places = links.of(plan.role.program())?;
        plan.env.extend(places.iter().chain(&usual).map(|(name, value)| ((*name).to_owned(), value.clone())));
        for (_, name, value) in options.env.iter().filter(|(role, ..)| *role == plan.role) {
            // Given as it is, it must not be given as a file as well.
            plan.env.retain(|(given, _)| *given != format!("{name}_FILE"));
            plan.env.push(((*name).to_owned(), value.clone()));
        }
    }
    Ok(plans)
}

async fn start_all(plans: Vec<Plan>, programs: &Binaries, logs: &Path) -> anyhow::Result<Vec<Service>> {
    let numbered = plans.iter().enumerate();
    let services: Vec<Service> = numbered
        .map(|(number, plan)| {
            let before = plans[..number].iter().filter(|other| other.role == plan.role).count();
            Service::start(plan, programs, logs, before + 1)
        })
        .collect::<anyhow::Result<_>>()?;
    try_join_all(services.iter().map(Service::wait_until_ready)).await?;
    Ok(services)
}

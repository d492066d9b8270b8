//! A NATS server for one test, and workers whose every job is in the test's hands.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_nats::jetstream;
use bus::{Bus, Delivery, GenerateRouteJob, Outcome};
use domain::RequestId;
use testbed::Nats;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{in_time, soon};

pub const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub struct Broker {
    pub bus: Bus,
    pub nats: Nats,
}

impl Broker {
    /// A broker without any streams.
    pub async fn bare() -> Self {
        let nats = Nats::start().await.unwrap();
        let bus = connect(&nats).await;
        Self { bus, nats }
    }

    /// A broker as a deployment finds it.
    pub async fn start() -> Self {
        let broker = Self::bare().await;
        broker.bus.ensure_streams(1).await.unwrap();
        broker
    }

    /// Publishes a new job.
    pub async fn publish(&self) -> GenerateRouteJob {
        let job = job();
        self.bus.publish_job(&job, 0, Some(TRACEPARENT)).await.unwrap();
        job
    }

    /// The broker's own word, from a connection of its own.
    pub async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(direct(&self.nats).await)
    }

    /// How many jobs are kept.
    pub async fn kept(&self) -> u64 {
        self.jetstream().await.get_stream("ROUTE_JOBS").await.unwrap().cached_info().state.messages
    }

    /// Waits until no job is kept any more.
    pub async fn nothing_is_kept(&self) {
        soon("all jobs are over", async || self.kept().await == 0).await;
    }

    pub async fn consumer(&self) -> jetstream::consumer::Info {
        let stream = self.jetstream().await.get_stream("ROUTE_JOBS").await.unwrap();
        stream.consumer_info("route-worker").await.unwrap()
    }
}

/// A connection of the library's own, as one who may do everything.
pub async fn direct(nats: &Nats) -> async_nats::Client {
    let url = nats.url();
    let (_, ca) = url.split_once("?sslrootcert=").unwrap();
    let (user, password) = nats.superuser().unwrap();
    let options = async_nats::ConnectOptions::with_user_and_password(user.into(), password.into());
    let options = options.add_root_certificates(ca.into());
    options.connect(format!("tls://{}", nats.address())).await.unwrap()
}

/// A connection that is up.
pub async fn connect(nats: &Nats) -> Bus {
    let bus = Bus::connect(&nats.url(), "bus-tests").await.unwrap();
    let connected = async || !bus.ready().await.is_err_and(|error| error.starts_with("NATS: not connected"));
    soon("the connection", connected).await;
    bus
}

pub fn job() -> GenerateRouteJob {
    GenerateRouteJob { request_id: RequestId(Uuid::now_v7()) }
}

/// A job in a worker's hands. It is worked on until the test says how it ended.
pub struct InHand {
    pub delivery: Delivery<GenerateRouteJob>,
    outcome: oneshot::Sender<Outcome>,
}

impl InHand {
    pub fn ends(self, outcome: Outcome) -> GenerateRouteJob {
        self.outcome.send(outcome).unwrap();
        self.delivery.job
    }
}

/// A worker.
pub struct Worker {
    jobs: mpsc::UnboundedReceiver<InHand>,
    pub shutdown: CancellationToken,
    pub task: JoinHandle<()>,
    at_once: Arc<AtomicUsize>,
}

impl Worker {
    pub fn start(bus: &Bus, concurrency: usize) -> Self {
        Self::start_while(bus, concurrency, watch::channel(true).1)
    }

    /// One that takes jobs only while it is able to.
    pub fn start_while(bus: &Bus, concurrency: usize, able: watch::Receiver<bool>) -> Self {
        let (told, jobs) = mpsc::unbounded_channel();
        let (shutdown, at_once) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let (bus, until, working) = (bus.clone(), shutdown.clone(), at_once.clone());
        let task = tokio::spawn(async move {
            let handle = move |delivery| {
                let (told, working) = (told.clone(), working.clone());
                async move {
                    let (outcome, ended) = oneshot::channel();
                    working.fetch_add(1, Ordering::SeqCst);
                    told.send(InHand { delivery, outcome }).ok();
                    // Where the test is over, so is the job.
                    let outcome = ended.await.unwrap_or(Outcome::Done);
                    working.fetch_sub(1, Ordering::SeqCst);
                    outcome
                }
            };
            bus.work_on_jobs(concurrency, able, until, handle).await;
        });
        Self { jobs, shutdown, task, at_once }
    }

    /// The next job that this worker gets.
    pub async fn next(&mut self) -> InHand {
        in_time("the next job", self.jobs.recv()).await.unwrap()
    }

    /// It has got nothing more up to now.
    pub fn got_nothing(&mut self) -> bool {
        self.jobs.try_recv().is_err()
    }

    /// How many jobs it is working on.
    pub fn works_on(&self) -> usize {
        self.at_once.load(Ordering::SeqCst)
    }
}

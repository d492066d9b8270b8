//! How long walkers wait for each other: what a request costs, the worst wait of a long soak, what one source that floods
//! the queue does to everybody else, and what happens to more requests than there is time for.

use anyhow::{Context, ensure};
use clap::Args;
use futures_util::future::try_join_all;
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use testbed::{Binaries, Durability, Options, Role, StatusCode, System, Walker};
use tokio::time::{interval, sleep};

use crate::{
    cargo::build_programs,
    console::{self, say},
    figures::{Times, histogram},
    setup,
    wish::{Theme, Wish, themes},
};

const TIMEOUT: Duration = Duration::from_secs(600);

#[derive(Args)]
pub(crate) struct QueueBench {
    /// Measure programs of another build, which lie in this folder, instead of this one's
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// How long sixteen clients ask for short walks
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    soak: u64,
    /// How long one source floods the queue while a bystander asks for short walks
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    flood: u64,
    /// How long more is asked for than can be done
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    overload: u64,
}

impl QueueBench {
    pub async fn run(self) -> anyhow::Result<()> {
        setup::run().await?;
        let programs = match &self.programs {
            Some(dir) => Binaries::in_dir(dir),
            None => console::aloud("building the programs for release", build_programs(true)).await?,
        };
        let gateway = |name, value: &str| (Role::Gateway, name, value.to_owned());
        let options = Options {
            own_postgres: Some(Durability::Kept),
            binaries: Some(programs),
            progress: console::progress(),
            // The limits that a gateway has by itself, which testbed lifts.
            env: vec![
                gateway("TRUSTED_PROXIES", "1"),
                gateway("RATE_LIMIT_ADDRESS_PER_MINUTE", "600"),
                gateway("OPEN_COST_PER_ADDRESS", "60"),
                gateway("MAX_WAIT_SECONDS", "20"),
            ],
            ..Options::default()
        };
        let system = System::start(options).await?;
        let bench = Bench::new(system).await?;
        bench.costs().await?;
        bench.soak(Duration::from_secs(self.soak)).await?;
        bench.flood(Duration::from_secs(self.flood)).await?;
        bench.overload(Duration::from_secs(self.overload)).await
    }
}

struct Bench {
    system: System,
    themes: Vec<Theme>,
    asked: AtomicU32,
}

impl Bench {
    async fn new(system: System) -> anyhow::Result<Self> {
        let themes = themes(&system.walker().await?.from_address("192.0.2.200")).await?;
        let bench = Self { system, themes, asked: AtomicU32::new(0) };
        // The first walk of a worker loads the streets.
        let guest = bench.walker("192.0.2.201").await?;
        guest.walk_until_complete(&bench.wish(30, 3)?, TIMEOUT, |_| ()).await?;
        Ok(bench)
    }

    /// Somebody new, whom the gateway sees at this address.
    async fn walker(&self, address: &str) -> anyhow::Result<Walker> {
        let mut walker = Walker::stranger(&self.system.gateway_url()?, &self.system.notifier_url()?)?
            .from_address(address);
        walker.register().await?;
        Ok(walker)
    }

    /// A walk that nobody has asked for before.
    fn wish(&self, minutes: u32, themes: usize) -> anyhow::Result<Value> {
        let seed = self.asked.fetch_add(1, Ordering::Relaxed);
        let names = self.themes.iter().take(themes).map(|theme| theme.name.clone()).collect();
        Wish { minutes, seed: Some(seed), themes: names, ..Wish::default() }.body(&self.themes)
    }

    /// Seconds from the POST to `complete`, read every few milliseconds.
    async fn time_one(&self, walker: &Walker, minutes: u32) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let (status, accepted) = walker.post_route(&self.wish(minutes, 3)?).await?;
        ensure!(status.is_success(), "{status}: {accepted}");
        let mut poll = interval(Duration::from_millis(20));
        let route_id = accepted["route_id"].as_str().context("the answer has no route_id")?;
        loop {
            poll.tick().await;
            let (_, route) = walker.get_route(route_id).await?;
            match route["status"].as_str() {
                Some("complete") => return Ok(began.elapsed()),
                Some("failed") => anyhow::bail!("a walk failed: {route}"),
                _ => ensure!(began.elapsed() < TIMEOUT, "no walk within {TIMEOUT:?}"),
            }
        }
    }

    async fn costs(&self) -> anyhow::Result<()> {
        say("\nGeneration, mean of 12 walks, one after the other");
        let walker = self.walker("192.0.2.202").await?;
        for (minutes, themes) in
            [(15, 3), (30, 3), (60, 3), (60, 20), (120, 3), (240, 3), (240, 20), (480, 20)]
        {
            let before = self.generation().await?;
            for _ in 0..12 {
                let wish = self.wish(minutes, themes)?;
                walker.walk_until_complete(&wish, TIMEOUT, |_| ()).await?;
                sleep(Duration::from_millis(100)).await;
            }
            let after = self.generation().await?;
            let mean_ms = (after.0 - before.0) / (after.1 - before.1) * 1000.0;
            say(&format!("  {minutes:>3} minutes, {themes:>2} themes {mean_ms:>12.1} ms"));
        }
        Ok(())
    }

    async fn generation(&self) -> anyhow::Result<(f64, f64)> {
        Ok(histogram(&self.system.worker(0)?.metrics().await?, "route_generation_duration_seconds"))
    }

    async fn soak(&self, during: Duration) -> anyhow::Result<()> {
        say(&format!("\nSixteen clients, short walks one after the other for {} s", during.as_secs()));
        let until = Instant::now() + during;
        let client = async |number: usize| {
            let walker = self.walker(&format!("198.51.100.{number}")).await?;
            let mut socket = walker.websocket().await?;
            let (mut times, mut renewed) = (Vec::new(), Instant::now());
            while Instant::now() < until {
                let wish = self.wish(15 + number as u32, 3)?;
                let began = Instant::now();
                walker.follow(&mut socket, &wish, TIMEOUT, |_| ()).await?;
                times.push(began.elapsed());
                // The limit of an address is 600 requests a minute, and a walk takes two.
                if renewed.elapsed() < Duration::from_millis(220) {
                    sleep(Duration::from_millis(220) - renewed.elapsed()).await;
                }
                renewed = Instant::now();
            }
            socket.close().await;
            anyhow::Ok(times)
        };
        let times = try_join_all((0..16).map(client)).await?.concat();
        let over = |seconds| times.iter().filter(|time| time.as_secs_f64() > seconds).count();
        let (over_1, over_5, count) = (over(1.0), over(5.0), times.len());
        let times = Times::of(times);
        say(&format!("  {}", times.line()));
        say(&format!(
            "  worst {:.2} s, above 1 s: {over_1}, above 5 s: {over_5}, {:.1} a second",
            times.percentile(1.0) / 1000.0,
            count as f64 / during.as_secs_f64()
        ));
        Ok(())
    }

    async fn flood(&self, during: Duration) -> anyhow::Result<()> {
        say("\nA bystander asks for walks of 30 minutes, one after the other");
        let bystander = self.walker("203.0.113.7").await?;
        let alone = self.bystander(&bystander, Duration::from_secs(15)).await?;
        say(&format!("  alone      {}   worst {:.2} s", alone.line(), alone.percentile(1.0) / 1000.0));
        let until = Instant::now() + during;
        let (accepted, rejected) = (AtomicU32::new(0), AtomicU32::new(0));
        let flood = async {
            let accounts = try_join_all((0..60).map(|_| self.walker("192.0.2.66"))).await?;
            while Instant::now() < until {
                for account in &accounts {
                    for _ in 0..3 {
                        let (status, _) = account.post_route(&self.wish(480, 20)?).await?;
                        let counted = if status == StatusCode::ACCEPTED { &accepted } else { &rejected };
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    sleep(Duration::from_millis(50)).await;
                }
            }
            anyhow::Ok(())
        };
        let watch = async {
            // The flood needs a moment to fill the queue.
            sleep(Duration::from_secs(5)).await;
            self.bystander(&bystander, during.saturating_sub(Duration::from_secs(5))).await
        };
        let ((), flooded) = tokio::try_join!(flood, watch)?;
        say(&format!("  in a flood {}   worst {:.2} s", flooded.line(), flooded.percentile(1.0) / 1000.0));
        say(&format!(
            "  the flood: 60 accounts of one address, walks of 480 minutes, {} accepted, {} not",
            accepted.into_inner(),
            rejected.into_inner()
        ));
        self.until_all_is_over().await.map(drop)
    }

    /// One walk after the other, with a short rest between them.
    async fn bystander(&self, walker: &Walker, during: Duration) -> anyhow::Result<Times> {
        let until = Instant::now() + during;
        let mut times = Vec::new();
        while Instant::now() < until {
            times.push(self.time_one(walker, 30).await?);
            sleep(Duration::from_millis(250)).await;
        }
        Ok(Times::of(times))
    }

    async fn overload(&self, during: Duration) -> anyhow::Result<()> {
        say(&format!("\n110 requests a second from 40 addresses for {} s", during.as_secs()));
        let client = async |number: usize| self.walker(&format!("198.18.0.{}", number % 40)).await;
        let walkers = try_join_all((0..120).map(client)).await?;
        let mut ticks = interval(Duration::from_micros(1_000_000 / 110));
        let until = Instant::now() + during;
        let mut sent = Vec::new();
        let mut number = 0;
        while Instant::now() < until {
            ticks.tick().await;
            let (walker, wish) = (walkers[number % walkers.len()].clone(), self.wish(30, 3)?);
            number += 1;
            sent.push(tokio::spawn(async move { walker.post_route(&wish).await }));
        }
        let mut counts = [0, 0, 0];
        for answer in sent {
            match answer.await?? {
                (StatusCode::ACCEPTED, _) => counts[0] += 1,
                (StatusCode::SERVICE_UNAVAILABLE, _) => counts[1] += 1,
                _ => counts[2] += 1,
            }
        }
        let [accepted, busy, other] = counts;
        say(&format!("  accepted {accepted}, told to come later {busy}, over a limit of their own {other}"));
        let last = self.until_all_is_over().await?;
        let row = self
            .system
            .database()
            .sql(
                "SELECT round(max(extract(epoch FROM updated_at - created_at)), 1), sum(publications - 1),
                        count(*) FILTER (WHERE status = 'failed')
                 FROM route_requests WHERE created_at > now() - interval '10 minutes' AND NOT from_cache",
            )
            .await?;
        say(&format!("  the last was complete {:.1} s after the end", last.as_secs_f64()));
        say(&format!("  longest from request to walk in s | published again | failed: {row}"));
        Ok(())
    }

    async fn until_all_is_over(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let open = "SELECT count(*) FROM route_requests WHERE status IN ('pending', 'in_progress')";
        while self.system.database().sql(open).await?.trim() != "0" {
            ensure!(began.elapsed() < TIMEOUT, "still open after {TIMEOUT:?}");
            sleep(Duration::from_millis(100)).await;
        }
        Ok(began.elapsed())
    }
}

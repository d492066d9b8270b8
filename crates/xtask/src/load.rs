use anyhow::ensure;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use testbed::{Method, StatusCode, System, Walker};

use crate::{
    figures::Times,
    wish::{Theme, Wish},
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Makes wishes that nobody has had before, so that no answer comes from the cache.
pub(crate) struct Wishes {
    themes: Vec<Theme>,
    made: AtomicU32,
}

impl Wishes {
    pub fn new(themes: Vec<Theme>) -> Self {
        Self { themes, made: AtomicU32::new(0) }
    }

    pub fn next(&self) -> anyhow::Result<Value> {
        let seed = self.made.fetch_add(1, Ordering::Relaxed);
        let wish = Wish { minutes: 30 + seed * 7 % 60, seed: Some(seed), ..Wish::default() };
        let mut body = wish.body(&self.themes)?;
        body["accessibility"]["avoid_stairs"] = json!(seed.is_multiple_of(2));
        Ok(body)
    }
}

/// From the POST to `complete` on the WebSocket: so many clients, each with so many walks one after the other.
pub(crate) async fn walks(
    system: &System,
    wishes: &Wishes,
    clients: usize,
    each: usize,
) -> anyhow::Result<Times> {
    let client = async || {
        let walker = system.walker().await?;
        let mut socket = walker.websocket().await?;
        let mut times = Vec::new();
        for _ in 0..each {
            let wish = wishes.next()?;
            let began = Instant::now();
            let mut complete = began.elapsed();
            let seen = |event: &Value| {
                if event["status"] == "complete" {
                    complete = began.elapsed();
                }
            };
            walker.follow(&mut socket, &wish, PATIENCE, seen).await?;
            times.push(complete);
        }
        socket.close().await;
        anyhow::Ok(times)
    };
    let times = try_join_all((0..clients).map(|_| client())).await?;
    Ok(Times::of(times.concat()))
}

/// From opening the WebSocket to the snapshot of a request that was complete before.
pub(crate) async fn snapshots(system: &System, wishes: &Wishes, times: usize) -> anyhow::Result<Times> {
    let walker = system.walker().await?;
    walker.walk_until_complete(&wishes.next()?, PATIENCE, |_| ()).await?;
    let mut taken = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        let mut socket = walker.websocket().await?;
        socket.next_of("route_generation_status", PATIENCE).await?;
        taken.push(began.elapsed());
        socket.close().await;
    }
    Ok(Times::of(taken))
}

/// How often something can be asked by several at once for a while: the times, and how many a second.
pub(crate) async fn as_often_as_possible(
    system: &System,
    question: &Question,
    clients: usize,
    during: Duration,
) -> anyhow::Result<(Times, f64)> {
    let walkers = try_join_all((0..clients).map(|_| system.walker())).await?;
    let began = Instant::now();
    let client = async |walker: Walker| {
        let mut times = Vec::new();
        while began.elapsed() < during {
            let asked = Instant::now();
            let answer = walker.send(question.method.clone(), question.path, question.body.as_ref()).await?;
            ensure!(answer.status == StatusCode::OK, "the answer was {}: {}", answer.status, answer.text());
            times.push(asked.elapsed());
        }
        Ok(times)
    };
    let times = try_join_all(walkers.into_iter().map(client)).await?.concat();
    let a_second = times.len() as f64 / began.elapsed().as_secs_f64();
    Ok((Times::of(times), a_second))
}

/// What to ask.
pub(crate) struct Question {
    pub method: Method,
    pub path: &'static str,
    pub body: Option<Value>,
}

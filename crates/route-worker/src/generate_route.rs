//! The one unit of work. Its order is what keeps a request from being lost: claim, generate, commit, announce, cache, and
//! only then acknowledge (docs/accepted-is-never-lost.md).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bus::{AreaEnriched, Delivery, EnrichmentJob, GenerateRouteJob, Outcome};
use domain::{Refusal, Route, SearchArea, StatusEvent};
use service::{analytics::Event, telemetry};
use store::{
    Attempt, CachedFor, NewsOf, Release, StoreError, WantedEnrichment, cached_for, claim_next, claimable_in,
    complete, fail, mark_notified, pois_within, release, renew_lease, told, untold, want_enrichment,
};
use thiserror::Error;
use tokio::sync::watch;
use tracing::{Instrument, field::Empty};
use wildside_engine::{Effort, Reach};

use crate::{app::App, networks::LoadError};

/// How long a claim holds without renewal. A worker that dies costs its walker about this much.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
/// How soon a job comes back where nothing tells a better time.
const PAUSE: Duration = Duration::from_secs(1);
/// First and longest pause between two tries to write a finished walk.
const WRITE_PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));
/// A finished walk that cannot be written for so long is given to another attempt.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Places that the search looks at; it thins them out by itself.
const MAX_POIS: i64 = 2_000;

/// Why there is no route, this time.
#[derive(Debug, Error)]
enum GenerateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{0}")]
    Refused(Refusal),
    #[error("the search panicked")]
    Panicked,
}

impl GenerateError {
    /// The same request may go well at another time or on another worker: nothing is wrong with it.
    fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => error.is_passing(),
            Self::Load(error) => error.is_passing(),
            Self::Refused(_) | Self::Panicked => false,
        }
    }
}

/// Works on the request whose turn it is. A job says that there is one more, and not which: so no request has to wait
/// behind those whose messages came earlier.
pub(crate) async fn generate_route(app: App, delivery: Delivery<GenerateRouteJob>) -> Outcome {
    let _in_hand = app.idle.job();
    match claim_next(&app.database, LEASE).await {
        Ok(Some(attempt)) => work_on(&app, attempt).await,
        // Others have taken all there is. The request of this job may come back to the queue without a job of its own.
        Ok(None) => match claimable_in(&app.database, delivery.job.request_id).await {
            Ok(Some(wait)) => Outcome::Later(wait + Duration::from_millis(200)),
            Ok(None) => Outcome::Done,
            Err(error) => unclaimed(&app, &error),
        },
        Err(error) => unclaimed(&app, &error),
    }
}

fn unclaimed(app: &App, error: &StoreError) -> Outcome {
    tracing::warn!(%error, "could not claim a request");
    app.health.note_failure(&error.to_string());
    Outcome::Later(PAUSE)
}

/// Works on a claimed request until it has ended or is back in the queue.
pub(crate) async fn work_on(app: &App, attempt: Attempt) -> Outcome {
    let span = tracing::info_span!(
        "generate_route", request_id = %attempt.request_id, trace_id = Empty, attempt = attempt.number
    );
    telemetry::join_trace(&span, attempt.traceparent.as_deref());
    metrics::histogram!("route_wait_seconds").record(attempt.waited.as_secs_f64());
    work(app, &attempt).instrument(span).await
}

async fn work(app: &App, attempt: &Attempt) -> Outcome {
    let started = Instant::now();
    let generated = tokio::select! {
        generated = generate(app, attempt) => generated,
        () = keep_lease(app, attempt) => {
            tracing::warn!("a newer attempt owns the request; this one is dropped");
            return Outcome::Done;
        }
    };
    app.health.note_work(attempt.request.cost(), started.elapsed());
    let mut wanted = Vec::new();
    let ended = match generated {
        Ok(route) => {
            wanted = want_more(app, attempt, &route).await;
            write(app, attempt, &route).await.map(|event| event.map(|event| (event, Some(route))))
        }
        Err(GenerateError::Refused(refusal)) => {
            metrics::counter!("routes_refused_total", "reason" => refusal.code()).increment(1);
            let written = fail(&app.database, attempt.request_id, attempt.number, &refusal.to_string()).await;
            written.map(|event| event.map(|event| (event, None)))
        }
        Err(error) => return give_back(app, attempt, &error).await,
    };
    match ended {
        Ok(Some((event, route))) => {
            // A refusal is an answer: the job went well. It is counted by its reason.
            metrics::counter!("jobs_total", "type" => "GenerateRoute", "status" => "success").increment(1);
            metrics::histogram!("route_generation_duration_seconds").record(started.elapsed().as_secs_f64());
            tracing::info!(status = %event.status, duration_ms = started.elapsed().as_millis() as u64, "request ended");
            app.health.note_success();
            announce(app, event).await;
            ask_for(app, &wanted).await;
            if let Some(route) = route
                && remember(app, attempt, &route).await
            {
                let route_duration_minutes = f64::from(route.duration_s) / 60.0;
                let event = Event::RouteComputed { route_duration_minutes, poi_count: route.stops.len() };
                app.analytics.tell(attempt.user_id.0, event);
            }
            Outcome::Done
        }
        Ok(None) => {
            tracing::warn!("came too late: a newer attempt owns the request");
            Outcome::Done
        }
        Err(error) => give_back(app, attempt, &error.into()).await,
    }
}

/// Writes a finished walk. While the database takes nothing, the walk is kept and tried again: it is dear, and nobody
/// else can write a better one.
async fn write(app: &App, attempt: &Attempt, route: &Route) -> Result<Option<StatusEvent>, StoreError> {
    let (mut pause, longest) = WRITE_PAUSES;
    let deadline = Instant::now() + WRITE_TIMEOUT;
    loop {
        let error = match complete(&app.database, attempt.request_id, attempt.number, route).await {
            Err(error) if error.is_passing() && Instant::now() < deadline => error,
            written => return written,
        };
        tracing::warn!(%error, "a finished walk could not be written; trying again");
        app.health.note_failure(&error.to_string());
        if app.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            // Once more, and no longer: whoever stops cannot wait.
            return complete(&app.database, attempt.request_id, attempt.number, route).await;
        }
        pause = (pause * 2).min(longest);
        renew_lease(&app.database, attempt.request_id, attempt.number, LEASE).await.ok();
    }
}

/// Renews the lease until it is lost. The database being away is no loss: the row decides when it is back.
async fn keep_lease(app: &App, attempt: &Attempt) {
    loop {
        tokio::time::sleep(LEASE / 3).await;
        match renew_lease(&app.database, attempt.request_id, attempt.number, LEASE).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "could not renew a lease"),
        }
    }
}

/// Notes that there were too few places for some theme. The walker has the best walk there is, whatever becomes of it.
async fn want_more(app: &App, attempt: &Attempt, route: &Route) -> Vec<WantedEnrichment> {
    if route.sparse_themes.is_empty() {
        return Vec::new();
    }
    metrics::counter!("sparse_routes_total").increment(1);
    let area = SearchArea::of_walk(&attempt.request);
    want_enrichment(&app.database, attempt.request_id, area, &route.sparse_themes).await.unwrap_or_else(
        |error| {
            tracing::warn!(%error, "could not note what there is too little of");
            Vec::new()
        },
    )
}

/// Where a message is lost, the sweeper of the enrichment workers finds the row.
async fn ask_for(app: &App, wanted: &[WantedEnrichment]) {
    for WantedEnrichment { area, theme_id, publication } in wanted.iter().copied() {
        let job = EnrichmentJob { area, theme_id };
        if let Err(error) = app.bus.publish_job(&job, publication, telemetry::traceparent().as_deref()).await
        {
            tracing::warn!(%error, %area, "an enrichment was not asked for; the sweeper will");
        }
    }
}

/// Announces how a request ended, and what was learnt for its walker while the walk was made. What fails here a sweeper
/// does later: the row says that it is still to be done.
async fn announce(app: &App, event: StatusEvent) {
    let request = event.request_id;
    let announcing = async {
        app.bus.publish_status(event, telemetry::traceparent().as_deref()).await?;
        app.bus.confirm().await?;
        mark_notified(&app.database, request).await?;
        let news = untold(&app.database, NewsOf::Request(request)).await?;
        for news in news.iter().filter(|news| news.added > 0) {
            let (user_id, request_id) = (news.user_id, news.request_id);
            let message =
                AreaEnriched { user_id, request_id, theme_id: news.theme_id, places_added: news.added };
            app.bus.publish_enriched(&message).await?;
        }
        if !news.is_empty() {
            app.bus.confirm().await?;
        }
        for news in &news {
            told(&app.database, news).await?;
        }
        anyhow::Ok(())
    };
    if let Err(error) = announcing.await {
        tracing::warn!(%error, "a walker may not have heard how their request ended; it is announced again");
    }
}

/// Keeps the route for whoever wishes the same, unless its request was deleted meanwhile. Whoever deletes a request
/// deletes its row first and the cached copy then, so the row is looked for after the copy was made. Returns whether it
/// is there.
async fn remember(app: &App, attempt: &Attempt, route: &Route) -> bool {
    let bound_bytes = u64::from(app.config.redis.route_cache_mib) * 1024 * 1024;
    app.redis.cache_route(&attempt.cache_key, route, bound_bytes).await;
    let cached_for = cached_for(&app.database, attempt.request_id, &attempt.cache_key).await;
    match cached_for {
        Ok(CachedFor::Others) => {}
        Ok(CachedFor::Saved) => app.redis.keep_route(&attempt.cache_key, true).await,
        // Where nobody can tell, it must not stay.
        Ok(CachedFor::Nobody) | Err(_) => {
            app.redis.forget_routes(std::slice::from_ref(&attempt.cache_key)).await;
        }
    }
    cached_for.is_ok_and(|cached_for| cached_for != CachedFor::Nobody)
}

/// Puts the request back into the queue. What is this worker's own trouble, or passes, costs the request nothing; the
/// worker itself takes no more when it goes on like that.
async fn give_back(app: &App, attempt: &Attempt, error: &GenerateError) -> Outcome {
    tracing::error!(%error, "an attempt failed");
    metrics::counter!("jobs_total", "type" => "GenerateRoute", "status" => "failure").increment(1);
    let why = if error.is_passing() {
        app.health.note_failure(&error.to_string());
        Release::Passing
    } else {
        Release::Counted
    };
    match release(&app.database, attempt.request_id, attempt.number, why).await {
        Ok(Some(pause)) => Outcome::Later(pause),
        Ok(None) => Outcome::Done,
        Err(error) => {
            // Then the lease runs out.
            tracing::warn!(%error, "could not release a request");
            Outcome::Later(LEASE)
        }
    }
}

async fn generate(app: &App, attempt: &Attempt) -> Result<Route, GenerateError> {
    let (progress, heard) = watch::channel(0.0);
    let (route, ()) = tokio::join!(search(app, attempt, progress), report(app, attempt, heard));
    route
}

/// Tells the walker how far the search is, at most four times a second, until the search drops its end.
async fn report(app: &App, attempt: &Attempt, mut heard: watch::Receiver<f32>) {
    loop {
        let progress = *heard.borrow_and_update();
        let event = attempt.progress(progress);
        if let Err(error) = app.bus.publish_status(event, telemetry::traceparent().as_deref()).await {
            tracing::debug!(%error, "progress was not heard");
        }
        let pause = tokio::time::sleep(Duration::from_millis(250));
        let ended = async { while heard.changed().await.is_ok() {} };
        tokio::select! {
            () = pause => {}
            () = ended => return,
        }
        if heard.has_changed().is_err() {
            return;
        }
    }
}

async fn search(app: &App, attempt: &Attempt, progress: watch::Sender<f32>) -> Result<Route, GenerateError> {
    let request = &attempt.request;
    let reach = Reach::of(request);
    let places = pois_within(
        &app.database,
        reach.center,
        reach.radius_m,
        request.themes(),
        request.popularity_bias(),
        MAX_POIS,
    );
    let network = app.networks.around(request).await?;
    let places = places.await?;
    progress.send_replace(0.2);

    let request = request.clone();
    let deadline = Instant::now() + Duration::from_millis(app.config.search_deadline_ms);
    // Dropped with this future, when the lease is lost: the thread must not search on for nobody.
    let abandoned = Arc::new(AtomicBool::new(false));
    let _abandon = AbandonOnDrop(abandoned.clone());
    let span = tracing::Span::current();
    let searching = tokio::task::spawn_blocking(move || {
        span.in_scope(|| {
            let effort = Effort {
                should_stop: &|| abandoned.load(Ordering::Relaxed) || Instant::now() >= deadline,
                on_progress: &|share| _ = progress.send_replace(0.2 + 0.75 * share),
                ..Effort::default()
            };
            wildside_engine::generate_route(&network, &places, &request, &effort)
        })
    });
    searching.await.map_err(|_| GenerateError::Panicked)?.map_err(GenerateError::Refused)
}

struct AbandonOnDrop(Arc<AtomicBool>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

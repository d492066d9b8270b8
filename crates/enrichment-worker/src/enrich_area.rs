use std::time::{Duration, Instant};

use bus::{AreaEnriched, Delivery, EnrichmentJob, Outcome};
use chrono::Utc;
use domain::{InterestTheme, OSM_ATTRIBUTION, Place};
use sha2::{Digest, Sha256};
use store::{
    Doubt, Enrichment, EnrichmentClaim, Extract, LearnError, Learnt, NewsOf, PutOff, StoreError, Turn,
    TurnEnd, claim_enrichment, end_turn, learn, popularity_scale_near, put_off_enrichment, renew_enrichment,
    take_turn, told, untold,
};
use thiserror::Error;

use crate::{
    app::App,
    overpass::{self, Answer, AnswerError, Overpass, Raw},
};

/// How long a claim holds without renewal.
const LEASE: Duration = Duration::from_secs(10);
/// How soon a job comes back after a failure of our own.
const PAUSE: Duration = Duration::from_secs(1);
/// How soon a question that the API found too hard is tried again.
const TOO_HARD_PAUSE: Duration = Duration::from_secs(3_600);
/// How soon an answer that lacks most of what is known is to be confirmed: by then a mirror that was being filled is full.
const CONFIRMATION_PAUSE: Duration = Duration::from_secs(24 * 3_600);

/// How one try ended without places.
#[derive(Debug, Error)]
enum Unlearnt {
    #[error("not our turn for {0:?}")]
    Wait(Duration),
    #[error("{why}")]
    NoAnswer { why: AnswerError, pause: Duration },
    #[error("no query can be made of the theme: {0}")]
    NoQuery(String),
    #[error(transparent)]
    Doubtful(Doubt),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the worker is asked to stop")]
    Stopping,
}

impl From<LearnError> for Unlearnt {
    fn from(error: LearnError) -> Self {
        match error {
            LearnError::Doubtful(doubt) => Self::Doubtful(doubt),
            LearnError::Store(error) => Self::Store(error),
        }
    }
}

/// Asks for the places of a theme in an area, writes them, and tells those whose requests led to it.
pub(crate) async fn enrich_area(app: App, delivery: Delivery<EnrichmentJob>) -> Outcome {
    let job = delivery.job;
    let claimed = claim_enrichment(&app.database, job.area, job.theme_id, LEASE).await;
    match claimed {
        Ok(EnrichmentClaim::Granted(attempt)) => work(&app, &job, attempt).await,
        Ok(EnrichmentClaim::Over) => tell(&app, &job).await,
        // Its row brings it again when it is time.
        Ok(EnrichmentClaim::NotNow) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, "could not claim an enrichment");
            Outcome::Later(PAUSE)
        }
    }
}

async fn work(app: &App, job: &EnrichmentJob, attempt: i32) -> Outcome {
    let started = Instant::now();
    let learnt = tokio::select! {
        learnt = look_up(app, job, attempt) => learnt,
        () = keep_lease(app, job, attempt) => {
            tracing::warn!(area = %job.area, "a newer attempt owns the enrichment; this one is dropped");
            return Outcome::Done;
        }
        () = app.shutdown.cancelled() => Err(Unlearnt::Stopping),
    };
    let why = match learnt {
        Ok(Some(learnt)) => {
            count("success");
            metrics::histogram!("enrichment_duration_seconds").record(started.elapsed().as_secs_f64());
            tracing::info!(area = %job.area, theme_id = %job.theme_id, ?learnt, "learnt");
            return tell(app, job).await;
        }
        Ok(None) => {
            tracing::warn!(area = %job.area, "came too late: a newer attempt owns the enrichment");
            return Outcome::Done;
        }
        Err(why) => why,
    };
    put_off(app, job, attempt, &why).await
}

fn count(status: &'static str) {
    metrics::counter!("enrichment_jobs_total", "status" => status).increment(1);
}

/// Renews the lease until it is lost. The database being away is no loss: the row decides when it is back.
async fn keep_lease(app: &App, job: &EnrichmentJob, attempt: i32) {
    loop {
        tokio::time::sleep(LEASE / 3).await;
        match renew_enrichment(&app.database, job.area, job.theme_id, attempt, LEASE).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "could not renew a lease"),
        }
    }
}

async fn look_up(app: &App, job: &EnrichmentJob, attempt: i32) -> Result<Option<Learnt>, Unlearnt> {
    let theme = app.catalogue.themes().iter().find(|theme| theme.id == job.theme_id);
    let theme = theme.ok_or_else(|| Unlearnt::NoQuery("this build does not know it".into()))?;
    let overpass = app.overpass.as_ref().ok_or_else(|| Unlearnt::NoQuery("nobody is to be asked".into()))?;
    let query = overpass::query(theme, job.area.bounds(), &app.config.overpass).map_err(Unlearnt::NoQuery)?;
    let started_at = Utc::now();
    let (raw, answer) = ask(app, overpass, query).await?;
    if let Some(remark) = &answer.remark {
        tracing::warn!(remark, "the Overpass API remarks");
    }
    let places = places(app, job, theme, &answer).await?;
    let extract = Extract {
        name: "Overpass API".into(),
        bytes: raw.body.len() as i64,
        sha256: Sha256::digest(&raw.body).iter().map(|byte| format!("{byte:02x}")).collect(),
        osm_timestamp: answer.timestamp,
        attribution: OSM_ATTRIBUTION.into(),
    };
    let enrichment = Enrichment {
        area: job.area,
        theme_id: job.theme_id,
        attempt,
        answer: &extract,
        pois: &places,
        skipped: answer.skipped,
        started_at,
    };
    Ok(learn(&app.database, &enrichment).await?)
}

/// Asks when it is our turn, and gives the turn back with what we have heard.
async fn ask(app: &App, overpass: &Overpass, query: String) -> Result<(Raw, Answer), Unlearnt> {
    let budget = app.config.overpass.budget();
    let longest = app.config.overpass.patience() + Duration::from_secs(5);
    let turn = match take_turn(&app.database, budget, longest).await? {
        Turn::Granted(turn) => turn,
        Turn::Wait(wait) => return Err(Unlearnt::Wait(wait)),
    };
    let raw = overpass.ask(query).await;
    let bytes = match &raw {
        Ok(raw) => raw.body.len() as i64,
        // As much was read as is read at all.
        Err(AnswerError::TooMuch(_)) => budget.largest_answer,
        Err(_) => 0,
    };
    let retry_after = raw.as_ref().ok().and_then(|raw| raw.retry_after);
    let answer = raw.and_then(|raw| Answer::read(&raw).map(|answer| (raw, answer)));
    let end = match &answer {
        Err(why) if why.is_unwelcome() => TurnEnd::Unwelcome { retry_after },
        _ => TurnEnd::Answered,
    };
    let pause = end_turn(&app.database, turn, budget, bytes, end).await?;
    answer.map_err(|why| Unlearnt::NoAnswer { why, pause })
}

/// The places of the answer, measured by the scale of the extract next to them.
async fn places(
    app: &App,
    job: &EnrichmentJob,
    theme: &InterestTheme,
    answer: &Answer,
) -> Result<Vec<Place>, StoreError> {
    let bounds = job.area.bounds();
    let scale = match bounds.center() {
        Some(center) => popularity_scale_near(&app.database, center).await?,
        None => Default::default(),
    };
    Ok(answer.places(&app.catalogue, theme.id, bounds, &scale))
}

async fn put_off(app: &App, job: &EnrichmentJob, attempt: i32, why: &Unlearnt) -> Outcome {
    let text = why.to_string();
    let (pause, why_row, status) = match why {
        Unlearnt::Wait(wait) => (*wait, PutOff::NotOurTurn, "put_off"),
        Unlearnt::Stopping => (Duration::ZERO, PutOff::NotOurTurn, "put_off"),
        Unlearnt::NoAnswer { why, pause } if why.is_unwelcome() => {
            (*pause, PutOff::Unanswered(&text), "failure")
        }
        Unlearnt::Doubtful(Doubt::Smaller { .. }) => (CONFIRMATION_PAUSE, PutOff::Failed(&text), "failure"),
        Unlearnt::NoAnswer { .. } | Unlearnt::NoQuery(_) | Unlearnt::Doubtful(_) => {
            (TOO_HARD_PAUSE, PutOff::Failed(&text), "failure")
        }
        Unlearnt::Store(_) => (PAUSE, PutOff::Unanswered(&text), "failure"),
    };
    count(status);
    match why_row {
        PutOff::NotOurTurn => tracing::info!(area = %job.area, why = text, "put off"),
        _ => tracing::warn!(area = %job.area, why = text, "nothing was learnt; trying again later"),
    }
    match put_off_enrichment(&app.database, job.area, job.theme_id, attempt, pause, why_row).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            // Then the lease runs out, and the sweeper finds the row.
            tracing::warn!(%error, "an enrichment could not be put off");
            Outcome::Later(PAUSE)
        }
    }
}

/// Those who have their walk hear of it before the job is acknowledged: whatever fails here, the job comes again and this
/// is done again. The others hear of it from the route worker, when they have theirs.
async fn tell(app: &App, job: &EnrichmentJob) -> Outcome {
    match tell_all(app, job).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, "not all have heard of new places; trying again");
            Outcome::Later(PAUSE)
        }
    }
}

async fn tell_all(app: &App, job: &EnrichmentJob) -> anyhow::Result<()> {
    notify(app, NewsOf::Enrichment(job.area, job.theme_id)).await
}

/// Announces what was learnt to those who still have to hear of it, and then notes that they have.
pub(crate) async fn notify(app: &App, of: NewsOf) -> anyhow::Result<()> {
    let news = untold(&app.database, of).await?;
    for news in news.iter().filter(|news| news.added > 0) {
        let (user_id, request_id) = (news.user_id, news.request_id);
        let message = AreaEnriched { user_id, request_id, theme_id: news.theme_id, places_added: news.added };
        app.bus.publish_enriched(&message).await?;
    }
    if !news.is_empty() {
        app.bus.confirm().await?;
    }
    for news in &news {
        told(&app.database, news).await?;
    }
    Ok(())
}

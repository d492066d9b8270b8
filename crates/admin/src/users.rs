use std::io::Write;

use anyhow::{Context, ensure};
use bus::Bus;
use chrono::{DateTime, Utc};
use domain::{Revocation, UserId};
use store::{Database, ErasedUser, Redis, UserExport, erase_user, export_user, revoke_sessions_of};

use crate::{Postgres, Stores, Users};

/// Does what was asked for with a walker.
pub(crate) async fn run(what: Users) -> anyhow::Result<()> {
    match what {
        Users::Show { id, postgres } => show(id, &postgres).await,
        Users::Export { id, postgres } => export(id, &postgres).await,
        Users::Erase { id, stores } => erase(id, &stores).await,
        Users::RevokeSessions { id, stores } => revoke_sessions(id, &stores).await,
    }
}

fn database(postgres: &Postgres) -> anyhow::Result<Database> {
    Ok(Database::new(&postgres.url()?, 1, "wildside-admin")?)
}

#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
async fn show(id: UserId, postgres: &Postgres) -> anyhow::Result<()> {
    let export = known(&database(postgres)?, id).await?;
    print!("{}", report(&export));
    Ok(())
}

/// What is held about a walker, if anything is.
async fn known(database: &Database, id: UserId) -> anyhow::Result<UserExport> {
    let export = export_user(database, id).await?;
    let is_known = export.user.created_at.is_some() || export.ended_sessions() > 0;
    ensure!(is_known, "nothing is held about a walker {id}");
    Ok(export)
}

fn report(export: &UserExport) -> String {
    let user = &export.user;
    let time = |time: Option<DateTime<Utc>>| {
        time.map_or_else(|| "-".into(), |time| time.format("%Y-%m-%d %H:%M UTC").to_string())
    };
    let rows = [
        ("id", user.id.to_string()),
        ("created", time(user.created_at)),
        ("last active", time(user.active_at)),
        ("interests", user.interest_theme_ids.len().to_string()),
        ("requests", export.requests().to_string()),
        ("saved", export.saved_routes.to_string()),
        ("sessions", format!("{} ended early", export.ended_sessions())),
        ("erased", if export.is_erased() { "yes".into() } else { "no".into() }),
    ];
    rows.map(|(what, text)| format!("{what:12} {text}\n")).concat()
}

async fn export(id: UserId, postgres: &Postgres) -> anyhow::Result<()> {
    let mut export = known(&database(postgres)?, id).await?;
    let mut out = std::io::stdout().lock();
    while let Some(piece) = export.next().await? {
        out.write_all(piece.as_bytes()).context("writing the export")?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
async fn erase(id: UserId, stores: &Stores) -> anyhow::Result<()> {
    let ErasedUser { revocation, requests, cache_keys, .. } =
        erase_user(&database(&stores.postgres)?, id).await.context("erasing the walker in PostgreSQL")?;
    println!("PostgreSQL: erased, with {} requests and their routes", requests.len());
    announce(revocation, stores).await;
    match &stores.redis {
        Some(redis) => {
            let redis = Redis::new(&redis.url(&stores.postgres.tls)?)?;
            redis.ready().await.map_err(anyhow::Error::msg).context(
                "the walker is erased, but Redis is away: run this again, or let cached copies expire within 31 days",
            )?;
            redis.forget_routes(&cache_keys).await;
            println!("Redis: {} cached routes removed", cache_keys.len());
        }
        None => println!("Redis: REDIS_URL is not set; cached copies expire within 31 days"),
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
async fn revoke_sessions(id: UserId, stores: &Stores) -> anyhow::Result<()> {
    let database = database(&stores.postgres)?;
    known(&database, id).await?;
    let revocation = revoke_sessions_of(&database, id, Utc::now(), None).await?;
    println!("PostgreSQL: all sessions of the walker have ended");
    announce(revocation, stores).await;
    Ok(())
}

/// Tells the services, which otherwise read of it a second later.
#[expect(clippy::print_stdout, reason = "this is what the operator asked for")]
async fn announce(revocation: Revocation, stores: &Stores) {
    let announced = async {
        let nats = stores.nats.as_ref().context("NATS_URL is not set")?;
        let bus = Bus::connect(&nats.url(&stores.postgres.tls)?, "wildside-admin").await?;
        bus.publish_revocation(revocation).await?;
        bus.close().await;
        anyhow::Ok(())
    };
    match announced.await {
        Ok(()) => println!("NATS: announced; sockets are closed and cookies refused now"),
        Err(error) => println!("NATS: not announced ({error:#}); services read of it within two seconds"),
    }
}

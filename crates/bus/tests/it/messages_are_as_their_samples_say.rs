use std::{collections::BTreeSet, fmt::Debug, fs, path::Path};

use bus::{
    AreaEnriched, EnrichmentJob, GenerateRouteJob, Job, MaintenanceJob, NEWS_SUBJECTS, RouteStatus,
    SessionsRevoked,
};
use domain::{RequestStatus, Revocation, RevokedSessions, StatusEvent};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

const REQUEST: &str = "0197a5c2-7a10-7cc1-9d3a-2f0f7b9f4a11";
const WALKER: &str = "2f5f9a34-52a7-4b0f-8f51-0a6cf1f7c9d2";
const THEME: &str = "65a6a9ef-0a93-5eaa-85d5-b22bb886a87f";
const ROUTE: &str = "0197a5c2-7a10-7cc1-9d3a-3b6f1c2d4e5f";

fn samples() -> Vec<(&'static str, Check)> {
    vec![
        ("generate_route_job.json", check(&job())),
        ("enrichment_job.json", check(&enrichment())),
        ("maintenance_job.json", check(&MaintenanceJob { slot: 498_000 })),
        ("area_enriched.json", check(&enriched())),
        ("route_status.json", check(&RouteStatus(status()))),
        ("route_status_complete.json", check(&RouteStatus(complete()))),
        ("route_status_pending.json", check(&RouteStatus(pending()))),
        ("route_status_failed.json", check(&RouteStatus(failed()))),
        ("sessions_revoked_one.json", check(&revoked(RevokedSessions::One(REQUEST.parse().unwrap())))),
        ("sessions_revoked_begun_until.json", check(&revoked(begun_until()))),
        ("sessions_revoked_of_erased.json", check(&revoked(RevokedSessions::OfErased))),
    ]
}

fn job() -> GenerateRouteJob {
    GenerateRouteJob { request_id: REQUEST.parse().unwrap() }
}

fn enrichment() -> EnrichmentJob {
    EnrichmentJob { area: "12-2331-1185-2332-1186".parse().unwrap(), theme_id: THEME.parse().unwrap() }
}

fn enriched() -> AreaEnriched {
    AreaEnriched {
        user_id: WALKER.parse().unwrap(),
        request_id: REQUEST.parse().unwrap(),
        theme_id: THEME.parse().unwrap(),
        places_added: 17,
    }
}

fn status() -> StatusEvent {
    StatusEvent {
        user_id: WALKER.parse().unwrap(),
        request_id: REQUEST.parse().unwrap(),
        status: RequestStatus::InProgress,
        route_id: None,
        error: None,
        rev: 150,
        progress: Some(0.5),
        estimated_wait_s: None,
    }
}

fn complete() -> StatusEvent {
    StatusEvent {
        status: RequestStatus::Complete,
        route_id: Some(ROUTE.parse().unwrap()),
        rev: 199,
        progress: None,
        ..status()
    }
}

fn pending() -> StatusEvent {
    StatusEvent {
        status: RequestStatus::Pending,
        rev: 0,
        progress: None,
        estimated_wait_s: Some(4),
        ..status()
    }
}

fn failed() -> StatusEvent {
    StatusEvent {
        status: RequestStatus::Failed,
        error: Some("No walkable way leads from the start to the end.".into()),
        rev: 299,
        progress: None,
        ..status()
    }
}

fn revoked(scope: RevokedSessions) -> SessionsRevoked {
    let expires_at = "2027-05-17T10:30:00Z".parse().unwrap();
    SessionsRevoked(Revocation { user_id: WALKER.parse().unwrap(), scope, expires_at })
}

fn begun_until() -> RevokedSessions {
    let time = "2026-04-11T09:15:30.250Z".parse().unwrap();
    RevokedSessions::BegunUntil { time, kept: Some(ROUTE.parse().unwrap()) }
}

/// Compares a message with its sample, in both directions.
type Check = Box<dyn Fn(&str)>;

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug + Clone + 'static>(message: &T) -> Check {
    let message = message.clone();
    Box::new(move |sample: &str| {
        assert_eq!(serde_json::from_str::<T>(sample).unwrap(), message);
        let sample: Value = serde_json::from_str(sample).unwrap();
        assert_eq!(serde_json::to_value(&message).unwrap(), sample);
        // The next release may say more; this one must not stumble over it.
        let mut newer = sample;
        newer["something_new"] = Value::Bool(true);
        assert_eq!(serde_json::from_value::<T>(newer).unwrap(), message);
    })
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples"))
}

#[test]
fn every_message_is_written_and_read_as_in_its_sample() {
    for (name, check) in samples() {
        check(&fs::read_to_string(folder().join(name)).unwrap());
    }
}

#[test]
fn every_sample_belongs_to_a_message() {
    let there = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let known = samples().into_iter().map(|(name, _)| name.to_owned());
    assert_eq!(there.collect::<BTreeSet<_>>(), known.collect());
}

#[test]
fn a_message_is_addressed_by_what_it_is_about() {
    assert_eq!(job().subject(), format!("jobs.route.{REQUEST}"));
    assert_eq!(RouteStatus(status()).subject(), format!("status.{WALKER}.{REQUEST}"));
    assert_eq!(enriched().subject(), format!("status.{WALKER}.{REQUEST}.enriched"));
    assert_eq!(NEWS_SUBJECTS, "status.>");
    assert_eq!(SessionsRevoked::SUBJECT, "sessions.revoked");
    assert_eq!(job().message_id(3), format!("{REQUEST}:3"));
    assert_eq!(enrichment().subject(), format!("jobs.enrichment.{THEME}.12-2331-1185-2332-1186"));
    assert_eq!(enrichment().message_id(2), format!("12-2331-1185-2332-1186:{THEME}:2"));
    assert_eq!(MaintenanceJob { slot: 7 }.message_id(0), "maintenance:7:0");
}

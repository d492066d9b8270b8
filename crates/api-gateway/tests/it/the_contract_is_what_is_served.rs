use serde_json::Value;
use std::{collections::BTreeSet, fs};
use testbed::{Options, binaries, output, workspace};
use tokio::process::Command;

use crate::town::Town;

/// What version 1 has promised, and must keep; other tiles have a server of their own.
const PROMISED: [&str; 12] = [
    "DELETE /api/v1/routes/{route_id}/saved",
    "DELETE /api/v1/session",
    "GET /api/v1/interest-themes",
    "GET /api/v1/pois/{poi_id}",
    "GET /api/v1/routes/{route_id}",
    "GET /api/v1/users/me",
    "GET /api/v1/users/me/routes",
    "GET /tiles/routes/{route_id}/{z}/{x}/{y}",
    "POST /api/v1/routes",
    "POST /api/v1/users",
    "PUT /api/v1/routes/{route_id}/saved",
    "PUT /api/v1/users/me/interests",
];

fn committed() -> String {
    let file = workspace::root().join("docs/openapi.json");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[tokio::test]
async fn the_committed_document_is_the_one_that_the_program_prints() {
    let program = binaries().unwrap().find("api-gateway").unwrap();
    let printed = output(Command::new(program).arg("--print-openapi").env_clear()).await.unwrap();
    assert!(printed == committed(), "docs/openapi.json is stale. Fix: cargo xtask generate");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_gateway_serves_the_committed_document() {
    let town = Town::start(Options { workers: 0, notifiers: 1, ..Options::default() }).await;
    let served = town.stranger().get("/api/v1/openapi.json").await.unwrap().success().unwrap();
    assert_eq!(served.header("content-type"), "application/json");
    let committed: Value = serde_json::from_str(&committed()).unwrap();
    assert!(served.json() == committed, "docs/openapi.json is not what is served");
}

#[test]
fn the_document_is_openapi_3_1_and_has_every_operation() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let mut operations = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            // Each says what it is for, and every answer that it can give.
            let statuses: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
            assert!(statuses.iter().all(|status| status.parse::<u16>().is_ok()), "{name}: {statuses:?}");
            for status in ["400", "408", "429", "500", "503"] {
                assert!(statuses.iter().any(|known| *known == status), "{name} cannot answer {status}");
            }
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{name}");
            operations.insert(name);
        }
    }
    let missing: Vec<&str> =
        PROMISED.into_iter().filter(|promised| !operations.contains(*promised)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(list) => list.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

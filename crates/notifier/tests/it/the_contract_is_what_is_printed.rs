use serde_json::Value;
use std::{collections::BTreeSet, fs};
use testbed::{binaries, output, workspace};
use tokio::process::Command;

fn committed() -> String {
    let file = workspace::root().join("docs/asyncapi.json");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[tokio::test]
async fn the_committed_document_is_the_one_that_the_program_prints() {
    let program = binaries().unwrap().find("notifier").unwrap();
    let printed = output(Command::new(program).arg("--print-asyncapi").env_clear()).await.unwrap();
    assert!(printed == committed(), "docs/asyncapi.json is stale. The mend: cargo xtask generate");
}

#[test]
fn the_document_is_asyncapi_3_and_has_every_message() {
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
    assert!(document["asyncapi"].as_str().unwrap().starts_with("3."), "{}", document["asyncapi"]);
    assert_eq!(document["channels"]["walker"]["address"], "/ws");
    let messages = document["channels"]["walker"]["messages"].as_object().unwrap();
    let names: BTreeSet<&str> = messages.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["area_enriched", "error", "route_generation_status", "update_location", "walk_progress"].into()
    );
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
}

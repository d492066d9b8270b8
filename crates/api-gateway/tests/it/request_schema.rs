//! The document accepts exactly the requests that the code does.

use domain::{RouteRequest, User};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::LazyLock};
use testbed::{HttpContract, Method};

static CONTRACT: LazyLock<HttpContract> = LazyLock::new(|| HttpContract::committed().unwrap());

const THEME: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";

/// Values at the edges of what some field allows, and beyond.
fn edges() -> Vec<Value> {
    let texts = [
        "",
        "Point",
        "point",
        THEME,
        "f47ac10b58cc4372a5670e02b2c3d479",
        "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
        "urn:uuid:f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "F47AC10B-58CC-4372-A567-0E02B2C3D479",
        "true",
        "45",
        "2026-05-17T10:30",
        "2026-05-17T10:30:59",
        "2026-05-17T10:30:60",
        "2026-05-17T24:00",
        "2026-02-29T10:30",
        "2028-02-29T10:30",
        "2000-02-29T00:00",
        "2099-12-31T23:59",
        "2100-01-01T00:00",
        "1999-12-31T23:59",
        "2026-04-31T10:30",
        "2026-05-17T10:30Z",
        "2026-05-17T10:30+03:00",
        "2026-05-17 10:30",
        "2026-5-17T10:30",
        "2026-05-17T10:30\n",
        "２026-05-17T10:30",
        "2026-00-17T10:30",
        "2026-05-00T10:30",
        "2026-13-17T10:30",
        "2026-05-17T10:60",
    ];
    let numbers = [
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "4",
        "5",
        "5.0",
        "45",
        "45.5",
        "4.5e1",
        "480",
        "480.0",
        "481",
        "0.5",
        "1.0",
        "1.5",
        "5e-324",
        "-5e-324",
        "1.0000000000000002",
        "4294967295",
        "4294967295.0",
        "4294967296",
        "180",
        "-180",
        "180.5",
        "90",
        "-90",
        "90.5",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "1e308",
        "-1e308",
        "65581",
    ];
    let others = [
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[0]",
        "[24.94,60.17]",
        "[24.94,60.17,0]",
        "[60.17,124.94]",
        "[\"24\",\"60\"]",
    ];
    let written = numbers.into_iter().chain(others).map(|text| serde_json::from_str(text).unwrap());
    texts.into_iter().map(|text| json!(text)).chain(written).collect()
}

/// A day and a time as somebody might write them.
fn times() -> impl Strategy<Value = Value> {
    (1998..2103, 0..14, 0..33, 0..26, 0..62, proptest::option::of(0..62)).prop_map(|(y, mo, d, h, mi, s)| {
        let seconds = s.map_or_else(String::new, |seconds| format!(":{seconds:02}"));
        json!(format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}{seconds}"))
    })
}

fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        (-10..500_i64).prop_map(|number| json!(number)),
        (-200.0..500.0_f64).prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        (-1.0..2.0_f64).prop_map(|number| json!(number)),
    ]
}

fn lists_of_themes() -> impl Strategy<Value = Value> {
    let known: Vec<String> = (0..4_u128).map(|number| uuid::Uuid::from_u128(number).to_string()).collect();
    let theme = prop_oneof![
        20 => any::<u128>().prop_map(|number| json!(uuid::Uuid::from_u128(number).to_string())),
        3 => select(known).prop_map(|id| json!(id)),
        1 => select(edges()),
    ];
    proptest::collection::vec(theme, 0..25).prop_map(Value::from)
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![3 => select(edges()), 2 => times(), 2 => numbers(), 2 => lists_of_themes()]
}

fn full_request() -> Value {
    json!({
        "start_location": {"type": "Point", "coordinates": [24.94, 60.17]},
        "duration_minutes": 45,
        "interest_theme_ids": [THEME],
        "popularity_bias": 0.5,
        "accessibility": {"avoid_stairs": false, "prefer_well_lit": true},
        "end_location": {"type": "Point", "coordinates": [24.95, 60.17]},
        "seed": 7,
        "start_time": "2026-05-17T10:30"
    })
}

/// One change of a request: another value somewhere, a member or item less, or one more.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Value),
    Remove(Index),
    Add(Index, String, Value),
}

fn changes() -> impl Strategy<Value = Change> {
    let names =
        ["seed", "colour", "type", "", "Seed", "avoid_stairs", "crs", "a/b~c"].map(String::from).to_vec();
    prop_oneof![
        6 => (any::<Index>(), values()).prop_map(|(at, value)| Change::Replace(at, value)),
        2 => any::<Index>().prop_map(Change::Remove),
        1 => (any::<Index>(), select(names), values()).prop_map(|(at, name, value)| Change::Add(at, name, value)),
    ]
}

fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| {
                places(member, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            });
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| places(item, &format!("{pointer}/{at}"), found));
        }
        _ => {}
    }
}

fn changed(mut value: Value, change: &Change) -> Value {
    let mut pointers = Vec::new();
    places(&value, "", &mut pointers);
    let at = |index: &Index| pointers[index.index(pointers.len())].clone();
    match change {
        Change::Replace(index, new) => *value.pointer_mut(&at(index)).unwrap() = new.clone(),
        Change::Add(index, name, new) => match value.pointer_mut(&at(index)).unwrap() {
            Value::Object(members) => drop(members.insert(name.clone(), new.clone())),
            Value::Array(items) => items.push(new.clone()),
            _ => {}
        },
        Change::Remove(index) => {
            if let Some((parent, name)) = at(index).rsplit_once('/') {
                match value.pointer_mut(parent).unwrap() {
                    Value::Object(members) => {
                        drop(members.remove(&name.replace("~1", "/").replace("~0", "~")));
                    }
                    Value::Array(items) => drop(items.remove(name.parse().unwrap())),
                    _ => {}
                }
            }
        }
    }
    value
}

/// A schema compares texts, and the code ids: only the code sees that two are one in different letter case.
fn names_an_id_in_two_cases(value: &Value) -> bool {
    let ids = value["interest_theme_ids"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
    let exact: BTreeSet<&str> = ids.iter().copied().collect();
    let folded: BTreeSet<String> = ids.iter().map(|id| id.to_lowercase()).collect();
    folded.len() < exact.len()
}

fn check(value: &Value) -> Result<(), TestCaseError> {
    if names_an_id_in_two_cases(value) {
        return Ok(());
    }
    static ROUTE: LazyLock<testbed::Schema> =
        LazyLock::new(|| CONTRACT.request_body(&Method::POST, "/api/v1/routes").unwrap());
    static INTERESTS: LazyLock<testbed::Schema> =
        LazyLock::new(|| CONTRACT.request_body(&Method::PUT, "/api/v1/users/me/interests").unwrap());
    let (read, allowed) = (RouteRequest::parse(value), ROUTE.is_valid(value));
    prop_assert_eq!(read.is_ok(), allowed, "{} is read as {:?}", value, read);
    let (read, allowed) = (User::parse_interests(value), INTERESTS.is_valid(value));
    prop_assert_eq!(read.is_ok(), allowed, "{} is read as {:?}", value, read);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn the_document_allows_a_request_where_the_code_reads_it(changes in proptest::collection::vec(changes(), 0..3)) {
        check(&changes.iter().fold(full_request(), changed))?;
    }

    #[test]
    fn the_document_allows_interests_where_the_code_reads_them(
        themes in prop_oneof![lists_of_themes(), values()], change in proptest::option::of(changes())
    ) {
        check(&change.iter().fold(json!({"interest_theme_ids": themes}), changed))?;
    }
}

#[test]
fn every_edge_of_every_field_is_the_same_in_the_document_and_in_the_code() {
    let request = full_request();
    let mut pointers = Vec::new();
    places(&request, "", &mut pointers);
    for pointer in pointers {
        for edge in edges() {
            let mut request = request.clone();
            *request.pointer_mut(&pointer).unwrap() = edge;
            check(&request).unwrap();
        }
    }
}

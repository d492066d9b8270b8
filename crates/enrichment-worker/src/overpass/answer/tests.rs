//! Every recorded answer is understood.

use super::*;
use domain::InterestTheme;
use std::{fs, io::Read, path::Path};

fn recorded(folder: &str, file: &str) -> Vec<u8> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testbed/recordings/overpass"));
    let bytes = fs::read(root.join(folder).join(file)).unwrap();
    if !file.ends_with(".gz") {
        return bytes;
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
    plain
}

fn files(folder: &str) -> Vec<String> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testbed/recordings/overpass"));
    let names =
        fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn read(status: u16, body: impl Into<Vec<u8>>) -> Result<Answer, AnswerError> {
    Answer::read(&Raw { status, retry_after: None, body: body.into() })
}

/// Elements with tags and a place; those that were skipped.
fn counts(file: &str) -> (usize, usize) {
    let answer = read(200, recorded("responses", file)).unwrap();
    (answer.elements.len(), answer.skipped)
}

#[test]
fn every_recorded_response_is_read() {
    let expected = [
        ("center-feature.json", (1, 0)),
        // Ways that come as lists of nodes have no place.
        ("map.json", (1, 11)),
        ("meta.json", (1, 1)),
        ("node-01.json", (1, 0)),
        ("overpass-response-2.json.gz", (0, 617)),
        ("overpass-response-3.json.gz", (250, 534)),
        ("overpass-response-4.json.gz", (130, 287)),
        ("relation-03.json", (1, 0)),
        ("relation-04.json", (1, 0)),
        ("remark-runtime-error-01.json", (0, 0)),
        ("remark-runtime-remark-01.json", (0, 0)),
        ("result-way-01.json", (0, 1)),
        ("way_out_center.json", (1, 0)),
        ("way_out_geom.json", (1, 0)),
        ("way_out_tags.json", (0, 1)),
    ];
    assert_eq!(files("responses"), expected.map(|(file, _)| file.to_owned()));
    for (file, elements) in expected {
        if file == "remark-runtime-error-01.json" {
            let error = read(200, recorded("responses", file)).unwrap_err();
            assert!(matches!(&error, AnswerError::TooMuch(why) if why.contains("timed out")), "{error}");
        } else {
            assert_eq!(counts(file), elements, "{file}");
        }
    }
}

#[test]
fn a_remark_that_is_no_error_is_passed_on() {
    let answer = read(200, recorded("responses", "remark-runtime-remark-01.json")).unwrap();
    assert_eq!(answer.remark.as_deref(), Some("runtime remark: Test"));
    assert_eq!(answer.timestamp.unwrap().to_rfc3339(), "2017-03-17T22:05:02+00:00");
}

#[test]
fn the_middle_of_a_building_is_where_it_is() {
    let answer = read(200, recorded("responses", "way_out_center.json")).unwrap();
    let hall = &answer.elements[0];
    assert_eq!(
        (hall.id, hall.location),
        (PoiId::of(OsmKind::Way, 24_981_342), Coordinate::new(9.984_105_4, 53.541_249_1).unwrap())
    );
    let catalogue = ThemeCatalogue::bundled();
    let bounds = Bounds { min_lon: 9.9, min_lat: 53.5, max_lon: 10.0, max_lat: 53.6 };
    let places = |theme: &str, bounds| {
        answer.places(&catalogue, InterestTheme::id_of(theme), bounds, &PopularityScale::default())
    };
    let [hall] = &places("stage_and_screen", bounds)[..] else { panic!("one theatre") };
    assert_eq!(hall.poi.name.as_deref(), Some("Elbphilharmonie"));
    assert!(hall.poi.narrative.as_ref().unwrap().contains("Werner Kallmorgen"));
    assert!(places("cafes", bounds).is_empty());
    assert!(places("stage_and_screen", Bounds { max_lon: 9.95, ..bounds }).is_empty());
}

type Check = fn(&AnswerError) -> bool;

#[test]
fn every_recorded_error_is_understood() {
    let expected: [(&str, u16, Check); 11] = [
        (
            "bad-request.html",
            400,
            |error| matches!(error, AnswerError::NotUnderstood(why) if why.contains("parse error")),
        ),
        ("test_cutoff_json_error.json", 200, |error| *error == AnswerError::CutOff),
        (
            "test_exceeded_maxsize.json",
            200,
            |error| matches!(error, AnswerError::TooMuch(why) if why.contains("memory")),
        ),
        (
            "test_exceeded_timeout.json",
            200,
            |error| matches!(error, AnswerError::TooMuch(why) if why.contains("timed out")),
        ),
        (
            "test_no_message_error.html",
            200,
            |error| matches!(error, AnswerError::NotUnderstood(why) if why.contains("no word")),
        ),
        (
            "test_other_query_error.html",
            200,
            |error| matches!(error, AnswerError::Busy(why) if why.contains("open64")),
        ),
        (
            "test_other_query_error_remark.json",
            200,
            |error| matches!(error, AnswerError::Busy(why) if why.contains("expanded")),
        ),
        (
            "test_plaintext_server_error.txt",
            200,
            |error| matches!(error, AnswerError::Busy(why) if why.contains("down")),
        ),
        (
            "test_syntax_error.html",
            400,
            |error| matches!(error, AnswerError::NotUnderstood(why) if why.contains("Key expected")),
        ),
        (
            "test_too_busy.html",
            504,
            |error| matches!(error, AnswerError::Busy(why) if why.contains("too busy")),
        ),
        (
            "test_too_many_queries.html",
            429,
            |error| matches!(error, AnswerError::Busy(why) if why.contains("rate_limited")),
        ),
    ];
    assert_eq!(files("errors"), expected.map(|(file, ..)| file.to_owned()));
    for (file, status, is_right) in expected {
        let error = read(status, recorded("errors", file)).unwrap_err();
        assert!(is_right(&error), "{file}: {error}");
        // Whatever status a proxy made of it, it is no answer.
        assert!(read(200, recorded("errors", file)).is_err(), "{file}");
        assert_eq!(error.is_unwelcome(), !file.contains("exceeded"), "{file}");
    }
}

#[test]
fn one_bad_element_is_skipped_and_counted() {
    let good = r#"{"type": "node", "id": 7, "lat": 60.17, "lon": 24.94, "tags": {"amenity": "cafe"}}"#;
    let bad = [
        r#"{"type": "area", "id": 7, "tags": {}}"#,
        r#"{"type": "node", "id": -7, "lat": 60.17, "lon": 24.94, "tags": {}}"#,
        r#"{"type": "node", "id": 8, "lat": 95.0, "lon": 24.94, "tags": {"a": "b"}}"#,
        r#"{"type": "way", "id": 8, "tags": {"a": "b"}}"#,
        r#"{"type": "node", "id": 8, "lat": 60.0, "lon": 24.94, "tags": {"a": 1}}"#,
        "17",
    ];
    for bad in bad {
        let answer = read(200, format!(r#"{{"elements": [{bad}, {good}, {bad}]}}"#)).unwrap();
        assert_eq!((answer.elements.len(), answer.skipped), (1, 2), "{bad}");
    }
}

#[test]
fn numbers_that_cannot_be_are_not_believed() {
    let element =
        |numbers: &str| format!(r#"{{"elements": [{{"type": "way", {numbers}, "tags": {{"a": "b"}}}}]}}"#);
    let id = |id: &str| element(&format!(r#""id": {id}, "lat": 1, "lon": 1"#));
    let at = |lat: &str, lon: &str| element(&format!(r#""id": 1, "center": {{"lat": {lat}, "lon": {lon}}}"#));
    let bounds = |edge: &str| {
        element(&format!(
            r#""id": 1, "bounds": {{"minlat": 1, "minlon": {edge}, "maxlat": 1, "maxlon": {edge}}}"#
        ))
    };
    let wrong = [
        id("0"),
        id("2251799813685248"),
        id("9223372036854775807"),
        id("-9223372036854775808"),
        id("18446744073709551616"),
        id("1e3"),
        at("90.0000001", "0"),
        at("-1e308", "0"),
        at("0", "180.0000001"),
        at("null", "0"),
        bounds("1e308"),
    ];
    for wrong in wrong {
        let answer = read(200, wrong.as_str()).unwrap();
        assert_eq!((answer.elements.len(), answer.skipped), (0, 1), "{wrong}");
    }
    let largest = read(200, id("2251799813685247")).unwrap().elements[0].id;
    assert_eq!(largest.osm(), Some((OsmKind::Way, 2_251_799_813_685_247)));
}

#[test]
fn a_date_that_cannot_be_is_none() {
    let dated = |date: &str| {
        let answer = format!(r#"{{"osm3s": {{"timestamp_osm_base": "{date}"}}, "elements": []}}"#);
        read(200, answer).unwrap().timestamp
    };
    assert!(dated("2019-01-01T00:00:00Z").is_some());
    for date in [
        "2343-11-20T00:00:00Z",
        "+262142-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "-9999-01-01T00:00:00Z",
        "soon",
    ] {
        assert_eq!(dated(date), None, "{date}");
    }
}

#[test]
fn more_than_was_asked_for_is_too_much() {
    let element = r#"{"type": "node", "id": 1, "lat": 1, "lon": 1, "tags": {"a": "b"}}"#;
    let elements = |count: usize| format!(r#"{{"elements": [{}]}}"#, vec![element; count].join(","));
    assert_eq!(read(200, elements(5_000)).unwrap().elements.len(), 5_000);
    assert!(matches!(read(200, elements(5_001)), Err(AnswerError::TooMuch(_))));
    let tag = |chars: usize| {
        let value = "ä".repeat(chars);
        format!(
            r#"{{"elements": [{{"type": "node", "id": 1, "lat": 1, "lon": 1, "tags": {{"name": "{value}"}}}}]}}"#
        )
    };
    assert_eq!(read(200, tag(255)).unwrap().elements.len(), 1);
    assert_eq!(read(200, tag(256)).unwrap().skipped, 1);
}

#[test]
fn every_way_to_cut_an_answer_off_is_noticed() {
    let whole = String::from_utf8(recorded("responses", "way_out_center.json")).unwrap();
    let whole = whole.trim_end();
    for end in (1..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        assert_eq!(read(200, &whole[..end]), Err(AnswerError::CutOff), "{end}");
    }
}

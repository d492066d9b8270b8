use chrono::{DateTime, Utc};
use domain::{
    InterestTheme, OsmKind, Place, Poi, PoiId, PopularityScale, RequestId, SearchArea, Tags, ThemeCatalogue,
    ThemeId,
};
use std::time::Duration;
use store::{
    Doubt, Enrichment, EnrichmentClaim, Extract, Ingest, LearnError, Learnt, NewsOf, PutOff,
    claim_enrichment, due_enrichments, forget_untold, ingest, learn, mark_notified, poi_details,
    put_off_enrichment, refresh_enrichments, untold, want_enrichment,
};

use crate::stage::{LONG, Stage, at};

const NODE: fn(i64) -> PoiId = |id| PoiId::of(OsmKind::Node, id);

fn books() -> ThemeId {
    InterestTheme::id_of("books")
}

/// A rectangle around the places of these tests.
fn area() -> SearchArea {
    "12-2331-1185-2331-1185".parse().unwrap()
}

fn place(id: PoiId, metres: f64, tags: &[(&str, &str)]) -> Place {
    let tags: Tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let themes = ThemeCatalogue::bundled().themes_of(&tags);
    let location = at(24.9, 60.2 + metres / 111_195.0);
    Place {
        poi: Poi::from_tags(id, location, &tags, themes, &PopularityScale::default()),
        tags,
        also: vec![],
    }
}

fn library(id: i64, name: &str) -> Place {
    place(NODE(id), id as f64 * 300.0, &[("amenity", "library"), ("name", name)])
}

fn file(year: i32) -> Extract {
    let osm_timestamp: DateTime<Utc> = format!("{year}-01-01T00:00:00Z").parse().unwrap();
    Extract {
        name: "file".into(),
        bytes: 1,
        sha256: "00".into(),
        osm_timestamp: Some(osm_timestamp),
        attribution: "© all".into(),
    }
}

/// An extract that covers the area, of this year.
async fn extract(stage: &Stage, year: i32, pois: &[Place], left_out: &[ThemeId]) {
    let ring = [(24.0, 60.0), (26.0, 60.0), (26.0, 61.0), (24.0, 61.0), (24.0, 60.0)];
    let coverage = vec![vec![ring.map(|(lon, lat)| at(lon, lat)).to_vec()]];
    let ingested = Ingest {
        dataset: "town",
        coverage: &coverage,
        extract: &file(year),
        themes: &ThemeCatalogue::bundled(),
        pois,
        popularity: &PopularityScale::of([0.1, 0.2, 0.3]),
        left_out,
        cells: &[],
        started_at: Utc::now(),
    };
    ingest(&stage.database, &ingested).await.unwrap().finish().await.unwrap();
}

/// An answer of this year to a question that somebody asks.
async fn answer(stage: &Stage, year: i32, pois: &[Place]) -> Learnt {
    believed(stage, &file(year), pois).await.unwrap()
}

/// What becomes of an answer.
async fn believed(stage: &Stage, answer: &Extract, pois: &[Place]) -> Result<Learnt, LearnError> {
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    stage.sql("UPDATE enrichments SET due_at = now() - interval '1 second', lease_until = NULL").await;
    want_enrichment(&stage.database, wish.id, area(), &[books()]).await.unwrap();
    let claim = claim_enrichment(&stage.database, area(), books(), LONG).await.unwrap();
    let EnrichmentClaim::Granted(attempt) = claim else { panic!("{claim:?}") };
    let enrichment = Enrichment {
        area: area(),
        theme_id: books(),
        attempt,
        answer,
        pois,
        skipped: 0,
        started_at: Utc::now(),
    };
    learn(&stage.database, &enrichment).await.map(Option::unwrap)
}

async fn town(years: &[Place]) -> Stage {
    let stage = Stage::new().await;
    extract(&stage, 2020, years, &[]).await;
    stage
}

async fn known(stage: &Stage) -> String {
    stage.sql("SELECT string_agg(name || ' ' || split_part(dataset, '/', 1), ', ' ORDER BY name) FROM pois WHERE retired_at IS NULL").await
}

#[tokio::test]
async fn what_is_new_is_added_and_what_an_extract_tells_stays() {
    let stage = town(&[library(1, "Town Library")]).await;
    let versions = "SELECT count(DISTINCT data_version) FROM datasets";
    let learnt = answer(&stage, 2024, &[library(1, "Renamed Library"), library(2, "Branch Library")]).await;
    assert_eq!(learnt, Learnt { found: 2, added: 1, changed: true });
    assert_eq!(known(&stage).await, "Branch Library overpass, Town Library town");
    assert_eq!(stage.sql(versions).await, "2");
    let again = answer(&stage, 2025, &[library(1, "Town Library"), library(2, "Branch Library")]).await;
    assert_eq!((again.added, again.changed), (0, false));
}

#[tokio::test]
async fn what_a_later_answer_has_no_more_is_let_go() {
    let stage = town(&[library(1, "Town Library")]).await;
    answer(
        &stage,
        2024,
        &[library(1, "Town Library"), library(2, "Branch Library"), library(3, "Third Library")],
    )
    .await;
    answer(&stage, 2025, &[library(3, "Third Library")]).await;
    assert_eq!(known(&stage).await, "Third Library overpass, Town Library town");
}

#[tokio::test]
async fn an_answer_that_is_older_or_has_no_date_takes_nothing_away() {
    let stage = town(&[]).await;
    let places = [library(2, "Branch Library"), library(3, "Third Library")];
    answer(&stage, 2024, &places).await;
    let undated = Extract { osm_timestamp: None, ..file(2025) };
    for found in [&places[..0], &places[..1], &places] {
        let error = believed(&stage, &undated, found).await.unwrap_err();
        assert!(matches!(error, LearnError::Doubtful(Doubt::Undated)), "{error}");
        let error = believed(&stage, &file(2019), found).await.unwrap_err();
        assert!(matches!(error, LearnError::Doubtful(Doubt::Older { .. })), "{error}");
        assert_eq!(known(&stage).await, "Branch Library overpass, Third Library overpass");
        assert_eq!(stage.sql("SELECT status FROM enrichments").await, "wanted");
    }
    // As new as the one before is new enough.
    assert_eq!(answer(&stage, 2024, &places[1..]).await.found, 1);
    assert_eq!(known(&stage).await, "Third Library overpass");
}

#[tokio::test]
async fn an_answer_that_lacks_most_of_what_is_known_is_believed_the_second_time() {
    let stage = town(&[]).await;
    let places: Vec<Place> = (2..7).map(|id| library(id, &format!("Library {id}"))).collect();
    answer(&stage, 2024, &places).await;
    for few in [&places[..0], &places[..2]] {
        let error = believed(&stage, &file(2025), few).await.unwrap_err();
        let LearnError::Doubtful(Doubt::Smaller { kept, known: 5 }) = error else { panic!("{error}") };
        assert_eq!(kept, few.len());
        assert_eq!(stage.count("pois WHERE retired_at IS NULL").await, 5);
        // The next one has them all, so there was nothing to confirm.
        answer(&stage, 2025, &places).await;
    }
    believed(&stage, &file(2025), &[]).await.unwrap_err();
    assert_eq!(answer(&stage, 2025, &places[..1]).await.found, 1);
    assert_eq!(known(&stage).await, "Library 2 overpass");
    // What was confirmed confirms nothing else.
    answer(&stage, 2025, &places).await;
    believed(&stage, &file(2026), &[]).await.unwrap_err();
}

#[tokio::test]
async fn as_many_other_places_do_not_make_up_for_those_that_are_missing() {
    let stage = town(&[]).await;
    let places: Vec<Place> = (2..10).map(|id| library(id, &format!("Library {id}"))).collect();
    answer(&stage, 2024, &places[..4]).await;
    let error = believed(&stage, &file(2025), &places[4..]).await.unwrap_err();
    assert!(matches!(error, LearnError::Doubtful(Doubt::Smaller { kept: 0, known: 4 })), "{error}");
}

#[tokio::test]
async fn a_question_that_was_put_off_for_centuries_is_due() {
    let stage = town(&[]).await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    want_enrichment(&stage.database, wish.id, area(), &[books()]).await.unwrap();
    let EnrichmentClaim::Granted(attempt) =
        claim_enrichment(&stage.database, area(), books(), LONG).await.unwrap()
    else {
        panic!("not granted")
    };
    let centuries = Duration::from_secs(u64::MAX);
    let why = PutOff::NotOurTurn;
    put_off_enrichment(&stage.database, area(), books(), attempt, centuries, why).await.unwrap();
    assert_eq!(stage.sql("SELECT due_at <= now() + interval '1 day' FROM enrichments").await, "t");
    stage.sql("UPDATE enrichments SET due_at = '2343-01-01', published_at = now() - interval '1 hour'").await;
    assert_eq!(due_enrichments(&stage.database, 10).await.unwrap().len(), 1);
    let claim = claim_enrichment(&stage.database, area(), books(), LONG).await.unwrap();
    assert!(matches!(claim, EnrichmentClaim::Granted(_)), "{claim:?}");
}

#[tokio::test]
async fn a_place_that_is_known_as_another_element_is_not_added() {
    let building =
        place(PoiId::of(OsmKind::Way, 9), 20.0, &[("amenity", "library"), ("name", "TOWN library")]);
    let stage = town(&[place(NODE(1), 0.0, &[("amenity", "library"), ("name", "Town Library")])]).await;
    let learnt = answer(&stage, 2024, std::slice::from_ref(&building)).await;
    assert_eq!((learnt.found, learnt.added), (1, 0));
    // And the other way round: the extract finds that what was learnt stands for one of its places.
    let stage = town(&[]).await;
    assert_eq!(answer(&stage, 2024, std::slice::from_ref(&building)).await.added, 1);
    let mut library = place(NODE(1), 0.0, &[("amenity", "library"), ("name", "Town Library")]);
    library.also = vec![building.poi.id];
    extract(&stage, 2021, &[library], &[]).await;
    assert_eq!(known(&stage).await, "Town Library town");
}

#[tokio::test]
async fn a_newer_extract_has_the_last_word_and_an_older_one_has_not() {
    let stage = town(&[library(1, "Town Library")]).await;
    answer(&stage, 2024, &[library(2, "Branch Library"), library(3, "Third Library")]).await;
    extract(&stage, 2022, &[library(1, "Town Library")], &[]).await;
    assert_eq!(known(&stage).await, "Branch Library overpass, Third Library overpass, Town Library town");
    extract(&stage, 2025, &[library(1, "Town Library")], &[books()]).await;
    assert_eq!(known(&stage).await.matches("overpass").count(), 2, "books were left out of it");
    extract(&stage, 2026, &[library(1, "Town Library"), library(2, "Branch Library")], &[]).await;
    assert_eq!(known(&stage).await, "Branch Library town, Town Library town");
}

#[tokio::test]
async fn what_an_editor_wrote_is_kept_and_what_the_tags_told_is_not() {
    let stage = town(&[library(1, "Town Library"), library(2, "Branch Library")]).await;
    stage.sql(&format!("UPDATE pois SET narrative = 'Ask for the attic.' WHERE id = {}", NODE(1))).await;
    let renewed = [("amenity", "library"), ("name", "Branch Library"), ("start_date", "1908")];
    extract(&stage, 2021, &[library(1, "Town Library 2"), place(NODE(2), 600.0, &renewed)], &[]).await;
    let narratives = stage.sql("SELECT narrative FROM pois ORDER BY id").await;
    assert_eq!(narratives, "Ask for the attic.\nA library, dating from 1908.");
}

#[tokio::test]
async fn an_attempt_that_has_lost_its_row_writes_nothing() {
    let stage = town(&[]).await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    want_enrichment(&stage.database, wish.id, area(), &[books()]).await.unwrap();
    claim_enrichment(&stage.database, area(), books(), LONG).await.unwrap();
    let enrichment = Enrichment {
        area: area(),
        theme_id: books(),
        attempt: 7,
        answer: &file(2024),
        pois: &[library(2, "Branch Library")],
        skipped: 0,
        started_at: Utc::now(),
    };
    assert_eq!(learn(&stage.database, &enrichment).await.unwrap(), None);
    assert_eq!(known(&stage).await, "");
    assert_eq!(stage.count("datasets WHERE theme_id IS NOT NULL").await, 0);
}

#[tokio::test]
async fn the_same_is_wanted_once_and_everybody_who_wanted_it_is_told() {
    let stage = town(&[]).await;
    let (walker, mut wishes) = (stage.walker().await, Vec::<RequestId>::new());
    let mut jobs = 0;
    for _ in 0..3 {
        let wish = stage.accepted(walker).await;
        jobs += want_enrichment(&stage.database, wish.id, area(), &[books()]).await.unwrap().len();
        wishes.push(wish.id);
    }
    assert_eq!(jobs, 1);
    let claim = || claim_enrichment(&stage.database, area(), books(), LONG);
    assert_eq!(claim().await.unwrap(), EnrichmentClaim::Granted(1));
    assert_eq!(claim().await.unwrap(), EnrichmentClaim::NotNow);
    let enrichment = Enrichment {
        area: area(),
        theme_id: books(),
        attempt: 1,
        answer: &file(2024),
        pois: &[library(2, "Branch Library")],
        skipped: 0,
        started_at: Utc::now(),
    };
    learn(&stage.database, &enrichment).await.unwrap().unwrap();
    assert_eq!(claim().await.unwrap(), EnrichmentClaim::Over);
    let all = NewsOf::Enrichment(area(), books());
    assert!(untold(&stage.database, all).await.unwrap().is_empty(), "nobody has their walk yet");
    stage.sql("UPDATE route_requests SET status = 'complete'").await;
    assert!(untold(&stage.database, all).await.unwrap().is_empty(), "nobody has heard of their walk yet");
    for wish in &wishes {
        mark_notified(&stage.database, *wish).await.unwrap();
    }
    assert_eq!(untold(&stage.database, all).await.unwrap().len(), 3);
    // Whoever should tell them has some seconds to do so.
    assert!(untold(&stage.database, NewsOf::Overdue).await.unwrap().is_empty());
    stage.sql("UPDATE route_requests SET notified_at = notified_at - interval '6 seconds'").await;
    stage.sql("UPDATE enrichments SET finished_at = finished_at - interval '6 seconds'").await;
    assert_eq!(untold(&stage.database, NewsOf::Overdue).await.unwrap().len(), 3);
    let own = untold(&stage.database, NewsOf::Request(wishes[0])).await.unwrap();
    assert_eq!(own.iter().map(|news| (news.request_id, news.added)).collect::<Vec<_>>(), [(wishes[0], 1)]);
    // Known well enough: the next one is answered from what there is, also in a part of the area.
    let wish = stage.accepted(walker).await;
    assert!(want_enrichment(&stage.database, wish.id, area(), &[books()]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_stale_is_wanted_again_while_walkers_ask_for_it() {
    let stage = town(&[]).await;
    answer(&stage, 2024, &[library(2, "Branch Library")]).await;
    assert_eq!(refresh_enrichments(&stage.database, 10).await.unwrap(), 0, "it is fresh");
    let status = || stage.sql("SELECT status FROM enrichments");
    stage.sql("UPDATE enrichments SET due_at = now(), wanted_at = now() - interval '91 days'").await;
    assert_eq!(refresh_enrichments(&stage.database, 10).await.unwrap(), 0, "nobody asks for it");
    assert_eq!(status().await, "done");
    stage.sql("UPDATE enrichments SET wanted_at = now() - interval '89 days'").await;
    assert_eq!(refresh_enrichments(&stage.database, 10).await.unwrap(), 1);
    assert_eq!(status().await, "wanted");
    assert_eq!(due_enrichments(&stage.database, 10).await.unwrap().len(), 1);
    assert_eq!(due_enrichments(&stage.database, 10).await.unwrap(), [], "its job is on its way");
}

#[tokio::test]
async fn who_was_not_told_within_an_hour_is_not_waiting_any_more() {
    let stage = town(&[]).await;
    answer(&stage, 2024, &[library(2, "Branch Library")]).await;
    assert_eq!(forget_untold(&stage.database, 1, 10).await.unwrap(), 0);
    stage.sql("UPDATE enrichments SET finished_at = now() - interval '61 minutes'").await;
    assert_eq!(forget_untold(&stage.database, 1, 10).await.unwrap(), 1);
    assert_eq!(stage.count("enrichment_requests").await, 0);
}

#[tokio::test]
async fn opening_hours_are_kept() {
    let open = |id: i64, hours| {
        let tags = [("amenity", "library"), ("name", "Library"), ("opening_hours", hours)];
        place(NODE(id), id as f64 * 300.0, &tags)
    };
    let stage = town(&[open(1, "Mo-Fr 10:00-18:00")]).await;
    answer(&stage, 2024, &[open(2, "24/7; PH off")]).await;
    for (id, hours) in [(1, "Mo-Fr 10:00-18:00"), (2, "24/7; PH off")] {
        let tags = poi_details(&stage.database, NODE(id)).await.unwrap().unwrap().tags;
        assert_eq!(tags.get("opening_hours").map(String::as_str), Some(hours));
    }
}

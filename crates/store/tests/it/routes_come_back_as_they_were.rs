use domain::{LineString, RequestStatus, RouteId, UserId};
use store::{Release, RouteCursor, RouteSummary, Saving, release, routes_of, set_saved};
use uuid::Uuid;

use crate::stage::{Stage, Wish, at, route};

#[tokio::test]
async fn a_path_comes_back_bit_for_bit() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    // A sequence that fills all bits of a float's fraction.
    let odd = |n: u32, most: f64| ((f64::from(n) * std::f64::consts::PI).sin() * most).clamp(-most, most);
    let mut coordinates: Vec<_> = (1..500).map(|n| at(odd(n, 180.0), odd(n * 7, 90.0))).collect();
    coordinates.extend([at(180.0, 90.0), at(-180.0, -90.0), at(0.0, 0.0), at(5e-324, 0.1 + 0.2)]);
    let walk = domain::Route { path: LineString { coordinates }, ..route(&[]) };
    let wish = stage.completed(walker, &walk).await;
    let found = store::route(&stage.database, walker, wish.route_id).await.unwrap().unwrap().route.unwrap();
    let bits = |walk: &domain::Route| {
        let pairs = walk.path.coordinates.iter().map(|at| (at.lon().to_bits(), at.lat().to_bits()));
        pairs.collect::<Vec<_>>()
    };
    assert_eq!(bits(&found), bits(&walk));
}

#[tokio::test]
async fn everything_else_of_a_route_comes_back_too() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let walk = domain::Route { ascent_m: Some(12.3), ..route(&stage.places(&[4, 9, 14]).await) };
    let wish = stage.completed(walker, &walk).await;
    let state = store::route(&stage.database, walker, wish.route_id).await.unwrap().unwrap();
    assert_eq!(state.route, Some(walk));
    assert_eq!((state.request, state.status), (wish.request, RequestStatus::Complete));
    assert!(!state.saved && state.error.is_none());
}

#[tokio::test]
async fn a_route_can_be_asked_for_before_it_is_there() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    let state = async || store::route(&stage.database, walker, wish.route_id).await.unwrap().unwrap();
    assert_eq!(state().await.status, RequestStatus::Pending);
    stage.granted(wish.id).await;
    assert_eq!(state().await.status, RequestStatus::InProgress);
    store::fail(&stage.database, wish.id, 1, "There is no street.").await.unwrap().unwrap();
    let failed = state().await;
    assert_eq!(
        (failed.status, failed.error.as_deref()),
        (RequestStatus::Failed, Some("There is no street."))
    );
    assert!(failed.route.is_none());
}

#[tokio::test]
async fn somebody_elses_route_is_as_good_as_none() {
    let stage = Stage::new().await;
    let (ours, theirs) = (stage.walker().await, stage.walker().await);
    let wish = stage.completed(ours, &route(&[])).await;
    assert!(store::route(&stage.database, theirs, wish.route_id).await.unwrap().is_none());
    assert!(store::route(&stage.database, ours, RouteId(Uuid::now_v7())).await.unwrap().is_none());
    let pinning = set_saved(&stage.database, theirs, wish.route_id, true, 500).await.unwrap();
    assert_eq!(pinning, Saving::NoRoute);
    assert!(!store::route(&stage.database, ours, wish.route_id).await.unwrap().unwrap().saved);
    assert!(routes_of(&stage.database, theirs, false, None, 10).await.unwrap().is_empty());
}

/// All routes of a walker, asked for in pages.
async fn page_by_page(stage: &Stage, walker: UserId, only_saved: bool, limit: i64) -> Vec<RouteSummary> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = routes_of(&stage.database, walker, only_saved, after, limit).await.unwrap();
        assert!(page.len() <= limit as usize);
        let Some(last) = page.last() else { return all };
        after = Some(RouteCursor { created_at: last.created_at, route_id: last.route_id });
        all.extend(page);
    }
}

#[tokio::test]
async fn pages_have_no_gaps_and_no_repeats_although_many_routes_are_equally_old() {
    let stage = Stage::new().await;
    let (walker, other) = (stage.walker().await, stage.walker().await);
    let mut made = Vec::new();
    for _ in 0..23 {
        made.push(stage.completed(walker, &route(&[])).await.route_id);
    }
    stage.completed(other, &route(&[])).await;
    stage.accepted(walker).await;
    // Two moments, a microsecond apart.
    stage
        .sql(
            "UPDATE routes SET created_at = '2026-05-01 12:00:00.123456Z'::timestamptz
             + interval '1 microsecond' * (get_byte(uuid_send(id), 15) % 2)",
        )
        .await;
    made.sort_unstable();
    for limit in [1, 5, 23, 50] {
        let listed = page_by_page(&stage, walker, false, limit).await;
        let in_order =
            |a: &RouteSummary, b: &RouteSummary| (a.created_at, a.route_id) > (b.created_at, b.route_id);
        assert!(listed.is_sorted_by(in_order), "pages of {limit}");
        let mut ids: Vec<RouteId> = listed.iter().map(|summary| summary.route_id).collect();
        ids.sort_unstable();
        assert_eq!(ids, made, "pages of {limit}");
    }
}

#[tokio::test]
async fn a_line_of_the_list_tells_what_the_route_is() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let walk = route(&stage.places(&[4, 9]).await);
    let wish = stage.completed(walker, &walk).await;
    let [line] = &routes_of(&stage.database, walker, false, None, 10).await.unwrap()[..] else {
        panic!("not one line")
    };
    assert_eq!((line.route_id, line.request_id), (wish.route_id, wish.id));
    assert_eq!((line.distance_m, line.duration_s, line.stop_count), (walk.distance_m, 3_540, 2));
    assert_eq!(line.params, serde_json::to_value(&wish.request).unwrap());
    assert!(!line.saved);
}

#[tokio::test]
async fn pinned_routes_are_listed_by_themselves() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(stage.completed(walker, &route(&[])).await.route_id);
    }
    for pinned in [made[1], made[3]] {
        set_saved(&stage.database, walker, pinned, true, 500).await.unwrap();
    }
    let listed = page_by_page(&stage, walker, true, 1).await;
    assert!(listed.iter().all(|summary| summary.saved));
    assert_eq!(listed.iter().map(|summary| summary.route_id).collect::<Vec<_>>(), [made[3], made[1]]);
    set_saved(&stage.database, walker, made[3], false, 500).await.unwrap();
    assert_eq!(page_by_page(&stage, walker, true, 1).await.len(), 1);
    assert_eq!(page_by_page(&stage, walker, false, 10).await.len(), 5);
}

#[tokio::test]
async fn the_cached_copy_stays_pinned_while_anybody_has_it_pinned() {
    let stage = Stage::new().await;
    let (walker, other) = (stage.walker().await, stage.walker().await);
    let ours = stage.completed(walker, &route(&[])).await;
    let theirs = stage.completed(other, &route(&[])).await;
    let pin =
        async |wish: &Wish, saved| match set_saved(&stage.database, wish.user_id, wish.route_id, saved, 500)
            .await
            .unwrap()
        {
            Saving::Done { cache_key, still_saved } if cache_key == wish.cache_key => still_saved,
            other => panic!("not pinned: {other:?}"),
        };
    assert!(pin(&ours, true).await && pin(&theirs, true).await);
    assert!(pin(&ours, false).await);
    assert!(!pin(&theirs, false).await);
    // What is let go already may be let go again.
    assert!(!pin(&theirs, false).await);
}

#[tokio::test]
async fn pinning_again_does_not_change_when_it_was_pinned() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wish = stage.completed(walker, &route(&[])).await;
    let when = async || {
        set_saved(&stage.database, walker, wish.route_id, true, 500).await.unwrap();
        stage.sql("SELECT saved_at FROM routes").await
    };
    assert_eq!(when().await, when().await);
    assert!(store::route(&stage.database, walker, wish.route_id).await.unwrap().unwrap().saved);
}

#[tokio::test]
async fn only_a_complete_route_can_be_pinned() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let wish = stage.accepted(walker).await;
    let pinned = async || set_saved(&stage.database, walker, wish.route_id, true, 500).await.unwrap();
    assert_eq!(pinned().await, Saving::NotComplete);
    let attempt = stage.granted(wish.id).await.number;
    release(&stage.database, wish.id, attempt, Release::Passing).await.unwrap().unwrap();
    assert_eq!(pinned().await, Saving::NotComplete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walker_may_save_so_many_routes_and_no_more_however_many_they_save_at_once() {
    let stage = Stage::new().await;
    let (walker, other, places) = (stage.walker().await, stage.walker().await, stage.places(&[4]).await);
    let mut made = Vec::new();
    for _ in 0..8 {
        made.push(stage.completed(walker, &route(&places)).await.route_id);
    }
    let theirs = stage.completed(other, &route(&places)).await.route_id;
    let mut saving = tokio::task::JoinSet::new();
    for id in made.clone() {
        let stage = stage.clone();
        saving.spawn(async move { set_saved(&stage.database, walker, id, true, 3).await.unwrap() });
    }
    let saved = saving.join_all().await;
    let done = saved.iter().filter(|saving| matches!(saving, Saving::Done { .. })).count();
    assert_eq!((done, saved.iter().filter(|saving| **saving == Saving::TooMany).count()), (3, 5));
    assert_eq!(stage.count("routes WHERE saved_at IS NOT NULL").await, 3);
    // What is saved may be saved again, one that is let go makes room, and others have a count of their own.
    let first = stage.sql("SELECT id FROM routes WHERE saved_at IS NOT NULL LIMIT 1").await.parse().unwrap();
    let set = async |user, id, saved| set_saved(&stage.database, user, id, saved, 3).await.unwrap();
    assert!(matches!(set(walker, first, true).await, Saving::Done { .. }));
    assert!(matches!(set(walker, first, false).await, Saving::Done { .. }));
    let unsaved = *made.iter().find(|id| **id != first).unwrap();
    stage.sql(&format!("UPDATE routes SET saved_at = NULL WHERE id = '{unsaved}'")).await;
    assert!(matches!(set(walker, unsaved, true).await, Saving::Done { .. }));
    assert!(matches!(set(other, theirs, true).await, Saving::Done { .. }));
}

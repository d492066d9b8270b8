use domain::{Accessibility, InterestTheme, RouteRequest, ThemeCatalogue, ThemeId, UserId};
use store::{InterestsChange, interest_themes, set_interests, sync_themes, user};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::Stage;

/// A database that knows the bundled themes, and their ids, sorted.
async fn with_themes() -> (Stage, Vec<ThemeId>) {
    let stage = Stage::new().await;
    let catalogue = ThemeCatalogue::bundled();
    sync_themes(&stage.database, &catalogue).await.unwrap();
    let mut ids: Vec<ThemeId> = catalogue.themes().iter().map(|theme| theme.id).collect();
    ids.sort_unstable();
    (stage, ids)
}

#[tokio::test]
async fn a_change_replaces_all_interests_and_raises_the_revision() {
    let (stage, themes) = with_themes().await;
    let walker = stage.walker().await;
    let profile = async || user(&stage.database, walker).await.unwrap();
    assert_eq!((profile().await.revision, profile().await.interest_theme_ids), (1, vec![]));
    for (wanted, expected_revision) in [(&themes[..3], Some(1)), (&themes[2..5], None), (&[], Some(3))] {
        let change = set_interests(&stage.database, walker, wanted, expected_revision).await.unwrap();
        assert!(matches!(change, InterestsChange::Done { .. }), "{change:?}");
        assert_eq!(profile().await.interest_theme_ids, wanted);
    }
    assert_eq!(profile().await.revision, 4);
}

#[tokio::test]
async fn a_change_of_an_older_profile_is_a_lost_update() {
    let (stage, themes) = with_themes().await;
    let walker = stage.walker().await;
    set_interests(&stage.database, walker, &themes[..1], Some(1)).await.unwrap();
    for seen in [0, 1, 3] {
        let change = set_interests(&stage.database, walker, &themes[1..], Some(seen)).await.unwrap();
        assert_eq!(change, InterestsChange::LostUpdate(2));
    }
    let profile = user(&stage.database, walker).await.unwrap();
    assert_eq!((profile.revision, &profile.interest_theme_ids[..]), (2, &themes[..1]));
}

#[tokio::test]
async fn unknown_and_retired_themes_are_named_and_nothing_is_changed() {
    let (stage, themes) = with_themes().await;
    let walker = stage.walker().await;
    set_interests(&stage.database, walker, &themes[..2], None).await.unwrap();
    stage.sql(&format!("UPDATE interest_themes SET retired_at = now() WHERE id = '{}'", themes[4])).await;
    let unknown = InterestTheme::id_of("no_such_theme");
    let wanted = [themes[3], unknown, themes[4]];
    let change = set_interests(&stage.database, walker, &wanted, Some(2)).await.unwrap();
    assert_eq!(change, InterestsChange::UnknownThemes(vec![unknown, themes[4]]));
    let profile = user(&stage.database, walker).await.unwrap();
    assert_eq!((profile.revision, &profile.interest_theme_ids[..]), (2, &themes[..2]));
}

#[tokio::test]
async fn the_first_change_writes_the_walker() {
    let (stage, themes) = with_themes().await;
    let walker = UserId(Uuid::now_v7());
    assert_eq!(user(&stage.database, walker).await.unwrap().revision, 1);
    // What is refused writes nothing.
    let lost = set_interests(&stage.database, walker, &themes[..1], Some(7)).await.unwrap();
    assert_eq!(lost, InterestsChange::LostUpdate(1));
    assert_eq!(stage.count("users").await, 0);
    let change = set_interests(&stage.database, walker, &themes[..1], Some(1)).await.unwrap();
    assert_eq!(change, InterestsChange::Done { signed_up: true });
    let again = set_interests(&stage.database, walker, &themes, Some(2)).await.unwrap();
    assert_eq!(again, InterestsChange::Done { signed_up: false });
    assert_eq!((user(&stage.database, walker).await.unwrap().revision, stage.count("users").await), (3, 1));
}

/// Ten changes at once; how each went.
async fn all_at_once(
    stage: &Stage,
    walker: UserId,
    themes: &[ThemeId],
    expected: Option<i64>,
) -> Vec<InterestsChange> {
    let mut changes = JoinSet::new();
    for pair in themes.windows(2).take(10) {
        let (stage, pair) = (stage.clone(), pair.to_vec());
        changes.spawn(async move { set_interests(&stage.database, walker, &pair, expected).await.unwrap() });
    }
    changes.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_of_the_same_profile_one_is_done() {
    let (stage, themes) = with_themes().await;
    let walker = stage.walker().await;
    let changes = all_at_once(&stage, walker, &themes, Some(1)).await;
    assert_eq!(changes.iter().filter(|change| matches!(change, InterestsChange::Done { .. })).count(), 1);
    assert_eq!(changes.iter().filter(|change| **change == InterestsChange::LostUpdate(2)).count(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_once_do_not_mix() {
    let (stage, themes) = with_themes().await;
    let walker = stage.walker().await;
    let changes = all_at_once(&stage, walker, &themes, None).await;
    assert!(changes.iter().all(|change| matches!(change, InterestsChange::Done { .. })));
    let profile = user(&stage.database, walker).await.unwrap();
    assert_eq!(profile.revision, 11);
    assert!(themes.windows(2).any(|pair| pair == profile.interest_theme_ids), "{profile:?}");
}

#[tokio::test]
async fn a_profile_remembers_what_the_latest_wish_needed() {
    let stage = Stage::new().await;
    let walker = stage.walker().await;
    let profile = async || user(&stage.database, walker).await.unwrap();
    assert_eq!(profile().await.popularity_bias, RouteRequest::DEFAULT_POPULARITY_BIAS);
    assert_eq!(profile().await.accessibility, Accessibility::default());
    stage.accepted(walker).await;
    assert_eq!(profile().await.popularity_bias, 0.7);
    assert!(profile().await.accessibility.avoid_stairs);
}

#[tokio::test(flavor = "multi_thread")]
async fn themes_may_be_synced_by_several_at_once_and_swap_their_names() {
    let stage = Stage::new().await;
    let catalogue = |first: &str, second: &str| {
        ThemeCatalogue::parse(&format!(
            "themes:\n- {{key: a, name: {first}, description: d, icon: i, rules: [{{shop: art}}]}}\n\
             - {{key: b, name: {second}, description: d, icon: i, rules: [{{shop: art}}]}}"
        ))
        .unwrap()
    };
    let names = async || {
        let themes = interest_themes(&stage.database).await.unwrap();
        themes.into_iter().map(|theme| theme.name).collect::<Vec<_>>()
    };
    sync_themes(&stage.database, &catalogue("Art", "Beer")).await.unwrap();
    assert_eq!(names().await, ["Art", "Beer"]);
    let mut syncs = JoinSet::new();
    for _ in 0..4 {
        let (stage, swapped) = (stage.clone(), catalogue("Beer", "Art"));
        syncs.spawn(async move { sync_themes(&stage.database, &swapped).await.unwrap() });
    }
    syncs.join_all().await;
    assert_eq!(names().await, ["Beer", "Art"]);
}

use std::time::Duration;

use store::{OVERPASS_AT_ONCE, OverpassBudget, Turn, TurnEnd, budget_left, end_turn, take_turn};

use crate::stage::{LONG, Stage};

const PLENTY: OverpassBudget = OverpassBudget { requests: 1_000, bytes: 1_000_000, largest_answer: 1_000 };

async fn turn(stage: &Stage, budget: OverpassBudget) -> Option<i64> {
    match take_turn(&stage.database, budget, LONG).await.unwrap() {
        Turn::Granted(turn) => Some(turn),
        Turn::Wait(_) => None,
    }
}

async fn wait(stage: &Stage, budget: OverpassBudget) -> Duration {
    match take_turn(&stage.database, budget, LONG).await.unwrap() {
        Turn::Granted(_) => panic!("granted"),
        Turn::Wait(wait) => wait,
    }
}

async fn end(stage: &Stage, turn: i64, end: TurnEnd) -> Duration {
    end_turn(&stage.database, turn, PLENTY, 0, end).await.unwrap()
}

const UNWELCOME: TurnEnd = TurnEnd::Unwelcome { retry_after: None };

#[tokio::test]
async fn only_two_ask_at_once_and_one_who_dies_frees_its_place() {
    let stage = Stage::new().await;
    let together = (0..20).map(|_| turn(&stage, PLENTY));
    let turns: Vec<i64> = futures_util::future::join_all(together).await.into_iter().flatten().collect();
    assert_eq!(turns.len() as i64, OVERPASS_AT_ONCE);
    end(&stage, turns[0], TurnEnd::Answered).await;
    assert!(turn(&stage, PLENTY).await.is_some());
    assert!(turn(&stage, PLENTY).await.is_none());
    stage.sql("UPDATE overpass_turns SET until = now() - interval '1 second'").await;
    assert!(turn(&stage, PLENTY).await.is_some());
}

#[tokio::test]
async fn the_budget_is_never_overdrawn_and_new_every_day() {
    let stage = Stage::new().await;
    let few = OverpassBudget { requests: 5, ..PLENTY };
    for _ in 0..5 {
        let turn = turn(&stage, few).await.unwrap();
        end(&stage, turn, TurnEnd::Answered).await;
    }
    assert!(wait(&stage, few).await <= Duration::from_secs(24 * 3600));
    assert_eq!(budget_left(&stage.database, few).await.unwrap().0, 0);
    stage.sql("UPDATE overpass SET day = day - 1").await;
    assert_eq!(budget_left(&stage.database, few).await.unwrap().0, 5);
    assert!(turn(&stage, few).await.is_some());
}

#[tokio::test]
async fn bytes_are_set_aside_before_they_are_read() {
    let stage = Stage::new().await;
    let small = OverpassBudget { bytes: 1_500, ..PLENTY };
    let first = turn(&stage, small).await.unwrap();
    assert!(turn(&stage, small).await.is_none(), "both answers might be of the largest size");
    end_turn(&stage.database, first, small, 400, TurnEnd::Answered).await.unwrap();
    assert_eq!(budget_left(&stage.database, small).await.unwrap().1, 1_100);
    assert!(turn(&stage, small).await.is_some());
    // One whose asker died counts as read.
    stage.sql("DELETE FROM overpass_turns").await;
    assert!(turn(&stage, small).await.is_none());
}

#[tokio::test]
async fn after_a_failure_all_pause_for_longer_and_longer_or_as_long_as_asked() {
    let stage = Stage::new().await;
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let turn = turn(&stage, PLENTY).await.unwrap();
        pauses.push(end(&stage, turn, UNWELCOME).await);
        assert!(wait(&stage, PLENTY).await > Duration::ZERO);
        stage.sql("UPDATE overpass SET paused_until = '-infinity'").await;
    }
    assert!(pauses.windows(2).all(|pair| pair[1] > pair[0]), "{pauses:?}");
    let turn_taken = turn(&stage, PLENTY).await.unwrap();
    let asked = TurnEnd::Unwelcome { retry_after: Some(Duration::from_secs(5_000)) };
    assert!(end(&stage, turn_taken, asked).await > Duration::from_secs(4_990));
}

#[tokio::test]
async fn after_many_failures_one_at_a_time_looks_whether_the_api_is_back() {
    let stage = Stage::new().await;
    stage.sql("UPDATE overpass SET failures = 5").await;
    let probe = turn(&stage, PLENTY).await.unwrap();
    assert!(turn(&stage, PLENTY).await.is_none());
    end(&stage, probe, TurnEnd::Answered).await;
    assert!(turn(&stage, PLENTY).await.is_some());
    assert!(turn(&stage, PLENTY).await.is_some());
}

use std::time::Duration;

use store::{
    OVERPASS_AT_ONCE, OVERPASS_MAX_PAUSE, OverpassBudget, OverpassState, Turn, TurnEnd, budget_left,
    end_turn, overpass_state, resume_overpass, take_turn,
};

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
}

/// Lets the askers of all open turns have died.
async fn crash(stage: &Stage) {
    stage.sql("UPDATE overpass_turns SET until = now() - interval '1 second'").await;
}

#[tokio::test]
async fn crashes_do_not_use_up_the_day() {
    let stage = Stage::new().await;
    let day = OverpassBudget { requests: 1_000, bytes: 32_000, largest_answer: 1_000 };
    for crashes in 0..100 {
        assert!(turn(&stage, day).await.is_some(), "nobody is asked after {crashes} crashes");
        crash(&stage).await;
    }
    let asked = turn(&stage, day).await.unwrap();
    assert_eq!(budget_left(&stage.database, day).await.unwrap(), (899, 31_000), "one is under way");
    end_turn(&stage.database, asked, day, 40, TurnEnd::Answered).await.unwrap();
    assert_eq!(budget_left(&stage.database, day).await.unwrap(), (899, 31_960));
}

#[tokio::test]
async fn a_crash_costs_what_a_turn_of_the_day_costs() {
    let stage = Stage::new().await;
    let left = async || budget_left(&stage.database, PLENTY).await.unwrap().1;
    for bytes in [100, 300] {
        let turn = turn(&stage, PLENTY).await.unwrap();
        end_turn(&stage.database, turn, PLENTY, bytes, TurnEnd::Answered).await.unwrap();
    }
    for crashes in 1..=5 {
        turn(&stage, PLENTY).await.unwrap();
        crash(&stage).await;
        let settling = turn(&stage, PLENTY).await.unwrap();
        end_turn(&stage.database, settling, PLENTY, 200, TurnEnd::Answered).await.unwrap();
        assert_eq!(left().await, 1_000_000 - 400 - crashes * 400, "{crashes}");
    }
    // One who was only slow is charged once.
    let slow = turn(&stage, PLENTY).await.unwrap();
    crash(&stage).await;
    let next = turn(&stage, PLENTY).await.unwrap();
    end_turn(&stage.database, slow, PLENTY, 200, TurnEnd::Answered).await.unwrap();
    end_turn(&stage.database, next, PLENTY, 0, TurnEnd::Answered).await.unwrap();
    assert_eq!(left().await, 1_000_000 - 400 - 5 * 400 - 200);
}

#[tokio::test]
async fn a_turn_of_yesterday_is_not_charged_to_today() {
    let stage = Stage::new().await;
    let early = turn(&stage, PLENTY).await.unwrap();
    end_turn(&stage.database, early, PLENTY, 500, TurnEnd::Answered).await.unwrap();
    turn(&stage, PLENTY).await.unwrap();
    stage.sql("UPDATE overpass SET day = day - 1; UPDATE overpass_turns SET day = day - 1").await;
    crash(&stage).await;
    let first = turn(&stage, PLENTY).await.unwrap();
    end_turn(&stage.database, first, PLENTY, 7, TurnEnd::Answered).await.unwrap();
    assert_eq!(budget_left(&stage.database, PLENTY).await.unwrap(), (999, 999_993));
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
async fn no_pause_is_longer_than_the_longest() {
    let stage = Stage::new().await;
    for asked in [9_999_999_999, u64::MAX] {
        let turn = turn(&stage, PLENTY).await.unwrap();
        let asked = TurnEnd::Unwelcome { retry_after: Some(Duration::from_secs(asked)) };
        assert_eq!(end(&stage, turn, asked).await, OVERPASS_MAX_PAUSE);
        stage.sql("UPDATE overpass SET paused_until = '-infinity'").await;
    }
}

#[tokio::test]
async fn a_pause_of_centuries_that_was_noted_earlier_is_healed() {
    let stage = Stage::new().await;
    for until in ["2343-01-01", "infinity"] {
        stage.sql(&format!("UPDATE overpass SET paused_until = '{until}'")).await;
        assert_eq!(overpass_state(&stage.database).await.unwrap().pause, OVERPASS_MAX_PAUSE, "{until}");
        assert_eq!(wait(&stage, PLENTY).await, OVERPASS_MAX_PAUSE, "{until}");
        let noted = stage.sql("SELECT paused_until <= now() + interval '1 day' FROM overpass").await;
        assert_eq!(noted, "t", "{until}");
    }
}

#[tokio::test]
async fn an_operator_sees_how_we_stand_and_ends_a_pause() {
    let stage = Stage::new().await;
    let failed = turn(&stage, PLENTY).await.unwrap();
    turn(&stage, PLENTY).await.unwrap();
    end_turn(&stage.database, failed, PLENTY, 30, UNWELCOME).await.unwrap();
    let state = overpass_state(&stage.database).await.unwrap();
    assert!(!state.pause.is_zero());
    let pause = Duration::ZERO;
    let expected = OverpassState { requests: 2, bytes: 30, open_turns: 1, failures: 1, pause, waiting: 0 };
    assert_eq!(OverpassState { pause, ..state }, expected);
    resume_overpass(&stage.database).await.unwrap();
    assert_eq!(overpass_state(&stage.database).await.unwrap(), OverpassState { failures: 0, ..expected });
    assert!(turn(&stage, PLENTY).await.is_some());
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

use domain::{Refusal, ThemeCatalogue};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use testbed::{
    Options, Role, StatusCode, System, Walker,
    walk_checker::{Report, Summary, WalkChecker},
    workspace,
};
use tokio::time::{Instant, sleep};

const WISHES: u32 = 220;
const WEST_SOUTH: [f64; 2] = [24.9352, 60.1642];
const EAST_NORTH: [f64; 2] = [24.9534, 60.1791];

/// Numbers that look random and are the same in every run: SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn point(&mut self) -> Value {
        let [lon, lat] = [0, 1].map(|axis| {
            let (low, high) = (WEST_SOUTH[axis], EAST_NORTH[axis]);
            ((low + (high - low) * self.share()) * 1e6).round() / 1e6
        });
        json!({"type": "Point", "coordinates": [lon, lat]})
    }
}

/// A wish of every kind: all flags, all themes, short and long, loops and ways from here to there.
fn wish(number: u32) -> Value {
    let mut dice = Dice(u64::from(number));
    let minutes = match number % 20 {
        7 => 5,
        13 => 480,
        _ => 10 + dice.below(231),
    };
    let mut themes: Vec<_> = ThemeCatalogue::bundled().themes().iter().map(|theme| theme.id).collect();
    let chosen: Vec<_> =
        (0..=dice.below(5)).map(|_| themes.swap_remove(dice.below(themes.len() as u64) as usize)).collect();
    let mut wish = json!({
        "start_location": dice.point(),
        "duration_minutes": minutes,
        "interest_theme_ids": chosen,
        "popularity_bias": (dice.share() * 100.0).round() / 100.0,
        "accessibility": {"avoid_stairs": number % 2 == 1, "prefer_well_lit": number / 2 % 2 == 1},
        "seed": number,
    });
    if number % 3 == 2 {
        let (day, hour, minute) = (1 + dice.below(28), dice.below(24), dice.below(60));
        wish["start_time"] = json!(format!("2026-06-{day:02}T{hour:02}:{minute:02}"));
    }
    if number / 4 % 4 == 3 {
        wish["end_location"] = dice.point();
    }
    wish
}

/// Asks, and waits until there is an end to it.
async fn ask(walker: &Walker, wish: &Value) -> Value {
    let (status, accepted) = walker.post_route(wish).await.unwrap();
    assert!(status.is_success(), "{wish} was answered with {status}: {accepted}");
    let route_id = accepted["route_id"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let (status, route) = walker.get_route(&route_id).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{route}");
        if ["complete", "failed"].iter().any(|end| route["status"] == *end) {
            return route;
        }
        assert!(Instant::now() < deadline, "{wish} is still {}", route["status"]);
        sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_two_hundred_walks_keep_their_promises() {
    let open = (Role::Gateway, "OPEN_REQUESTS_PER_USER", "1000".into());
    let system = System::start(Options { env: vec![open], ..Options::default() }).await.unwrap();
    let walker = system.walker().await.unwrap();
    let checker = WalkChecker::read(&workspace::bundled_city()).unwrap();

    let started = Instant::now();
    let asked = stream::iter(0..WISHES).map(|number| {
        let walker = &walker;
        async move {
            let wish = wish(number);
            let route = ask(walker, &wish).await;
            (number, wish, route)
        }
    });
    let answers: Vec<(u32, Value, Value)> = asked.buffered(4).collect().await;
    let generated = started.elapsed();
    // Nothing that follows is about the services: their logs would only hide it.
    drop(system);

    let (mut reports, mut complaints) = (Vec::<Report>::new(), Vec::new());
    let mut refusals: BTreeMap<&str, u32> = BTreeMap::new();
    for (number, wish, route) in &answers {
        if route["status"] == "complete" {
            let report = checker.check(wish, route);
            complaints.extend(report.violations.iter().map(|wrong| format!("{number}: {wrong}\n    {wish}")));
            reports.push(report);
        } else {
            match checker.check_refusal(wish, route["error"].as_str().unwrap_or_default()) {
                Ok(refusal) => *refusals.entry(refusal.code()).or_default() += 1,
                Err(error) => complaints.push(format!("{number}: refused, but {error:#}\n    {wish}")),
            }
        }
    }
    println!(
        "{} wishes in {:.1} s; refused with reason: {refusals:?}",
        answers.len(),
        generated.as_secs_f64()
    );
    println!("{}", Summary::of(&reports));
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    // A quarter has an end anywhere, which may be too far; a loop is refused only in the water.
    assert!(reports.len() as u32 > WISHES * 4 / 5, "only {} walks", reports.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_in_the_sea_is_refused_and_the_walker_hears_why() {
    let system = System::start(Options::default()).await.unwrap();
    let walker = system.walker().await.unwrap();
    let checker = WalkChecker::read(&workspace::bundled_city()).unwrap();
    let mut wish = wish(0);
    wish["start_location"]["coordinates"] = json!([24.9600, 60.1648]);
    let (status, answer) = walker.post_route(&wish).await.unwrap();
    let no_street = Refusal::NoStreetNearStart;
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        // So far out that it is not covered at all.
        assert_eq!(answer["errors"][0]["pointer"], "/start_location", "{answer}");
    } else {
        let route = ask(&walker, &wish).await;
        assert_eq!((&route["status"], &route["error"]), (&json!("failed"), &json!(no_street.to_string())));
    }
    assert_eq!(checker.check_refusal(&wish, &no_street.to_string()).unwrap(), no_street);
}

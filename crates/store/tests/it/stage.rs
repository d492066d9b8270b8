//! A database for one test, and what a test puts into it.

use std::{sync::Arc, time::Duration};

use domain::{
    Coordinate, Leg, LineString, OffsetRange, PoiId, Quality, RequestId, Route, RouteId, RouteRequest, Stop,
    UserId,
};
use serde_json::json;
use store::{Acceptance, Account, Attempt, Claim, Database, NewRequest, StoreError, accept_request, claim};
use testbed::Postgres;
use uuid::Uuid;

/// A lease that does not run out while a test is looking.
pub const LONG: Duration = Duration::from_secs(600);

/// A migrated database of one's own.
#[derive(Clone)]
pub struct Stage {
    pub database: Database,
    pub own: Arc<testbed::Database>,
}

impl Stage {
    pub async fn new() -> Self {
        let cluster = Postgres::shared().await.unwrap();
        let own = cluster.fresh_database(store::migrate).await.unwrap();
        let database = Database::new(&own.url(), 16, "store-tests").unwrap();
        Self { database, own: Arc::new(own) }
    }

    /// Runs SQL beside the store, for what only time or an accident would bring about.
    pub async fn sql(&self, sql: &str) -> String {
        self.own.sql(sql).await.unwrap()
    }

    pub async fn walker(&self) -> UserId {
        let id = UserId(Uuid::now_v7());
        self.sql(&format!("INSERT INTO users (id) VALUES ('{id}')")).await;
        id
    }

    /// Some places to stop at.
    pub async fn places(&self, ids: &[i64]) -> Vec<PoiId> {
        let rows: Vec<String> =
            ids.iter().map(|id| format!("({id}, 24.94, 60.17, 'k=v', 60, 'town')")).collect();
        self.sql(&format!(
            "INSERT INTO datasets (name, coverage) VALUES ('town', 'SRID=4326;MULTIPOLYGON EMPTY')
             ON CONFLICT DO NOTHING;
             INSERT INTO pois (id, lon, lat, kind, dwell_s, dataset) VALUES {}",
            rows.join(", ")
        ))
        .await;
        ids.iter().copied().map(PoiId).collect()
    }

    /// A wish that is written and waits for a worker.
    pub async fn accepted(&self, user: UserId) -> Wish {
        let wish = Wish::of(user);
        assert_eq!(wish.accept(self).await.unwrap(), Acceptance::Pending);
        wish
    }

    /// Claims what must be free.
    pub async fn granted(&self, id: RequestId) -> Attempt {
        match claim(&self.database, id, LONG).await.unwrap() {
            Claim::Granted(attempt) => *attempt,
            other => panic!("not granted: {other:?}"),
        }
    }

    /// A wish that has become a route.
    pub async fn completed(&self, user: UserId, route: &Route) -> Wish {
        let wish = self.accepted(user).await;
        let attempt = self.granted(wish.id).await;
        store::complete(&self.database, wish.id, attempt.number, route).await.unwrap().unwrap();
        wish
    }

    /// Lets the lease of a request run out.
    pub async fn expire_lease(&self, id: RequestId) {
        self.sql(&format!(
            "UPDATE route_requests SET lease_until = now() - interval '1 second' WHERE id = '{id}'"
        ))
        .await;
    }

    /// Lets some seconds pass since the job of a request was published.
    pub async fn published_ago(&self, id: RequestId, seconds: u32) {
        self.sql(&format!(
            "UPDATE route_requests SET published_at = now() - interval '{seconds} seconds' WHERE id = '{id}'"
        ))
        .await;
    }

    pub async fn count(&self, of: &str) -> i64 {
        self.sql(&format!("SELECT count(*) FROM {of}")).await.parse().unwrap()
    }
}

/// A wish as a walker sends it.
#[derive(Clone)]
pub struct Wish {
    pub id: RequestId,
    pub route_id: RouteId,
    pub user_id: UserId,
    pub key: Option<String>,
    pub body_hash: Vec<u8>,
    pub request: RouteRequest,
    pub cache_key: String,
    pub open_limit: i64,
}

impl Wish {
    pub fn of(user_id: UserId) -> Self {
        Self {
            id: RequestId(Uuid::now_v7()),
            route_id: RouteId(Uuid::now_v7()),
            user_id,
            key: None,
            body_hash: vec![1],
            request: request(),
            cache_key: "route:1:abc".into(),
            open_limit: 1_000,
        }
    }

    /// Names it, as with an Idempotency-Key.
    pub fn named(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    pub async fn accept(&self, stage: &Stage) -> Result<Acceptance, StoreError> {
        self.accept_with(stage, None).await
    }

    pub async fn accept_with(&self, stage: &Stage, known: Option<&Route>) -> Result<Acceptance, StoreError> {
        Ok(self.accept_as(stage, known).await?.0)
    }

    /// The same, with what it says of the walker's row.
    pub async fn accept_as(
        &self,
        stage: &Stage,
        known: Option<&Route>,
    ) -> Result<(Acceptance, Account), StoreError> {
        let new = NewRequest {
            id: self.id,
            route_id: self.route_id,
            user_id: self.user_id,
            idempotency_key: self.key.as_deref(),
            body_hash: &self.body_hash,
            request: &self.request,
            cache_key: &self.cache_key,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            open_limit: self.open_limit,
        };
        accept_request(&stage.database, &new, known).await
    }

    /// What a repetition of this wish is answered with.
    pub fn replayed(&self, from_cache: bool) -> Acceptance {
        Acceptance::Replayed { request_id: self.id, route_id: self.route_id, from_cache }
    }
}

pub fn request() -> RouteRequest {
    RouteRequest::parse(&json!({
        "start_location": {"type": "Point", "coordinates": [24.9384, 60.1699]},
        "duration_minutes": 60,
        "interest_theme_ids": ["f47ac10b-58cc-4372-a567-0e02b2c3d479"],
        "popularity_bias": 0.7,
        "accessibility": {"avoid_stairs": true, "prefer_well_lit": false}
    }))
    .unwrap()
}

pub fn at(lon: f64, lat: f64) -> Coordinate {
    Coordinate::new(lon, lat).unwrap()
}

/// A walk that stops at these places, with numbers that are easily spoiled on the way through a database.
pub fn route(stops: &[PoiId]) -> Route {
    let odd =
        [(24.938_4 + f64::EPSILON * 16.0, 60.169_9), (0.1 + 0.2, -33.868_8), (5e-324, 89.999_999_999_999_99)];
    let stop = |(index, poi_id): (usize, &PoiId)| Stop {
        order: index as u32 + 1,
        poi_id: *poi_id,
        name: Some("Äitienkatu 1, \"Ann's\" 🌳".into()),
        location: at(24.938_412_345_678_9 + index as f64 / 3.0, 60.1 + index as f64 / 7.0).into(),
        arrival_s: 100 * index as u32,
        dwell_s: 60,
        themes: vec!["f47ac10b-58cc-4372-a567-0e02b2c3d479".parse().unwrap()],
        popularity_score: 0.1 + index as f32 / 3.0,
        narrative: (index == 0).then(|| "Long ago.".into()),
        why: "It is near.".into(),
    };
    let stops: Vec<Stop> = stops.iter().enumerate().map(stop).collect();
    Route {
        path: LineString { coordinates: odd.map(|(lon, lat)| at(lon, lat)).to_vec() },
        distance_m: 4_321.000_000_000_001,
        duration_s: 3_540,
        walking_s: 3_000,
        ascent_m: None,
        legs: vec![Leg {
            from: 0,
            to: 1,
            distance_m: 1.0 / 3.0,
            duration_s: 10,
            geometry: OffsetRange { start: 0, end: 2 },
        }],
        stops,
        quality: Quality {
            repeated_share: 0.1 + 0.2,
            well_lit_share: 0.7,
            lit_known_share: 1.0 / 7.0,
            steps_used: false,
            theme_coverage: 1.0,
        },
        sparse_themes: vec![],
    }
}

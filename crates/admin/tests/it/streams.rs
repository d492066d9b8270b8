use admin::{Command, Config, Nats, Postgres};

use crate::World;

#[tokio::test]
async fn streams_are_made_as_often_as_one_likes() {
    let nats = testbed::Nats::start().await.unwrap();
    for _ in 0..2 {
        let command = Command::Streams(Nats { nats_url: nats.url(), nats_replicas: 1 });
        admin::run(Config { command }).await.unwrap();
    }
}

#[tokio::test]
async fn migrating_again_keeps_what_is_there_and_themes_are_there_from_the_start() {
    let world = World::new().await;
    for _ in 0..2 {
        let postgres = Postgres { database_url: world.database.url() };
        admin::run(Config { command: Command::Migrate(postgres) }).await.unwrap();
    }
    assert_eq!(world.sql("SELECT count(*) > 15 FROM interest_themes WHERE retired_at IS NULL").await, "t");
}

use admin::Config;
use clap::Parser;

use crate::World;

#[tokio::test]
async fn streams_are_made_as_often_as_one_likes() {
    let nats = testbed::Nats::start().await.unwrap();
    for _ in 0..2 {
        let args = ["wildside-admin", "streams", "--nats-url", &nats.url_as("wildside-admin")];
        admin::run(Config::parse_from(args)).await.unwrap();
    }
}

#[tokio::test]
async fn migrating_again_keeps_what_is_there_and_themes_are_there_from_the_start() {
    let world = World::new().await;
    for _ in 0..2 {
        let args = ["wildside-admin", "migrate", "--database-url", &world.database.url()];
        admin::run(Config::parse_from(args)).await.unwrap();
    }
    assert_eq!(world.sql("SELECT count(*) > 15 FROM interest_themes WHERE retired_at IS NULL").await, "t");
}

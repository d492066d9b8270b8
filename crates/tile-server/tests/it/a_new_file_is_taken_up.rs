use crate::server::{CENTRE, Place, build, definitions};
use reqwest::StatusCode;
use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};
use testbed::Signal;

/// While files come and go, every request is answered, with a tile of the old version or of the new one.
#[tokio::test]
async fn a_reload_under_load_fails_nobody() {
    let server = Place::new().start().await;
    // The other version has no names of places, so its tiles are others.
    let (with, without) = (
        definitions(),
        definitions().replace("columns: {class: VARCHAR, name: VARCHAR}", "columns: {class: VARCHAR}"),
    );
    let tile = async || server.get(CENTRE).await.body;
    let old = tile().await;
    fs::write(server.place.file("sources.yaml"), &without).unwrap();
    server.logged("what is on disk is served now").await;
    let new = tile().await;
    assert_ne!(old, new);

    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let asking = async {
        while !over.load(Ordering::Relaxed) {
            let answer = server.get(CENTRE).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert!(answer.body == old || answer.body == new, "a tile of a mixed version");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let changing = async {
        for round in 0..6 {
            fs::write(server.place.file("new.yaml"), if round % 2 == 0 { &with } else { &without }).unwrap();
            fs::rename(server.place.file("new.yaml"), server.place.file("sources.yaml")).unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(asking, changing);
    assert!(answered.load(Ordering::Relaxed) > 20, "{answered:?}");
    let metrics = server.metrics().await;
    assert!(!metrics.contains(r#"reloads_total{outcome="refused"}"#), "{metrics}");
}

#[tokio::test]
async fn a_new_map_is_there_without_a_restart() {
    let mut place = Place::new();
    // Only a signal makes it look.
    place.env = vec![("RELOAD_MS", "3600000".into())];
    let server = place.start().await;
    let (before, small) = (server.get(CENTRE).await, server.get("base.json").await.text());
    let extract = testbed::workspace::bundled_city();
    let built = build(&extract, &server.place.file("base.duckdb"));
    assert!(built.status.success());
    server.process.signal(Signal::HUP);
    server.logged("what is on disk is served now").await;
    // The same extract makes the same tiles, and who has one need not fetch it again, though the file is another.
    assert_eq!(server.get(CENTRE).await.header("etag"), before.header("etag"));
    assert_eq!(server.get("base.json").await.text().len(), small.len());
}

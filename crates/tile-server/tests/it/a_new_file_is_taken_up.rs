use crate::server::{CENTRE, Place, base, build, definitions};
use reqwest::StatusCode;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};
use testbed::{Scratch, Signal, workspace, write_copies};

/// Both maps have something in it, and not the same.
const WIDE: &str = "base/11/1165/592.pbf";

/// Another map: the bundled city, and a copy of it to the south.
static TWICE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let scratch = Scratch::new("twice").unwrap();
    let [extract, out] = ["twice.osm.pbf", "base.duckdb"].map(|name| scratch.path().join(name));
    write_copies(&workspace::bundled_city(), 2, &extract).unwrap();
    assert!(build(&extract, &out).status.success());
    fs::read(out).unwrap()
});

/// Puts a file in its place in one step, as a new one comes. What is there already is left alone.
fn put(content: impl AsRef<[u8]>, file: &Path) {
    if fs::read(file).unwrap() == content.as_ref() {
        return;
    }
    let new = file.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, file).unwrap();
}

/// While files come and go, every request is answered, with a tile of one version.
#[tokio::test]
async fn a_reload_under_load_fails_nobody() {
    let server = Place::new().start().await;
    // The other version has no names of places, so its tiles are others.
    let with = definitions();
    let without = with.replace("columns: {class: VARCHAR, name: VARCHAR}", "columns: {class: VARCHAR}");
    let put_version = |(definition, map): (usize, usize)| {
        put([&with, &without][definition], &server.place.file("sources.yaml"));
        put([base(), &TWICE][map], &server.place.file("base.duckdb"));
    };
    let mut known = BTreeMap::new();
    for version in [(0, 0), (0, 1), (1, 1), (1, 0)] {
        if version != (0, 0) {
            let before = server.reloads("taken_up").await;
            put_version(version);
            server.reloaded("taken_up", before).await;
        }
        let other = known.insert(server.get(WIDE).await.body, version);
        assert_eq!(other, None, "{version:?} looks the same");
    }

    let (over, before) = (AtomicBool::new(false), server.reloads("taken_up").await);
    let asking = async || {
        let mut seen = BTreeMap::new();
        while !over.load(Ordering::Relaxed) {
            let answer = server.get(WIDE).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let version = known.get(&answer.body).expect("a tile of a mixed version");
            *seen.entry(*version).or_insert(0) += 1;
        }
        seen
    };
    let changing = async {
        // One file at a time, and both at once.
        for version in [(0, 0), (0, 1), (1, 1), (0, 0), (1, 1), (1, 0)] {
            let before = server.reloads("taken_up").await;
            put_version(version);
            server.reloaded("taken_up", before).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let (seen, ()) = tokio::join!(
        async { <[_; 4]>::from(tokio::join!(asking(), asking(), asking(), asking())) },
        changing
    );
    for seen in seen {
        assert_eq!(seen.len(), known.len(), "each client met every version: {seen:?}");
        assert!(seen.values().sum::<u32>() > 20, "{seen:?}");
    }
    assert!(server.reloads("taken_up").await >= before + 6);
    assert_eq!(server.reloads("refused").await, 0);
}

#[tokio::test]
async fn a_new_map_is_there_without_a_restart() {
    let mut place = Place::new();
    // Only a signal makes it look.
    place.env = vec![("RELOAD_MS", "3600000".into())];
    let server = place.start().await;
    // Three tiles to the south there is only the copy.
    let copy = "base/14/9326/4744.pbf";
    let bounds = async || {
        let description: serde_json::Value =
            serde_json::from_slice(&server.get_with("base.json", &[]).await.body).unwrap();
        <[f64; 4]>::try_from(serde_json::from_value::<Vec<f64>>(description["bounds"].clone()).unwrap())
            .unwrap()
    };
    let (centre, wide, old) = (server.get(CENTRE).await, server.get(WIDE).await, bounds().await);
    assert_eq!(server.get(copy).await.status, StatusCode::NO_CONTENT);

    put(&*TWICE, &server.place.file("base.duckdb"));
    server.process.signal(Signal::HUP);
    server.logged("what is on disk is served now").await;
    let new = bounds().await;
    assert!(new[1] < old[1] - (old[3] - old[1]) / 2.0, "{old:?} did not become larger: {new:?}");
    assert_eq!(server.get(copy).await.status, StatusCode::OK);
    assert_ne!(server.get(WIDE).await.header("etag"), wide.header("etag"));
    // Here nothing has changed, and who has this tile need not fetch it again, though the file is another.
    assert_eq!(server.get(CENTRE).await.header("etag"), centre.header("etag"));
}

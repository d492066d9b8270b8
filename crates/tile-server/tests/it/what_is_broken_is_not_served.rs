use crate::server::{CENTRE, Place, Server, definitions, run, text};
use reqwest::StatusCode;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};
use testbed::{Scratch, spatial_extension, workspace};

/// It does not start, says why, and its status is 1, or 2 where a setting makes no sense.
fn refused(place: &Place, status: i32, words: &[&str]) {
    let (code, said) = place.refused();
    assert_eq!(code, Some(status), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
}

/// A place with a spatial extension of its own, to spoil.
fn with_spoiled_extension(spoil: impl FnOnce(&File)) -> Place {
    let mut place = Place::new();
    let copy = place.file("spatial.duckdb_extension");
    fs::copy(spatial_extension(), &copy).unwrap();
    spoil(&File::options().write(true).open(&copy).unwrap());
    place.spatial = copy;
    place
}

#[test]
fn no_extension() {
    let mut place = Place::new();
    place.spatial = place.file("nowhere.duckdb_extension");
    refused(&place, 1, &["check 2", "there is no", "nowhere.duckdb_extension", "cargo xtask setup"]);
}

#[test]
fn a_truncated_extension() {
    let place = with_spoiled_extension(|file| file.set_len(file.metadata().unwrap().len() / 2).unwrap());
    refused(&place, 1, &["check 2", "spatial.duckdb_extension", "cannot be loaded"]);
}

#[test]
fn an_extension_of_another_version() {
    // The file ends with eight fields of 32 bytes and a signature of 256; the seventh field is the version of DuckDB.
    let place = with_spoiled_extension(|file| {
        let end = file.metadata().unwrap().len();
        let mut footer = [0; 512];
        File::open(spatial_extension()).unwrap().read_exact_at(&mut footer, end - 512).unwrap();
        let version = footer.windows(6).position(|part| part == b"v1.4.4").unwrap() as u64;
        file.write_all_at(b"v1.3.2", end - 512 + version).unwrap();
    });
    refused(&place, 1, &["check 2", "cannot be loaded", "v1.3.2", "v1.4.4"]);
}

#[test]
fn an_extension_that_somebody_changed() {
    let place = with_spoiled_extension(|file| file.write_all_at(b"changed", 4096).unwrap());
    refused(&place, 1, &["check 2", "cannot be loaded", "signature"]);
}

#[test]
fn a_missing_table() {
    let place = Place::new();
    fs::write(place.file("sources.yaml"), definitions().replace("name: waterways", "name: canals")).unwrap();
    refused(&place, 1, &["source base", "check 6", "there is no table canals"]);
}

#[test]
fn a_wrong_column() {
    let place = Place::new();
    let spoiled = definitions().replace("bridge: BOOLEAN", "bridge: INTEGER");
    fs::write(place.file("sources.yaml"), spoiled).unwrap();
    refused(&place, 1, &["check 6", "column bridge of table roads is BOOLEAN and not INTEGER"]);
    fs::write(place.file("sources.yaml"), definitions().replace("bridge: BOOLEAN", "lanes: INTEGER"))
        .unwrap();
    refused(&place, 1, &["check 6", "table roads has no column lanes"]);
}

#[test]
fn shapes_beside_their_grid() {
    let place = Place::new();
    fs::write(place.file("sources.yaml"), definitions().replacen("grid_zoom: 16", "grid_zoom: 15", 1))
        .unwrap();
    refused(&place, 1, &["check 6", "of table land do not lie on the grid of zoom 15"]);
}

#[test]
fn a_damaged_block() {
    let place = Place::new();
    let file = File::options().write(true).open(place.file("base.duckdb")).unwrap();
    // Blocks of 256 KiB come after three headers of 4 KiB. DuckDB itself opens such a file, and crashes later.
    file.write_all_at(&[0xff; 64], 3 * 4096 + 100_000).unwrap();
    refused(&place, 1, &["base.duckdb is damaged"]);
}

#[test]
fn a_file_that_is_cut_off() {
    let place = Place::new();
    let file = File::options().write(true).open(place.file("base.duckdb")).unwrap();
    file.set_len(400_000).unwrap();
    refused(&place, 1, &["base.duckdb is no base map, or is cut off"]);
}

#[test]
fn a_file_that_is_not_there_or_something_else() {
    let place = Place::new();
    fs::remove_file(place.file("base.duckdb")).unwrap();
    refused(&place, 1, &["base.duckdb", "No such file"]);
    // Root may read whatever has no permissions, so what cannot be read is a folder here.
    fs::create_dir(place.file("base.duckdb")).unwrap();
    refused(&place, 1, &["copying", "base.duckdb", "directory"]);
    fs::remove_dir(place.file("base.duckdb")).unwrap();
    fs::write(place.file("base.duckdb"), "something else").unwrap();
    refused(&place, 1, &["base.duckdb is no base map"]);
}

#[test]
fn a_bad_definition_is_told_with_its_line() {
    let place = Place::new();
    let line = 1 + definitions().lines().position(|line| line.contains("name: buildings")).unwrap();
    fs::write(place.file("sources.yaml"), definitions().replace("minzoom: 14", "minzoom: 19")).unwrap();
    refused(&place, 2, &["sources.yaml is wrong", &format!("line {line}"), "minzoom 19 is above maxzoom 16"]);
    fs::write(place.file("sources.yaml"), "sources: [").unwrap();
    refused(&place, 2, &["sources.yaml is wrong", "line 1"]);
}

#[test]
fn a_setting_that_makes_no_sense() {
    let mut place = Place::new();
    place.env = vec![("TILE_TIME_LIMIT_MS", "soon".into())];
    refused(&place, 2, &["--tile-time-limit-ms", "soon"]);
    place.env = vec![("ASSETS_DIR", "/nowhere".into())];
    refused(&place, 1, &["fonts", "/nowhere"]);
}

#[tokio::test]
async fn garbage_under_way_changes_nothing() {
    let server = Place::new().start().await;
    let before = server.get(CENTRE).await;
    let file = server.place.file("base.duckdb");
    // Written over in place, which nobody should do.
    fs::write(&file, vec![7; 300_000]).unwrap();
    still_served(&server, 0, &before.body).await;
    // Put in its place, which is how a new file comes.
    fs::write(server.place.file("new"), "garbage").unwrap();
    let refused = server.reloads("refused").await;
    fs::rename(server.place.file("new"), &file).unwrap();
    still_served(&server, refused, &before.body).await;
    let refused = server.reloads("refused").await;
    fs::write(server.place.file("sources.yaml"), "sources: {}").unwrap();
    server.logged("there is no source").await;
    still_served(&server, refused, &before.body).await;
    assert_eq!(server.reloads("taken_up").await, 0);
}

/// Once the server has looked at what is there, and refused it, it serves what it served before.
async fn still_served(server: &Server, refused: u64, centre: &[u8]) {
    server.reloaded("refused", refused).await;
    assert_eq!(server.get(CENTRE).await.body, centre);
    // Also a tile that nobody has asked for before, one each time.
    let fresh = format!("base/16/{}/18966", 37306 + server.reloads("refused").await % 4);
    assert_eq!(server.get(&fresh).await.status, StatusCode::OK, "{fresh}");
    assert_eq!(server.health().await.status, StatusCode::OK);
}

#[test]
fn no_map_is_built_of_what_is_no_extract() {
    let dir = Scratch::new("no-extract").unwrap();
    let (out, spatial) = (dir.path().join("base.duckdb"), spatial_extension());
    fs::write(&out, "the old one").unwrap();
    let city = fs::read(workspace::bundled_city()).unwrap();
    let mut flipped = city.clone();
    flipped[city.len() / 2] ^= 0x55;
    let corpus = |name: &str| fs::read(workspace::root().join("fuzz/corpus/extract").join(name)).unwrap();
    let broken = [
        ("text", b"no extract at all".to_vec(), "is no extract of OpenStreetMap"),
        ("cut", city[..city.len() / 2].to_vec(), "reading"),
        ("flipped", flipped, "is damaged"),
        ("bomb", corpus("sixteen_million_groups.osm.pbf"), "is damaged"),
        ("empty", Vec::new(), "is no extract of OpenStreetMap"),
    ];
    for (name, content, words) in broken {
        let extract = dir.path().join(name);
        fs::write(&extract, content).unwrap();
        let ended =
            run("build", &[("--extract", &extract), ("--out", &out), ("--spatial-extension", &spatial)]);
        assert_eq!(ended.status.code(), Some(1), "{name}: {}", text(&ended));
        assert!(text(&ended).contains(words), "{name}: {}", text(&ended));
    }
    let nowhere = run(
        "build",
        &[("--extract", Path::new("/nowhere")), ("--out", &out), ("--spatial-extension", &spatial)],
    );
    assert!(text(&nowhere).contains("opening /nowhere"), "{}", text(&nowhere));
    assert_eq!(fs::read(&out).unwrap(), b"the old one");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 6, "nothing half-made is left");
}

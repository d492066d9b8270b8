use crate::server::{Place, definitions, run, text};
use std::{fs, path::Path, process::Command};
use testbed::tile_readers;

/// Runs a piece of Python that reads archives with the packages that others wrote.
fn python(code: &str, args: &[&Path]) -> String {
    let mut python = Command::new(tile_readers().join("bin/python"));
    let ended = python.args(["-c", code]).args(args).output().unwrap();
    assert!(ended.status.success(), "{}", text(&ended));
    text(&ended)
}

fn export(place: &Place, args: &[(&str, &Path)]) -> String {
    let settings: Vec<(&str, String)> = vec![
        ("--sources", place.file("sources.yaml").display().to_string()),
        ("--data-dir", place.dir.path().display().to_string()),
        ("--scratch-dir", place.dir.path().display().to_string()),
        ("--spatial-extension", place.spatial.display().to_string()),
    ];
    let settings = settings.iter().map(|(name, value)| (*name, Path::new(value)));
    let args: Vec<(&str, &Path)> = settings.chain(args.iter().copied()).collect();
    let ended = run("export", &args);
    assert!(ended.status.success(), "{}", text(&ended));
    text(&ended)
}

/// `z/x/y` and the tile in hex, a line each.
const LIST: &str = "
import sys
from pmtiles.reader import Reader, MmapSource, all_tiles
with open(sys.argv[1], 'rb') as file:
    for (z, x, y), tile in all_tiles(MmapSource(file)):
        print(f'{z}/{x}/{y}', tile.hex())
";

/// What `pmtiles verify` looks at: the header's numbers, the order of the tiles, and that each lies where it should.
const VERIFY: &str = "
import sys
from pmtiles.reader import Reader, MmapSource
from pmtiles.tile import deserialize_directory, tileid_to_zxy
with open(sys.argv[1], 'rb') as file:
    source = MmapSource(file)
    header = Reader(source).header()
    addressed = entries = 0
    contents, end, last, zooms = set(), 0, -1, set()
    def walk(offset, length):
        global addressed, entries, end, last, zooms
        for entry in deserialize_directory(source(offset, length)):
            if entry.run_length == 0:
                walk(header['leaf_directory_offset'] + entry.offset, entry.length)
                continue
            assert entry.tile_id > last, 'tiles out of order'
            assert entry.offset + entry.length <= header['tile_data_length'], 'a tile beyond the end'
            assert entry.offset in {o for o, _ in contents} or entry.offset == end, 'a gap between tiles'
            if entry.offset == end:
                end += entry.length
            contents.add((entry.offset, entry.length))
            last = entry.tile_id + entry.run_length - 1
            zooms |= {tileid_to_zxy(entry.tile_id)[0], tileid_to_zxy(last)[0]}
            addressed, entries = addressed + entry.run_length, entries + 1
    walk(header['root_offset'], header['root_length'])
    assert header['clustered'], 'not clustered'
    assert (addressed, entries, len(contents)) == (header['addressed_tiles_count'], header['tile_entries_count'], header['tile_contents_count'])
    assert end == header['tile_data_length'], 'bytes that belong to no tile'
    assert header['min_zoom'] <= min(zooms) and max(zooms) <= header['max_zoom'], 'zooms'
    assert header['min_lon_e7'] < header['max_lon_e7'] and header['min_lat_e7'] < header['max_lat_e7'], 'bounds'
";

#[tokio::test]
async fn every_tile_is_the_one_that_is_served() {
    let server = Place::new().start().await;
    let archive = server.place.file("city.pmtiles");
    let out = archive.clone();
    export(&server.place, &[("--maxzoom", Path::new("15")), (&out.display().to_string(), Path::new(""))]);
    python(VERIFY, &[&archive]);
    let listed = python(LIST, &[&archive]);
    assert!(listed.lines().count() > 20, "{listed}");
    for line in listed.lines() {
        let (id, hex) = line.split_once(' ').unwrap();
        let served = server.get(&format!("base/{id}.pbf")).await;
        let served: String = served.body.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(served, hex, "{id}");
    }

    // And the archive is a source as good as the file that it was made of.
    let with_archive = definitions()
        + "
  walk:
    file: city.pmtiles
    description: the same, taken along
    attribution: OpenStreetMap
    minzoom: 0
    maxzoom: 15
    max_age: 60
";
    fs::write(server.place.file("sources.yaml"), with_archive).unwrap();
    server.logged("what is on disk is served now").await;
    let (ours, theirs) =
        (server.get("base/15/18653/9483.pbf").await, server.get("walk/15/18653/9483.pbf").await);
    assert_eq!((ours.body, ours.headers["etag"].clone()), (theirs.body, theirs.headers["etag"].clone()));
    assert!(server.get("walk.json").await.text().contains(r#""id":"roads""#));
    assert_eq!(server.get("walk/15/0/0.pbf").await.status, 204);
}

#[tokio::test]
async fn a_corridor_holds_the_tiles_along_a_walk_and_no_others() {
    let place = Place::new();
    let route = place.file("route.geojson");
    let walk = r#"{"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": [[24.9370, 60.1655], [24.9370, 60.1770]]}},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [24.95, 60.17]}}
    ]}"#;
    fs::write(&route, walk).unwrap();
    let archive = place.file("walk.pmtiles");
    let name = archive.display().to_string();
    let args = [
        ("--corridor", &*route),
        ("--buffer", Path::new("100")),
        ("--minzoom", Path::new("16")),
        (&*name, Path::new("")),
    ];
    export(&place, &args);
    let listed = python(LIST, &[&archive]);
    let columns: Vec<&str> = listed.lines().map(|line| line.split('/').nth(1).unwrap()).collect();
    // A tile of zoom 16 is 0.0055 degrees wide; 100 metres are 0.0018 degrees of longitude there.
    assert!(columns.contains(&"37307") && !columns.contains(&"37309"), "{columns:?}");
    for (content, words) in
        [("{}", "without a type"), (r#"{"type": "Point", "coordinates": [1, 2]}"#, "has no line")]
    {
        fs::write(&route, content).unwrap();
        let settings = place.settings();
        let mut program = Command::new(env!("CARGO_BIN_EXE_tile-server"));
        let ended = program
            .arg("export")
            .envs(settings)
            .arg("--corridor")
            .arg(&route)
            .arg(&archive)
            .output()
            .unwrap();
        assert!(!ended.status.success() && text(&ended).contains(words), "{}", text(&ended));
    }
}

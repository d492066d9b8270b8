use crate::server::{Place, definitions, run, text};
use std::{collections::BTreeSet, fs, path::Path, process::Command};
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

/// What `pmtiles verify` looks at, and the rest of the specification of version 3: that the parts of the file lie one after
/// the other, directories are in order and point at what is there, tiles lie in their order without gap or overlap, and the
/// header counts them right.
const VERIFY: &str = "
import gzip, json, os, sys
from pmtiles.reader import Reader, MmapSource
from pmtiles.tile import Compression, TileType, deserialize_directory, tileid_to_zxy
with open(sys.argv[1], 'rb') as file:
    source = MmapSource(file)
    header = Reader(source).header()
    assert source(0, 8) == b'PMTiles' + bytes([3]), 'magic'
    parts = [(header[part + '_offset'], header[part + '_length']) for part in ('root', 'metadata', 'leaf_directory', 'tile_data')]
    assert parts[0][0] == 127 and sum(parts[0]) <= 16384, 'the root directory is not in the first 16 KiB'
    at = 127
    for offset, length in sorted(part for part in parts if part[1]):
        assert offset >= at, f'an overlap at {offset}'
        at = offset + length
    assert at == os.path.getsize(sys.argv[1]), 'bytes after the end'
    assert header['tile_type'] == TileType.MVT
    assert header['tile_compression'] == header['internal_compression'] == Compression.GZIP
    metadata = json.loads(gzip.decompress(source(*parts[1])))
    shown = {layer['id']: layer['fields'] for layer in metadata['vector_layers']}
    assert 'class' in shown['roads'] and 'OpenStreetMap' in metadata['attribution'], metadata
    addressed = entries = leaves = 0
    contents, end, last, zooms = {}, 0, -1, set()
    def walk(offset, length, first):
        global addressed, entries, leaves, end, last, zooms
        directory = deserialize_directory(source(offset, length))
        assert directory and first in (None, directory[0].tile_id), 'a leaf that begins elsewhere'
        for entry in directory:
            assert entry.tile_id > last and entry.length > 0, 'tiles out of order'
            if entry.run_length == 0:
                assert first is None and entry.offset + entry.length <= header['leaf_directory_length'], 'a leaf out of place'
                leaves += entry.length
                walk(header['leaf_directory_offset'] + entry.offset, entry.length, entry.tile_id)
                continue
            # Clustered: a content is either the next one or one that was there before, whole.
            if entry.offset == end:
                end += entry.length
                contents[entry.offset] = entry.length
            assert contents.get(entry.offset) == entry.length, 'a gap between tiles, or an overlap'
            gzip.decompress(source(header['tile_data_offset'] + entry.offset, entry.length))
            last = entry.tile_id + entry.run_length - 1
            zooms |= {tileid_to_zxy(entry.tile_id)[0], tileid_to_zxy(last)[0]}
            addressed, entries = addressed + entry.run_length, entries + 1
    walk(*parts[0], None)
    assert header['clustered'], 'not clustered'
    assert leaves == header['leaf_directory_length'], 'bytes that belong to no leaf'
    assert (addressed, entries, len(contents)) == (header['addressed_tiles_count'], header['tile_entries_count'], header['tile_contents_count'])
    assert end == header['tile_data_length'], 'bytes that belong to no tile'
    assert header['min_zoom'] <= min(zooms) and max(zooms) <= header['max_zoom'], 'zooms'
    assert header['min_zoom'] <= header['center_zoom'] <= header['max_zoom'], 'zoom of the centre'
    for axis in ('lon', 'lat'):
        assert header[f'min_{axis}_e7'] <= header[f'center_{axis}_e7'] <= header[f'max_{axis}_e7'], 'bounds'
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
    // What is not in the archive is empty: all around each tile, and those below it.
    let held: BTreeSet<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    let mut others = BTreeSet::new();
    for id in &held {
        let [z, x, y] = id.split('/').map(|number| number.parse().unwrap()).collect::<Vec<u32>>()[..] else {
            panic!()
        };
        for (x, y) in
            (x.saturating_sub(1)..=x + 1).flat_map(|x| (y.saturating_sub(1)..=y + 1).map(move |y| (x, y)))
        {
            others.extend((x < 1 << z && y < 1 << z).then(|| format!("{z}/{x}/{y}")));
            let below = [(2 * x, 2 * y), (2 * x + 1, 2 * y), (2 * x, 2 * y + 1), (2 * x + 1, 2 * y + 1)];
            let fits = |(x, y): &(u32, u32)| z < 15 && *x < 2 << z && *y < 2 << z;
            others.extend(below.into_iter().filter(fits).map(|(x, y)| format!("{}/{x}/{y}", z + 1)));
        }
    }
    for id in others.iter().filter(|id| !held.contains(id.as_str())) {
        assert_eq!(server.get(&format!("base/{id}.pbf")).await.status, 204, "{id} is missing");
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
    assert_eq!((&ours.body, &ours.headers["etag"]), (&theirs.body, &theirs.headers["etag"]));
    assert!(server.get("walk.json").await.text().contains(r#""id":"roads""#));
    assert_eq!(server.get("walk/15/0/0.pbf").await.status, 204);

    // One that is damaged is not taken up.
    let mut damaged = fs::read(&archive).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(server.place.file("new"), damaged).unwrap();
    fs::rename(server.place.file("new"), &archive).unwrap();
    server.logged("is damaged").await;
    assert_eq!(server.get("walk/15/18653/9483.pbf").await.body, ours.body);
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

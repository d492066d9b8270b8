use crate::server::{Place, build, definitions, text};
use std::{fs, path::Path, process::Command};
use testbed::{tile_readers, workspace};

/// Fetches every tile of a box and decodes it with the reader that PyPI's mapbox-vector-tile is; says how many there are.
/// What the decoder takes without a word is looked at once more: geometry commands, and where a shape may reach.
const DECODE: &str = r#"
import gzip, json, math, sys, urllib.request
import mapbox_vector_tile
from mapbox_vector_tile.Mapbox import vector_tile_pb2

url, maxzoom = sys.argv[1], int(sys.argv[2])
about = json.load(urllib.request.urlopen(url + ".json"))
fields = {layer["id"]: set(layer["fields"]) for layer in about["vector_layers"]}
west, south, east, north = about["bounds"]
largest = 0

def commands(geometry, kind, where):
    """The geometry commands of a feature: specification 2.1, section 4.3."""
    at, opened, moves = 0, False, 0
    while at < len(geometry):
        command, count = geometry[at] & 7, geometry[at] >> 3
        at += 1
        assert count > 0, f"{where}: a command without parameters"
        if command == 1:
            assert kind == 1 or count == 1, f"{where}: {count} moves"
            at, moves, opened = at + 2 * count, moves + 1, True
        elif command == 2:
            assert kind in (2, 3) and opened, f"{where}: a line without a start"
            assert kind != 3 or count >= 2, f"{where}: a ring of {count + 1} points"
            at += 2 * count
        elif command == 7:
            assert kind == 3 and count == 1, f"{where}: a closed line"
            opened = False
        else:
            raise AssertionError(f"{where}: command {command}")
    assert at == len(geometry) and moves, f"{where}: the geometry ends too early"

def span(z):
    n = 2 ** z
    column = lambda lon: min(n - 1, max(0, int((lon + 180) / 360 * n)))
    row = lambda lat: min(n - 1, max(0, int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)))
    return range(column(west), column(east) + 1), range(row(north), row(south) + 1)

tiles = features = 0
for z in range(0, maxzoom + 1):
    columns, rows = span(z)
    for x in columns:
        for y in rows:
            request = urllib.request.Request(f"{url}/{z}/{x}/{y}.pbf", headers={"Accept-Encoding": "gzip"})
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
            if answer.status == 204:
                continue
            tiles, largest = tiles + 1, max(largest, len(body))
            body = gzip.decompress(body)
            decoded = mapbox_vector_tile.decode(body)
            raw = vector_tile_pb2.tile()
            raw.ParseFromString(body)
            for layer in raw.layers:
                where = f"{z}/{x}/{y} {layer.name}"
                assert layer.version == 2 and layer.extent == 4096 and len(layer.features), where
                shown = next(l for l in about["vector_layers"] if l["id"] == layer.name)
                assert shown["minzoom"] <= z <= shown["maxzoom"], where
                for feature in layer.features:
                    commands(feature.geometry, feature.type, where)
                for feature in decoded[layer.name]["features"]:
                    features += 1
                    assert set(feature["properties"]) <= fields[layer.name], f"{where}: {feature['properties']}"
                    assert "class" in feature["properties"], where
                    flat = json.dumps(feature["geometry"]["coordinates"]).replace("[", "").replace("]", "").split(",")
                    assert all(-257 <= float(number) <= 4353 for number in flat), f"{where}: beyond the tile's margin"
assert largest < 500_000, f"a tile of {largest} bytes"
print(tiles, features, largest)
"#;

/// Counts the features of two servers' tiles of the deepest zoom: those that both draw corner by corner the same, and those
/// that only one of them draws. Where a ring begins does not matter.
const COMPARE: &str = r#"
import collections, json, sys, urllib.request
import mapbox_vector_tile

def features(url, x, y):
    with urllib.request.urlopen(f"{url}/16/{x}/{y}.pbf") as answer:
        body = answer.read()
    drawn = collections.Counter()
    for layer, content in (mapbox_vector_tile.decode(body) if body else {}).items():
        if layer not in ("land", "buildings"):
            continue
        for feature in content["features"]:
            shape = feature["geometry"]
            areas = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
            rings = []
            for ring in (ring for area in areas for ring in area):
                corners = [tuple(corner) for corner in ring[:-1]]
                first = corners.index(min(corners))
                rings.append(corners[first:] + corners[:first])
            drawn[layer, json.dumps(feature["properties"]), json.dumps(sorted(rings))] += 1
    return drawn

same = different = 0
for x in range(37306, 37312):
    for y in range(18963, 18971):
        one, other = (features(url, x, y) for url in sys.argv[1:])
        same += (one & other).total()
        different += (one - other).total() + (other - one).total()
print(same, different)
"#;

/// Counts the squares around the middle of two closed ways: a path without `area=yes`, and a square.
const AROUND: &str = r#"
import math, sys, urllib.request
import mapbox_vector_tile

def squares(lon, lat):
    n = 2 ** 16
    x, y = (lon + 180) / 360 * n, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    with urllib.request.urlopen(f"{sys.argv[1]}/16/{int(x)}/{int(y)}.pbf?layers=land") as answer:
        land = mapbox_vector_tile.decode(answer.read(), default_options={"y_coord_down": True})["land"]
    x, y = x % 1 * 4096, y % 1 * 4096
    found = 0
    for feature in land["features"]:
        shape = feature["geometry"]
        areas = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        crossings = sum((a[1] > y) != (b[1] > y) and x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]
                        for area in areas for ring in area for a, b in zip(ring, ring[1:]))
        found += feature["properties"]["class"] == "square" and crossings % 2
    return found

print(squares(24.9475960, 60.1674781), squares(24.9405392, 60.1695596))
"#;

/// What a script prints, which is numbers.
async fn read(script: &'static str, args: Vec<String>) -> Vec<usize> {
    let reading = tokio::task::spawn_blocking(move || {
        Command::new(tile_readers().join("bin/python")).args(["-c", script]).args(args).output().unwrap()
    });
    let read = reading.await.unwrap();
    assert!(read.status.success(), "{}", text(&read));
    text(&read).split_whitespace().map(|word| word.parse().unwrap()).collect()
}

async fn decode_all(place: Place, maxzoom: &str) -> (usize, usize) {
    let server = place.start().await;
    let numbers = read(DECODE, vec![format!("{}/tiles/base", server.url()), maxzoom.to_owned()]).await;
    println!("{} tiles, {} features, {} bytes the largest", numbers[0], numbers[1], numbers[2]);
    (numbers[0], numbers[1])
}

#[tokio::test]
async fn a_path_that_comes_back_to_where_it_began_is_no_square() {
    let server = Place::new().start().await;
    assert_eq!(read(AROUND, vec![format!("{}/tiles/base", server.url())]).await, [0, 1]);
}

#[tokio::test]
async fn areas_on_the_grid_are_drawn_as_they_would_be_without_it() {
    let careful = Place::new();
    let without = definitions().replace("grid_zoom: 16\n", "\n");
    assert_ne!(without, definitions());
    fs::write(careful.file("sources.yaml"), without).unwrap();
    let (quick, careful) = (Place::new().start().await, careful.start().await);
    let urls = [&quick, &careful].map(|server| format!("{}/tiles/base", server.url()));
    let numbers = read(COMPARE, urls.into()).await;
    assert!(numbers[0] > 600 && numbers[1] == 0, "{} the same, {} different", numbers[0], numbers[1]);
}

#[tokio::test]
async fn of_the_bundled_city() {
    let (tiles, features) = decode_all(Place::new(), "16").await;
    assert!(tiles > 40 && features > 5_000, "{tiles} tiles, {features} features");
}

#[tokio::test]
async fn of_an_island() {
    let extract = workspace::root().join("../shared/data/malta/malta-2016-11.osm.pbf");
    if !Path::new(&extract).exists() {
        println!("not looked at: there is no {}", extract.display());
        return;
    }
    let place = Place::new();
    let built = build(&extract, &place.file("base.duckdb"));
    assert!(built.status.success(), "{}", text(&built));
    assert!(fs::metadata(place.file("base.duckdb")).unwrap().len() > 5_000_000);
    let (tiles, features) = decode_all(place, "14").await;
    assert!(tiles > 300 && features > 50_000, "{tiles} tiles, {features} features");
}

use std::{fs, process::Command, time::Duration};
use testbed::{Browser, Options, System, tile_readers, workspace};

const PATIENCE: Duration = Duration::from_secs(120);

/// How many pixels of the drawn map have nearly this colour, and how many colours there are.
const LOOK: &str = "(() => {
    const copy = document.createElement('canvas');
    const canvas = map.getCanvas();
    [copy.width, copy.height] = [canvas.width, canvas.height];
    const context = copy.getContext('2d');
    context.drawImage(canvas, 0, 0);
    const pixels = context.getImageData(0, 0, copy.width, copy.height).data;
    const seen = {route: 0, park: 0, water: 0, building: 0, path: 0, colours: new Set()};
    const wanted = {route: [0x6d, 0x2f, 0xb5], park: [0xd3, 0xe5, 0xc0], building: [0xe7, 0xe0, 0xd6], path: [0xb9, 0x71, 0x3f]};
    for (let at = 0; at < pixels.length; at += 4) {
        for (const [name, colour] of Object.entries(wanted))
            if (colour.every((part, i) => Math.abs(pixels[at + i] - part) < 28)) seen[name]++;
        seen.colours.add(pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2]);
    }
    const layers = (source) => map.queryRenderedFeatures().filter((feature) => feature.source === source).length;
    return {...seen, colours: seen.colours.size, base: layers('base'), pois: layers('pois'), lines: layers('route')};
})()";

#[tokio::test]
async fn in_a_browser() {
    let system = System::start(Options { map: true, ..Options::default() }).await.unwrap();
    let origin = system.public_url().unwrap().to_owned();
    let mut browser = Browser::start().await.unwrap();
    browser.open(&format!("{origin}/?walk")).await.unwrap();
    let drawn = "!!window.map && map.loaded() && map.areTilesLoaded() && map.queryRenderedFeatures().some((f) => f.source === 'route')";
    browser.wait_for(drawn, PATIENCE).await.unwrap();

    let seen = browser.evaluate(LOOK).await.unwrap();
    let pixels = |name: &str| seen[name].as_u64().unwrap();
    let picture = browser.screenshot().await.unwrap();
    let file = workspace::private_dir().join("screenshots/map.png.base64");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, &picture).unwrap();
    for (name, least) in [
        ("route", 2000),
        ("park", 2000),
        ("building", 20_000),
        ("path", 200),
        ("colours", 200),
        ("base", 200),
        ("pois", 20),
        ("lines", 1),
    ] {
        assert!(pixels(name) >= least, "{name}: {seen}");
    }
    let stops = browser.evaluate("document.querySelectorAll('#walk li').length").await.unwrap();
    assert!(stops.as_u64().unwrap() >= 2, "{stops}");
    assert_eq!(browser.complaints, Vec::<String>::new());
    for url in &browser.requests {
        let own = url.starts_with(&origin) || url.starts_with("data:") || url.starts_with("blob:");
        assert!(own, "{url} is on another host");
    }
    let asked = |part: &str| browser.requests.iter().filter(|url| url.contains(part)).count();
    for part in ["/tiles/base/", "/tiles/pois/", "/tiles/routes/", "/tiles/fonts/", "/tiles/sprites/"] {
        assert!(asked(part) > 0, "nothing was asked of {part}");
    }
}

/// The farthest that a point of the route is from the line that its tiles draw, in metres.
const FARTHEST: &str = "
import json, math, sys
import mapbox_vector_tile
given = json.load(sys.stdin)
z, n = given['z'], 2 ** given['z']
def project(lon, lat):
    return (lon + 180) / 360 * n, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
drawn = []
for x, y, tile in given['tiles']:
    layer = mapbox_vector_tile.decode(bytes.fromhex(tile), default_options={'y_coord_down': True})
    assert list(layer) == ['route'], list(layer)
    for feature in layer['route']['features']:
        geometry = feature['geometry']
        lines = [geometry['coordinates']] if geometry['type'] == 'LineString' else geometry['coordinates']
        assert geometry['type'] in ('LineString', 'MultiLineString'), geometry['type']
        drawn += [[(x + px / 4096, y + py / 4096) for px, py in line] for line in lines]
def distance(p, a, b):
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = 0 if length == 0 else max(0, min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length))
    return math.hypot(p[0] - a[0] - along * dx, p[1] - a[1] - along * dy)
metres = 40075016.686 / n * math.cos(math.radians(given['path'][0][1]))
segments = [(a, b) for line in drawn for a, b in zip(line, line[1:])]
worst = max(given['path'], key=lambda at: min(distance(project(*at), a, b) for a, b in segments))
print(min(distance(project(*worst), a, b) for a, b in segments) * metres)
print(worst, project(*worst), [t[:2] for t in given['tiles']], file=sys.stderr)
";

#[tokio::test]
async fn within_a_metre() {
    let system = System::start(Options { map: true, ..Options::default() }).await.unwrap();
    let walker = system.walker().await.unwrap();
    let route = crate::nobody_elses_route_is_drawn::take_a_walk(&walker).await;
    let id = route["route_id"].as_str().unwrap();
    let z = 16;
    let path: Vec<(f64, f64)> = serde_json::from_value(route["path"]["coordinates"].clone()).unwrap();
    let mut at: Vec<(u32, u32)> = path
        .iter()
        .map(|(lon, lat)| {
            let n = f64::from(1 << z);
            let row = (1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0;
            (((lon + 180.0) / 360.0 * n) as u32, (row * n) as u32)
        })
        .collect();
    at.sort_unstable();
    at.dedup();
    let mut tiles = Vec::new();
    for (x, y) in at {
        let request = walker.request(testbed::Method::GET, &format!("/tiles/routes/{id}/{z}/{x}/{y}.pbf"));
        let tile = testbed::Walker::answer(request.header("accept-encoding", "identity")).await.unwrap();
        assert_eq!(tile.status, 200, "{x}/{y}: {}", tile.text());
        assert_eq!(tile.header("cache-control"), "private, max-age=86400");
        let hex: String = tile.body.iter().map(|byte| format!("{byte:02x}")).collect();
        tiles.push((x, y, hex));
    }
    let given = serde_json::json!({"z": z, "tiles": tiles, "path": path});
    let file = testbed::Scratch::new("route-tiles").unwrap();
    fs::write(file.path().join("given.json"), given.to_string()).unwrap();
    let farthest = Command::new(tile_readers().join("bin/python"))
        .args(["-c", FARTHEST])
        .stdin(fs::File::open(file.path().join("given.json")).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&farthest.stdout).trim().to_owned();
    assert!(farthest.status.success(), "{}", String::from_utf8_lossy(&farthest.stderr));
    let metres: f64 = said.parse().unwrap();
    assert!(metres <= 1.0, "{metres} m: {}", String::from_utf8_lossy(&farthest.stderr));
}

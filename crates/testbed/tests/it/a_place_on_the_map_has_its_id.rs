use std::{fs, process::Command};
use testbed::{Options, Scratch, System, tile_readers};

/// Each feature's id, its property of that name, and the names of its other properties.
const READ: &str = "
import sys
import mapbox_vector_tile
layers = mapbox_vector_tile.decode(open(sys.argv[1], 'rb').read())
assert list(layers) == ['pois'], list(layers)
for feature in layers['pois']['features']:
    properties = feature['properties']
    number = properties.pop('id')
    assert type(number) is int, number
    print(feature['id'], number, ' '.join(sorted(properties)))
";

/// Beyond what 32 bits hold, beyond what a double holds, and the last one that there can be.
const LARGE: [i64; 3] = [(1 << 40) + 1, (1 << 53) + 1, i64::MAX - 2];

#[tokio::test]
async fn also_among_its_properties() {
    let system = System::start(Options { map: true, ..Options::default() }).await.unwrap();
    for id in LARGE {
        let place = format!(
            "INSERT INTO pois (id, lon, lat, name, popularity_score, kind, dwell_s, dataset)
             SELECT {id}, 24.9414, 60.1699, 'Place {id}', 1, kind, dwell_s, dataset FROM pois LIMIT 1"
        );
        system.database().sql(&place).await.unwrap();
    }
    let url = format!("{}/tiles/pois/14/9327/4742", system.martin().unwrap().url());
    let request = reqwest::Client::new().get(url).header("accept-encoding", "identity");
    let tile = request.send().await.unwrap().bytes().await.unwrap();
    let scratch = Scratch::new("pois-tile").unwrap();
    let file = scratch.path().join("tile.pbf");
    fs::write(&file, &tile).unwrap();
    let read =
        Command::new(tile_readers().join("bin/python")).args(["-c", READ]).arg(&file).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let said = String::from_utf8(read.stdout).unwrap();
    let places: Vec<Vec<&str>> = said.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    for place in &places {
        assert_eq!(place[0], place[1], "{place:?}");
        // Not every place has a name, or an icon.
        let others: Vec<&str> = place[2].split(' ').collect();
        assert!(others.contains(&"popularity_score"), "{place:?}");
        assert!(others.iter().all(|name| ["icon", "name", "popularity_score"].contains(name)), "{place:?}");
    }
    for id in LARGE {
        assert!(places.iter().any(|place| place[0] == id.to_string()), "{id} is not in:\n{said}");
    }
    assert!(places.len() > 20, "the bundled city is there as well:\n{said}");
}

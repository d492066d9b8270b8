//! Whatever a caller writes into Accept-Encoding, a tile of their route comes in a coding that they accept, or they hear
//! that there is none: never that the map is away.

use flate2::read::GzDecoder;
use std::{fs, io::Read};
use testbed::{Method, Options, StatusCode, System, Walker};

use crate::nobody_elses_route_is_drawn::take_a_walk;

#[tokio::test]
async fn a_tile_comes_in_a_coding_that_the_caller_accepts() {
    let system = System::start(Options { map: true, ..Options::default() }).await.unwrap();
    let walker = system.walker().await.unwrap();
    let route = take_a_walk(&walker).await;
    let path = format!("/tiles/routes/{}/14/9327/4742.pbf", route["route_id"].as_str().unwrap());
    let plain = walker.get(&path).await.unwrap();
    assert_eq!((plain.status, plain.header("content-encoding")), (StatusCode::OK, ""));

    for (lines, expected) in [
        (&[][..], Some("")),
        (&[""], Some("")),
        (&["identity"], Some("")),
        (&["gzip, deflate, br, zstd"], Some("gzip")),
        (&["GZIP"], Some("gzip")),
        (&["br"], Some("br")),
        (&["zstd;q=1.0, gzip;q=0.5"], Some("zstd")),
        (&["br;q=0.2", "gzip;q=0.7"], Some("gzip")),
        (&["gzip;q=0"], Some("")),
        (&["gzip;q=0, *"], Some("br")),
        (&["identity;q=0, *"], Some("gzip")),
        (&["*;q=0, br"], Some("br")),
        (&["*;q=0, identity;q=0.001"], Some("")),
        (&["deflate"], Some("")),
        (&["nonsense;;;q=x,,\"; q"], Some("")),
        (&["gzip;q=7"], Some("")),
        (&["g\u{ef}p"], Some("")),
        (&["identity;q=0"], None),
        (&["*;q=0"], None),
        (&["identity;q=0, deflate"], None),
        (&["identity;q=0", "*;q=0.000"], None),
    ] {
        let request = walker.request(Method::GET, &path);
        let request =
            lines.iter().fold(request, |request, line| request.header("accept-encoding", line.as_bytes()));
        let answer = Walker::answer(request).await.unwrap();
        match expected {
            Some(coding) => {
                assert_eq!(
                    (answer.status, answer.header("content-encoding")),
                    (StatusCode::OK, coding),
                    "{lines:?}"
                );
                assert_eq!(answer.header("content-type"), "application/vnd.mapbox-vector-tile", "{lines:?}");
            }
            None => {
                assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{lines:?}: {}", answer.text());
                assert_eq!(answer.json()["type"], "urn:wildside:problem:not-acceptable");
            }
        }
        match expected {
            Some("") => assert_eq!(answer.body, plain.body, "{lines:?}"),
            Some("gzip") => {
                let mut tile = Vec::new();
                GzDecoder::new(&answer.body[..]).read_to_end(&mut tile).unwrap();
                assert_eq!(tile, plain.body, "{lines:?}");
            }
            _ => {}
        }
    }
    let log = fs::read_to_string(system.gateway(0).unwrap().log()).unwrap();
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("\"ERROR\"")).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use admin::Source;
use sha2::{Digest, Sha256};

use crate::{World, pbf::Osm};

/// A server of one file that hangs up after `most` bytes of each answer. Notes the Range of each request.
fn serve(file: Vec<u8>, most: usize) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/maps/village.osm.pbf", listener.local_addr().unwrap());
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let noted = ranges.clone();
    thread::spawn(move || {
        for connection in listener.incoming() {
            answer(connection.unwrap(), &file, most, &noted);
        }
    });
    (url, ranges)
}

fn answer(mut connection: TcpStream, file: &[u8], most: usize, noted: &Mutex<Vec<String>>) {
    let head = BufReader::new(connection.try_clone().unwrap()).lines().map_while(Result::ok);
    let head: Vec<String> =
        head.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    let range = head.iter().find_map(|line| line.strip_prefix("range: bytes=")).unwrap_or("").to_owned();
    let start: usize = range.trim_end_matches('-').parse().unwrap_or(0);
    noted.lock().unwrap().push(range);
    let status = match start {
        0 => "200 OK".to_owned(),
        _ => format!("206 Partial Content\r\ncontent-range: bytes {start}-{}/{}", file.len() - 1, file.len()),
    };
    let length = file.len() - start;
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\netag: \"v1\"\r\nconnection: close\r\n\r\n");
    let end = file.len().min(start + most);
    let _ = connection.write_all(&[head.as_bytes(), &file[start..end]].concat());
}

fn village() -> Vec<u8> {
    Osm::default().node(1, 10.001, 50.001, "amenity=cafe name=Linde").node(2, 10.002, 50.002, "").bytes()
}

fn source(world: &World, url: &str, sha256: &str) -> Source {
    let to = Some(world.folder.path().join("village.osm.pbf"));
    Source { extract: None, download: Some(url.into()), sha256: Some(sha256.into()), to }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect()
}

#[tokio::test]
async fn a_download_that_broke_off_goes_on_where_it_stopped() {
    let world = World::new().await;
    let file = village();
    let (url, ranges) = serve(file.clone(), 100);
    let mut args = world.args(&world.folder.path().join("unused"), "village");
    args.source = source(&world, &url, &hash(&file));
    assert_eq!(admin::ingest(args.clone()).await.unwrap().added, 1);
    assert!(file.len() > 100, "{}", file.len());
    assert_eq!(ranges.lock().unwrap()[..2], ["".to_owned(), "100-".into()]);
    let left: Vec<_> =
        std::fs::read_dir(world.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["village.osm.pbf"]);
    // What is there and hashes as it should is not fetched again.
    let asked = ranges.lock().unwrap().len();
    assert!(!admin::ingest(args).await.unwrap().changed);
    assert_eq!(ranges.lock().unwrap().len(), asked);
}

#[tokio::test]
async fn a_download_with_another_hash_is_thrown_away() {
    let world = World::new().await;
    let (url, _) = serve(village(), usize::MAX >> 1);
    let mut args = world.args(&world.folder.path().join("unused"), "village");
    args.source = source(&world, &url, &"0".repeat(64));
    let error = format!("{:#}", admin::ingest(args).await.unwrap_err());
    assert!(error.contains("hashes to"), "{error}");
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 0);
    assert_eq!(world.sql("SELECT count(*) FROM datasets").await, "0");
}

#[tokio::test]
async fn only_http_and_https_are_fetched() {
    let world = World::new().await;
    let mut args = world.args(&world.folder.path().join("unused"), "village");
    args.source = source(&world, "file:///etc/hostname", &"0".repeat(64));
    let error = format!("{:#}", admin::ingest(args).await.unwrap_err());
    assert!(error.contains("neither https:// nor http://"), "{error}");
}

use std::{
    fs, panic,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use domain::ThemeCatalogue;
use extract::{Extract, Progress};

/// Panics that somebody would have seen.
static PANICS: AtomicUsize = AtomicUsize::new(0);
static CATALOGUE: LazyLock<ThemeCatalogue> = LazyLock::new(|| {
    panic::set_hook(Box::new(|_| _ = PANICS.fetch_add(1, Relaxed)));
    ThemeCatalogue::bundled()
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A few kilobytes each, not the one that is large when it is unpacked.
fn small_extracts() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(root().join("fuzz/corpus/extract")).unwrap().map(|file| file.unwrap().path());
    let files = files.map(|path| (path.display().to_string(), fs::read(&path).unwrap()));
    files.filter(|(_, bytes)| bytes.len() < 10_000).collect()
}

/// Reads bytes as an extract. No panic is seen, whatever they are.
fn read(what: &str, bytes: &[u8]) -> Result<usize, String> {
    let catalogue = &*CATALOGUE;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let before = PANICS.load(Relaxed);
    let content = Extract::open(file.path(), Progress::Quiet)
        .and_then(|extract| extract::read(&extract, catalogue, None));
    assert_eq!(PANICS.load(Relaxed), before, "{what}");
    content.map(|content| content.places.len()).map_err(|error| format!("{error:#}"))
}

/// Numbers that look random and are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }

    /// Damages bytes as a disk, a broken download or a forger would.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            let at = self.roll(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match self.roll(6) {
                _ if bytes.is_empty() => return,
                0 => bytes[at] ^= 1 << self.roll(8),
                1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.roll(5)],
                2 => bytes.truncate(at),
                3 => _ = bytes.drain(at..(at + 1 + self.roll(9)).min(bytes.len())),
                4 => bytes.splice(at..at, [0xff; 9]).for_each(drop),
                _ => bytes.extend_from_within(at..(at + 40).min(bytes.len())),
            }
        }
    }
}

#[test]
fn thousands_of_damaged_files_are_read_or_refused() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for (name, bytes) in small_extracts() {
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            dice.damage(&mut damaged);
            refused += usize::from(read(&name, &damaged).is_err());
        }
    }
    assert!(refused > 1_000, "{refused}");
}

#[test]
fn a_damaged_city_is_called_damaged() {
    let city = fs::read(root().join("data/helsinki-centre.osm.pbf")).unwrap();
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for _ in 0..8 {
        let mut damaged = city.clone();
        let at = dice.roll(city.len());
        damaged[at] ^= 1 << dice.roll(8);
        match read("the city", &damaged) {
            Err(error) => assert!(
                ["damaged", "no header", "not understood"].iter().any(|it| error.contains(it)),
                "{error}"
            ),
            // What nobody reads may be wrong: the time in the header, say.
            Ok(places) => assert!(places > 0),
        }
        let cut = read("the city", &city[..at]).unwrap_err();
        assert!(["damaged", "no header", "contains no nodes"].iter().any(|it| cut.contains(it)), "{cut}");
    }
}

#[test]
fn a_file_that_ends_within_the_length_of_a_blob_is_damaged() {
    let city = fs::read(root().join("data/helsinki-centre.osm.pbf")).unwrap();
    for more in [&[0][..], &[0, 0], &[0, 0, 0]] {
        let error = read("the city", &[&city, more].concat()).unwrap_err();
        assert!(error.contains("damaged"), "{error}");
    }
}

#[test]
fn what_would_grow_beyond_measure_is_refused() {
    let bomb = fs::read(root().join("fuzz/corpus/extract/sixteen_million_groups.osm.pbf")).unwrap();
    assert!(bomb.len() < 100_000);
    let error = read("a bomb", &bomb).unwrap_err();
    assert!(error.contains("damaged") && error.contains("more fields"), "{error}");
}

#[test]
fn a_panic_of_the_reader_is_damage() {
    let path = root().join("fuzz/corpus/extract/member_of_an_unknown_kind.osm.pbf");
    let error = read("a member", &fs::read(path).unwrap()).unwrap_err();
    assert!(error.contains("is damaged: its reader gave up"), "{error}");
}

use anyhow::{Context, ensure};
use serde_json::Value;
use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    connection::Connection,
    contender::{Choice, Contender, Server, TileId},
    features::features,
    figures::{Figure, Figures, Key},
};
use crate::{console::warn, dice::Dice};

pub(crate) const ZOOMS: [u8; 4] = [10, 12, 14, 16];
/// Who ask at once for what is in the cache, and for what has to be made.
const CACHED_CLIENTS: usize = 16;
const COLD_CLIENTS: usize = 4;
/// How long each turn with cached tiles is.
const TURN: Duration = Duration::from_millis(400);
/// Of a turn with cold tiles at least so many are asked for; where a zoom has fewer tiles, some more than once.
const COLD_TILES: usize = 16;

/// Servers that are asked for the same tiles, one after the other, again and again: what the machine does besides hits
/// all of them.
pub(crate) struct Contest<'a> {
    contenders: &'a [Contender],
    tiles: Vec<(u8, Vec<TileId>)>,
}

impl<'a> Contest<'a> {
    /// With tiles of each zoom that have something on them, at most so many.
    pub fn new(contenders: &'a [Contender], most: usize, seed: u64) -> anyhow::Result<Self> {
        let ours = &contenders.first().context("there is nobody to measure")?.cold;
        let mut door = Connection::open(ours.port)?;
        let about: Value = serde_json::from_slice(door.get("/tiles/base.json", "identity")?.1)?;
        let bounds: [f64; 4] =
            serde_json::from_value(about["bounds"].clone()).context("reading the bounds")?;
        let mut tiles = Vec::new();
        for zoom in ZOOMS {
            let mut candidates = tiles_of(zoom, bounds);
            let mut dice = Dice::new(seed, u32::from(zoom));
            let mut chosen = Vec::new();
            while chosen.len() < most && !candidates.is_empty() {
                let id = candidates.swap_remove(dice.below(candidates.len()));
                // Roads are what is compared; a tile with them has something on it.
                if door.get(&ours.path(Choice::OneLayer, id), "gzip")?.0 == 200 {
                    chosen.push(id);
                }
            }
            ensure!(!chosen.is_empty(), "there is no tile of zoom {zoom} with a road");
            tiles.push((zoom, chosen));
        }
        Ok(Self { contenders, tiles })
    }

    /// So many turns for everybody.
    pub fn run(&self, rounds: u32) -> anyhow::Result<Figures> {
        let mut figures = Figures::new(self.contenders.iter().map(|contender| contender.name).collect());
        for round in 0..rounds {
            warn(&format!("Round {} of {rounds}", round + 1));
            for (zoom, tiles) in &self.tiles {
                for choice in [Choice::OneLayer, Choice::AllLayers] {
                    for contender in self.contenders {
                        let key = |figure| Key { choice, zoom: *zoom, figure, name: contender.name };
                        if round == 0 {
                            look(&contender.cached, choice, tiles, &mut |figure, value| {
                                figures.take(key(figure), value);
                            })?;
                        }
                        let mut take = |figure, value| figures.take(key(figure), value);
                        cold_alone(&contender.cold, choice, tiles, &mut take)?;
                        cold_together(&contender.cold, choice, tiles, &mut take)?;
                        cached(&contender.cached, choice, tiles, &mut take)?;
                    }
                }
            }
        }
        for contender in self.contenders {
            figures.remember(contender.name, contender.cached.memory_mb(), contender.cold.memory_mb().0);
        }
        Ok(figures)
    }
}

/// What the tiles are like, unpacked and as they are sent; after this they are in the cache.
fn look(
    server: &Server,
    choice: Choice,
    tiles: &[TileId],
    take: &mut dyn FnMut(Figure, f64),
) -> anyhow::Result<()> {
    let mut door = Connection::open(server.port)?;
    for id in tiles {
        let path = server.path(choice, *id);
        take(Figure::Features, features(door.tile(&path, "identity")?) as f64);
        take(Figure::Bytes, door.tile(&path, "gzip")?.len() as f64);
    }
    Ok(())
}

/// One client. The server's CPU time is read between any two tiles, so each tile's is known.
fn cold_alone(
    server: &Server,
    choice: Choice,
    tiles: &[TileId],
    take: &mut dyn FnMut(Figure, f64),
) -> anyhow::Result<()> {
    let mut door = Connection::open(server.port)?;
    for id in tiles {
        let path = server.path(choice, *id);
        let before = server.cpu();
        let began = Instant::now();
        door.tile(&path, "gzip")?;
        let took = began.elapsed();
        // What it does once the answer is out belongs to this tile as well.
        thread::sleep(Duration::from_micros(300));
        take(Figure::ColdTime, took.as_secs_f64() * 1e3);
        take(Figure::ColdCpu, server.cpu().since(&before).as_secs_f64() * 1e3);
    }
    Ok(())
}

fn cold_together(
    server: &Server,
    choice: Choice,
    tiles: &[TileId],
    take: &mut dyn FnMut(Figure, f64),
) -> anyhow::Result<()> {
    let paths: Vec<String> = tiles.iter().map(|id| server.path(choice, *id)).collect();
    let each = paths.len().max(COLD_TILES).div_ceil(COLD_CLIENTS);
    let began = Instant::now();
    let times = together(server.port, COLD_CLIENTS, &|client, number| {
        (number < each).then(|| &*paths[(client * each + number) % paths.len()])
    })?;
    take(Figure::ColdRate, times.len() as f64 / began.elapsed().as_secs_f64());
    Ok(())
}

fn cached(
    server: &Server,
    choice: Choice,
    tiles: &[TileId],
    take: &mut dyn FnMut(Figure, f64),
) -> anyhow::Result<()> {
    let paths: Vec<String> = tiles.iter().map(|id| server.path(choice, *id)).collect();
    let (before, began) = (server.cpu(), Instant::now());
    let times = together(server.port, CACHED_CLIENTS, &|client, number| {
        (began.elapsed() < TURN).then(|| &*paths[(client + number) % paths.len()])
    })?;
    let took = began.elapsed().as_secs_f64();
    let cpu = server.cpu().since(&before).as_secs_f64();
    take(Figure::CachedRate, times.len() as f64 / took);
    take(Figure::CachedCpu, cpu * 1e6 / times.len() as f64);
    for time in times {
        take(Figure::CachedTime, time.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Clients that ask at once, each one thing after the other until there is nothing more: how long each answer took.
fn together<'a>(
    port: u16,
    clients: usize,
    next: &(impl Fn(usize, usize) -> Option<&'a str> + Sync),
) -> anyhow::Result<Vec<Duration>> {
    let client = |client: usize| {
        let mut door = Connection::open(port)?;
        let mut times = Vec::new();
        while let Some(path) = next(client, times.len()) {
            let began = Instant::now();
            door.tile(path, "gzip")?;
            times.push(began.elapsed());
        }
        anyhow::Ok(times)
    };
    let client = &client;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|number| scope.spawn(move || client(number))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))??);
        }
        Ok(all)
    })
}

/// The tiles of a zoom in a box of degrees.
fn tiles_of(zoom: u8, [west, south, east, north]: [f64; 4]) -> Vec<TileId> {
    let count = f64::from(1_u32 << zoom);
    // Within the world, so it fits.
    let step = |share: f64| (share * count).floor().clamp(0.0, count - 1.0) as u32;
    let column = |lon: f64| step((lon + 180.0) / 360.0);
    let row = |lat: f64| step((1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0);
    let columns = column(west)..=column(east);
    columns.flat_map(|x| (row(north)..=row(south)).map(move |y| (zoom, x, y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_has_its_tiles() {
        let helsinki = [24.9352, 60.1642, 24.9534, 60.1791];
        let tiles = tiles_of(14, helsinki);
        assert_eq!(tiles, [(14, 9326, 4741), (14, 9326, 4742), (14, 9327, 4741), (14, 9327, 4742)]);
        assert_eq!(tiles_of(0, [-180.0, -85.0, 180.0, 85.0]), [(0, 0, 0)]);
    }
}

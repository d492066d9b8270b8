use anyhow::bail;
use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Below the ports that Linux gives to outgoing connections, so that none of those takes a server's port while the
/// server restarts.
const FIRST: u32 = 15_000;
const COUNT: u32 = 17_000;

/// How many ports this process has tried so far.
static TRIED: AtomicU32 = AtomicU32::new(0);

/// A port of 127.0.0.1 that nobody listens on. It is never given twice by one process; two processes that ask at the
/// same time start at different places.
pub fn free_port() -> anyhow::Result<u16> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    // Only the first caller's clock matters: from there on the ports are counted up.
    let start = TRIED.load(Ordering::Relaxed);
    if start == 0 {
        let first = (std::process::id().wrapping_mul(7_919) ^ nanos) % COUNT + 1;
        let _ = TRIED.compare_exchange(0, first, Ordering::Relaxed, Ordering::Relaxed);
    }
    for _ in 0..COUNT {
        let port = u16::try_from(FIRST + TRIED.fetch_add(1, Ordering::Relaxed) % COUNT)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {FIRST} and {}", FIRST + COUNT)
}

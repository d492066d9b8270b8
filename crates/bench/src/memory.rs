//! What Linux says of this process: proc(5), `/proc/self/status`.

/// Megabytes in memory now.
pub(crate) fn resident_mb() -> f64 {
    megabytes("VmRSS:")
}

/// Of them, those that are no part of a mapped file.
pub(crate) fn own_mb() -> f64 {
    megabytes("RssAnon:")
}

/// The most there ever were.
pub(crate) fn peak_mb() -> f64 {
    megabytes("VmHWM:")
}

/// Not a number where the system does not tell.
fn megabytes(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_is_seen() {
        let before = resident_mb();
        let used = vec![1_u8; 32 << 20];
        assert!(resident_mb() > before + 16.0 && peak_mb() >= resident_mb(), "{}", used.len());
    }
}

//! What Linux says of other processes: proc(5).

use std::{collections::BTreeMap, fs, time::Duration};

/// CPU time so far of some processes, thread by thread: exact to the nanosecond, which the ticks of /proc/PID/stat are not.
#[derive(Default)]
pub(crate) struct CpuTimes(BTreeMap<u32, u64>);

/// Time so far that a process's threads ran, and that they could have run had there been a core for them.
pub(crate) fn ran_and_waited(process: u32) -> [Duration; 2] {
    let of = |field| CpuTimes::read(&[process], field).total();
    [of(0), of(1)]
}

impl CpuTimes {
    pub fn of(processes: &[u32]) -> Self {
        Self::read(processes, 0)
    }

    /// A field of each thread's /proc/PID/task/TID/schedstat, in nanoseconds.
    fn read(processes: &[u32], field: usize) -> Self {
        let mut times = BTreeMap::new();
        for process in processes {
            // What has ended by now is left out.
            for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
                let stat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                let nanos = stat.split(' ').nth(field).and_then(|nanos| nanos.parse::<u64>().ok());
                let id = task.file_name().to_str().and_then(|id| id.parse::<u32>().ok());
                times.extend(id.zip(nanos));
            }
        }
        Self(times)
    }

    /// What has been used since then. A thread that is new since then has used all its time since then.
    pub fn since(&self, before: &Self) -> Duration {
        let used = self.0.iter().map(|(id, now)| now.saturating_sub(*before.0.get(id).unwrap_or(&0)));
        Duration::from_nanos(used.sum())
    }

    /// All of it.
    pub fn total(&self) -> Duration {
        self.since(&Self::default())
    }
}

/// A process and those that it has started itself.
pub(crate) fn family(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    [process].into_iter().chain(children).collect()
}

/// The most megabytes that a process ever had in memory.
pub(crate) fn peak_mb(process: u32) -> f64 {
    megabytes(&format!("/proc/{process}/status"), "VmHWM:")
}

/// Megabytes that a process has in memory now, of what it shares with others only its part.
pub(crate) fn share_mb(process: u32) -> f64 {
    megabytes(&format!("/proc/{process}/smaps_rollup"), "Pss:")
}

/// Zero where the system does not tell.
fn megabytes(file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kilobytes.map_or(0.0, |kilobytes| kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_is_used_is_seen() {
        let us = [std::process::id()];
        let before = CpuTimes::of(&us);
        let mut sum = 0_u64;
        while CpuTimes::of(&us).since(&before) < Duration::from_millis(20) {
            sum = std::hint::black_box((0..100_000).fold(sum, u64::wrapping_add));
        }
        assert!(before.total() < CpuTimes::of(&us).total() && peak_mb(us[0]) > 0.0, "{sum}");
        assert_eq!(family(us[0])[0], us[0]);
    }
}

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// CPU time of this process so far, over all its threads: a machine that does other things as well changes it little,
/// and work that is handed to another thread counts.
pub(crate) fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// What work gives, and the CPU time it takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = cpu_time();
    let result = work();
    (result, cpu_time().saturating_sub(began))
}

//! Metrics in Prometheus' text form. A service counts with the `metrics` macros; this is where the numbers come out.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Seconds: from a cache hit (a millisecond) to a walk that took too long.
const BUCKETS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Starts to count; a second call changes nothing.
pub fn install() {
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
            .unwrap_or_else(|error| unreachable!("the list of buckets is not empty: {error}"));
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Only fails where another recorder is installed, and this is the only place that installs one.
        metrics::set_global_recorder(recorder).ok();
        handle
    });
}

/// Puts away what was measured since the last time. Histograms keep every sample until then: nobody may come to scrape.
pub fn tidy() {
    if let Some(handle) = HANDLE.get() {
        handle.run_upkeep();
    }
}

/// All metrics as text.
pub fn render() -> String {
    HANDLE.get().map(PrometheusHandle::render).unwrap_or_default()
}

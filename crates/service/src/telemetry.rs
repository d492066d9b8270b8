//! JSON logs and traces. One request has one trace, from the HTTP call through NATS into the worker and the notifier:
//! the W3C trace context travels in message headers, and every log line inside a span carries `trace_id` and whatever
//! else the span was given, `request_id` first of all.

mod exporter;

use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use thiserror::Error;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{ReportingConfig, TlsConfig};

/// Telemetry could not be set up.
#[derive(Debug, Error)]
#[error("telemetry: {0}")]
pub struct TelemetryError(String);

/// Sends what is left when it is dropped.
pub struct TelemetryGuard {
    provider: SdkTracerProvider,
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

/// Starts logging and tracing for this process. Where traces are sent, it has to be called inside the runtime.
pub fn start(
    service: &'static str,
    config: &ReportingConfig,
    tls: &TlsConfig,
) -> Result<TelemetryGuard, TelemetryError> {
    let wrong = |error: &dyn std::fmt::Display| TelemetryError(error.to_string());
    let mut provider =
        SdkTracerProvider::builder().with_resource(Resource::builder().with_service_name(service).build());
    if let Some(endpoint) = &config.otlp_endpoint {
        let traces = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(exporter::Client::new(tls).map_err(|error| wrong(&error))?)
            .with_endpoint(traces)
            .build()
            .map_err(|error| wrong(&error))?;
        provider = provider.with_batch_exporter(exporter);
    }
    let provider = provider.build();
    global::set_tracer_provider(provider.clone());
    let filter = EnvFilter::try_new(&config.log).map_err(|error| wrong(&error))?;
    let logs = json_subscriber::fmt::layer()
        .flatten_event(true)
        .with_current_span(false)
        .flatten_span_list_on_top_level(true)
        .with_filter(filter);
    // Spans are made whatever the log filter says: the ids must travel on even where nothing is logged.
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("wildside"))
        .with_filter(EnvFilter::new("info,hyper=off,reqwest=off,h2=off,opentelemetry=off"));
    tracing_subscriber::registry()
        .with(logs)
        .with(traces)
        .with(tracing_subscriber::filter::LevelFilter::TRACE)
        .try_init()
        .map_err(|error| wrong(&error))?;
    Ok(TelemetryGuard { provider })
}

/// Makes `span` part of the trace that `traceparent` names, or of a new one, and records the `trace_id` that log lines
/// show. The span must have an empty field of that name. Only for what our own programs say.
pub fn join_trace(span: &Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent.and_then(context) {
        // Fails only where no tracing is set up, as in tests.
        span.set_parent(parent).ok();
    }
    record_trace_id(span);
}

/// Begins a trace with `span`, as [`join_trace`] does. One that a stranger names is linked, not joined.
pub fn begin_trace(span: &Span, foreign: Option<&str>) {
    if let Some(foreign) = foreign.and_then(context) {
        span.add_link(foreign.span().span_context().clone());
    }
    record_trace_id(span);
}

/// The context that a `traceparent` names, if it names one.
fn context(traceparent: &str) -> Option<Context> {
    let context = TraceContextPropagator::new().extract(&Carrier(Some(traceparent.to_owned())));
    context.span().span_context().is_valid().then_some(context)
}

fn record_trace_id(span: &Span) {
    let trace_id = span.context().span().span_context().trace_id();
    if trace_id != opentelemetry::TraceId::INVALID {
        span.record("trace_id", trace_id.to_string());
    }
}

/// The W3C trace context of the current span, for a message or a row.
pub fn traceparent() -> Option<String> {
    let mut carrier = Carrier(None);
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.0
}

/// Carries nothing but a `traceparent`.
struct Carrier(Option<String>);

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        if key == "traceparent" { self.0.as_deref() } else { None }
    }
    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = Some(value);
        }
    }
}

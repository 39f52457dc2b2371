//! Traces for an OpenTelemetry collector: spans with the target `traces`, batched, sent as protobuf over HTTP.
//!
//! Spans are made in the code that does the work, under a target that log lines never take, so that nothing is paid for
//! them while nobody wants traces. They carry ids, routes, statuses and durations; no phone numbers, no texts.
//!
//! **On failure.** A collector that does not answer costs spans and nothing else: the queue is bounded, what does not fit
//! is dropped, and no request waits for it.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use postern_runtime::Tasks;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, Registry};

use crate::config::TelemetryConfig;

/// How long a request to the collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long spans are gathered before they are sent.
const GATHERED: Duration = Duration::from_secs(2);
/// How long the last ones may take when the daemon ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// What takes spans and sends them.
pub(crate) struct Traces(SdkTracerProvider);

/// What a subscriber hands its spans to.
pub(crate) type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

impl Traces {
    /// Traces as the configuration wants them, if it does. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// The client or the exporter cannot be built.
    pub(crate) fn start(config: &TelemetryConfig) -> anyhow::Result<Option<(Self, SpanLayer)>> {
        let Some(url) = config.traces_url() else {
            return Ok(None);
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new()?)
            .with_endpoint(url.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(PATIENCE)
            .build()
            .context("traces cannot be exported")?;
        let gathering = BatchConfigBuilder::default()
            .with_scheduled_delay(GATHERED)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(gathering)
            .build();
        let sampler = Sampler::TraceIdRatioBased(config.sample_percent / 100.0);
        let resource = Resource::builder_empty()
            .with_service_name("postern")
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(resource)
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("postern"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target("traces", LevelFilter::INFO));
        Ok(Some((Self(provider), Box::new(layer))))
    }

    /// Sends what is left.
    pub(crate) async fn stop(self) {
        let farewell = move || self.0.shutdown_with_timeout(FAREWELL);
        match tokio::task::spawn_blocking(farewell).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(_panicked) => tracing::warn!("the last traces were not sent"),
        }
    }
}

/// Sends the exporter's requests on the runtime of the daemon: the exporter itself lives on a thread without one.
#[derive(Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
    tasks: Tasks,
}

impl Sender {
    fn new() -> anyhow::Result<Self> {
        // Fails only when the process has a provider already, which serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self {
            http,
            runtime: Handle::current(),
            tasks: Tasks::new(),
        })
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let call = self
            .http
            .request(head.method, head.uri.to_string())
            .headers(head.headers)
            .body(body);
        let sending = {
            let _runtime = self.runtime.enter();
            // Nothing in the body of an answer would be acted on.
            self.tasks.spawn("export of traces", async move {
                call.send().await.map(|answer| answer.status())
            })
        };
        let status = sending.await??.map_err(reqwest::Error::without_url)?;
        Ok(Response::builder().status(status).body(Bytes::new())?)
    }
}

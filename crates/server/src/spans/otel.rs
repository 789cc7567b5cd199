//! The spans of requests and batches, and who is sent them: what `OTEL_*` variables say.

use std::time::{Duration, Instant, SystemTime};

use axum::http::StatusCode;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    FutureExt, Link, Span, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::WithHttpConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};

use super::sender::Sender;
use super::{Asked, Batch, Part};
use crate::error::{Error, Result};
use crate::problem::Kind;

/// Most spans that may wait to be sent.
const MOST_WAITING: usize = 1 << 16;

/// Time to send what is left when the server ends.
const LAST: Duration = Duration::from_secs(2);

/// Where spans go; nowhere, unless the environment names a collector.
pub(crate) struct Spans(Option<Sending>);

struct Sending {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// Whether requests may belong to traces that others began.
    propagated: bool,
}

/// A request's place in its trace, which goes where its texts go.
pub(crate) type Place = Context;

/// The place of the request that the calling task works on.
pub(crate) fn place() -> Place {
    Context::current()
}

/// `work` as a part of the request at `place`.
pub(crate) fn within<F: Future>(place: Place, work: F) -> impl Future<Output = F::Output> {
    work.with_context(place)
}

/// A variable of the environment; an empty one counts as none.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The first of these variables that is there must have one of these values.
fn check(names: &[&'static str], expected: &'static str, fits: impl Fn(&str) -> bool) -> Result<()> {
    match names.iter().find_map(|name| Some((*name, variable(name)?))) {
        Some((what, found)) if !fits(found.trim()) => Err(Error::Setting { what, expected, found }),
        _ => Ok(()),
    }
}

impl Spans {
    /// What the environment's `OTEL_*` variables say.
    ///
    /// # Errors
    /// If one of them asks for what cannot be done.
    pub(crate) fn from_environment() -> Result<Self> {
        let endpoints = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        let named = endpoints.iter().any(|name| variable(name).is_some());
        let disabled = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        check(&["OTEL_TRACES_EXPORTER"], "otlp or none", |value| ["otlp", "none"].contains(&value))?;
        let exporter = variable("OTEL_TRACES_EXPORTER");
        if disabled || !exporter.map_or(named, |exporter| exporter.trim() == "otlp") {
            return Ok(Self(None));
        }
        let protocols = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
        check(&protocols, "http/protobuf", |value| value == "http/protobuf")?;
        check(&endpoints, "an address such as http://localhost:4318", |value| {
            value.starts_with("http://") || value.starts_with("https://")
        })?;
        let exporter =
            opentelemetry_otlp::SpanExporter::builder().with_http().with_http_client(Sender::new()).build().map_err(
                |error| Error::Setting {
                    what: "OTEL_EXPORTER_OTLP_*",
                    expected: "an endpoint, headers and a timeout that can be used",
                    found: error.to_string(),
                },
            )?;
        let waiting = variable("OTEL_BSP_MAX_QUEUE_SIZE").and_then(|value| value.trim().parse::<usize>().ok());
        let mut config = BatchConfigBuilder::default();
        if let Some(waiting) = waiting {
            config = config.with_max_queue_size(waiting.clamp(1, MOST_WAITING));
        }
        let mut resource = Resource::builder();
        let attributes = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        if variable("OTEL_SERVICE_NAME").is_none() && !attributes.contains("service.name=") {
            resource = resource.with_service_name("bitspike");
        }
        let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(config.build()).build())
            .build();
        let propagators = variable("OTEL_PROPAGATORS");
        let propagated = propagators.is_none_or(|names| names.split(',').any(|name| name.trim() == "tracecontext"));
        let tracer = provider.tracer("bitspike-server");
        Ok(Self(Some(Sending { provider, tracer, propagated })))
    }

    /// Whether anybody is told.
    pub(crate) fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// The place of a request that begins: a span of the trace that its `traceparent` names, or of a new one. Only those that ask
    /// something of a model are told, and no probes.
    pub(crate) fn begin(&self, asked: &Asked) -> Place {
        let Some(sending) = self.0.as_ref().filter(|_| asked.method == "POST") else { return Context::new() };
        let parent = match sending.propagated {
            true => {
                TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(asked.headers))
            }
            false => Context::new(),
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", asked.method),
            KeyValue::new("bitspike.request_id", asked.id.to_owned()),
        ];
        let mut name = asked.method.to_owned();
        if let Some(route) = asked.route {
            name = format!("{name} {route}");
            attributes.push(KeyValue::new("http.route", route.to_owned()));
            attributes.push(KeyValue::new("url.path", asked.path.to_owned()));
        }
        let span = sending
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_start_time(at(asked.began))
            .with_attributes(attributes)
            .start_with_context(&sending.tracer, &parent);
        parent.with_span(span)
    }

    /// Ends the span of a request; one that is never ended so, since its client left, has no status.
    pub(crate) fn end(&self, place: &Place, status: StatusCode, problem: Option<Kind>) {
        let span = place.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if let Some(problem) = problem {
            span.set_attribute(KeyValue::new("error.type", problem.name()));
        }
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end();
    }

    /// Tells of texts that were computed together.
    pub(crate) fn computed(&self, batch: Batch) {
        let Some(Sending { tracer, .. }) = &self.0 else { return };
        let Batch { model, began, ended, parts } = batch;
        let (texts, tokens) = parts.iter().fold((0, 0), |sum, part| (sum.0 + part.texts, sum.1 + part.tokens));
        let facts = |texts: usize, tokens: usize| {
            let count =
                |name: &'static str, value: usize| KeyValue::new(name, i64::try_from(value).unwrap_or(i64::MAX));
            [
                KeyValue::new("bitspike.model", model.to_owned()),
                count("bitspike.texts", texts),
                count("bitspike.tokens", tokens),
            ]
        };
        let link = |context: SpanContext| Link::new(context, Vec::new(), 0);
        let asking: Vec<Link> = parts
            .iter()
            .map(|part| part.place.span().span_context().clone())
            .filter(SpanContext::is_valid)
            .map(link)
            .collect();
        let span = |name: &'static str, from: Instant| tracer.span_builder(name).with_start_time(at(from));
        let mut whole = span("batch", began)
            .with_attributes(facts(texts, tokens))
            .with_links(asking)
            .start_with_context(tracer, &Context::new());
        whole.end_with_timestamp(at(ended));
        for Part { place, since, texts, tokens } in parts {
            span("queue", since).start_with_context(tracer, &place).end_with_timestamp(at(began));
            span("compute", began)
                .with_attributes(facts(texts, tokens))
                .with_links(vec![link(whole.span_context().clone())])
                .start_with_context(tracer, &place)
                .end_with_timestamp(at(ended));
        }
    }

    /// Sends what is left, within a moment.
    pub(crate) fn finish(&self) {
        if let Some(sending) = &self.0 {
            let _ = sending.provider.shutdown_with_timeout(LAST);
        }
    }
}

fn at(instant: Instant) -> SystemTime {
    SystemTime::now() - instant.elapsed()
}

//! What speaks to the collector, on the thread that sends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT;
use ureq::Agent;
use ureq::tls::TlsConfig;

use super::otel::variable;

/// Bytes of a collector's answer that are read.
const ANSWER: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Sender {
    agent: Agent,
    /// Whether the last spans did not arrive.
    failing: AtomicBool,
}

impl Sender {
    pub(super) fn new() -> Self {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
        let limit = names.iter().find_map(|name| variable(name)?.trim().parse().ok()).map(Duration::from_millis);
        let tls = TlsConfig::builder().root_certs(bitspike_hub::fetch::root_certificates()).build();
        let agent = Agent::config_builder()
            .timeout_global(Some(limit.unwrap_or(OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT)))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(tls)
            .build();
        Self { agent: agent.into(), failing: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let (head, body) = self.agent.run(Request::from_parts(head, &body[..]))?.into_parts();
        let body = body.into_with_config().limit(ANSWER).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        let trouble = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        // Said once, and not with every batch of spans.
        let before = self.failing.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(error) if !before => {
                tracing::warn!(error, "spans do not reach the collector; answers do not wait for it")
            }
            None if before => tracing::info!("spans reach the collector again"),
            _ => (),
        }
        answer
    }
}

//! Traces of requests, for a collector of OpenTelemetry (feature `otel`; without it, nothing is told).
//!
//! | span | kind | from, to |
//! |---|---|---|
//! | `POST /v1/classify` | server | the head of a request, its answer |
//! | `queue` | internal, below it | its texts begin to wait, they are taken |
//! | `compute` | internal, below it | they are taken, they are answered; linked to the batch |
//! | `batch` | internal, a trace of its own | the same for all texts that are computed together; linked to each of their requests |
//!
//! Whatever the collector does, answers do not wait for it: spans are sent by a thread of their own, and dropped where it does not keep
//! up. No text leaves, nor any part of a request that could hold one: neither queries nor paths that are no route nor messages.

#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "otel")]
mod sender;

use std::time::Instant;

use axum::http::HeaderMap;

#[cfg(not(feature = "otel"))]
pub(crate) use off::{Place, Spans, place, within};
#[cfg(feature = "otel")]
pub(crate) use otel::{Place, Spans, place, within};

/// What a request is, as far as a trace tells it.
#[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "nobody is told"))]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'static str,
    /// None where the path is no route.
    pub(crate) route: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) id: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) began: Instant,
}

/// Texts of a request that were computed with others.
#[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "nobody is told"))]
pub(crate) struct Part {
    pub(crate) place: Place,
    pub(crate) since: Instant,
    pub(crate) texts: usize,
    pub(crate) tokens: usize,
}

/// Texts that were computed together.
#[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "nobody is told"))]
pub(crate) struct Batch<'a> {
    pub(crate) model: &'a str,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) parts: Vec<Part>,
}

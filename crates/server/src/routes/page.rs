//! The page, from files that are compiled in.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::problem::{Problem, Result};

/// One file of the page.
struct File {
    /// Its path from `/` on.
    path: &'static str,
    kind: &'static str,
    /// Of its content, in quotes.
    etag: &'static str,
    content: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Nothing but what this server gives, and no script or style within a page.
pub(crate) const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page
#[utoipa::path(
    get,
    path = "/",
    tag = "page",
    responses((status = 200, body = String, content_type = "text/html", description = "The page"))
)]
pub(super) async fn index(request: Request) -> Result<Response> {
    answer("index.html", &request)
}

/// A file of the page, or what to say where there is none.
pub(super) async fn file(request: Request) -> Result<Response> {
    match *request.method() {
        Method::GET | Method::HEAD => answer(request.uri().path().trim_start_matches('/'), &request),
        _ => Err(missing(request.uri().path())),
    }
}

fn answer(path: &str, request: &Request) -> Result<Response, Problem> {
    let Some(file) = FILES.iter().find(|file| file.path == path) else {
        return Err(missing(request.uri().path()));
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.kind)),
        (header::ETAG, HeaderValue::from_static(file.etag)),
        // Asked about each time, and sent again only where it changed.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match known.split(',').any(|etag| {
        matches!(etag.trim().trim_start_matches("W/"), "*") || etag.trim().trim_start_matches("W/") == file.etag
    }) {
        true => Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
        false => Ok((headers, file.content).into_response()),
    }
}

/// What to say of a path that is no route.
fn missing(path: &str) -> Problem {
    match path {
        "/embed_sparse" | "/embed_all" | "/similarity" => Problem::not_found(format!(
            "there is no {path}; a model that embeds gives one vector a text, at /embed and /v1/embeddings"
        )),
        _ if path.starts_with("/v2/") && path.ends_with("/stats") => {
            Problem::not_found(format!("there is no {path}; /metrics has what is counted"))
        }
        "/rerank" | "/v1/rerank" => Problem::not_found(format!("{path}: no model here ranks texts")),
        _ => Problem::not_found(format!("there is no {path}; /docs lists the routes")),
    }
}

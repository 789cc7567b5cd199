//! What every request passes on its way in and its answer on its way out: key, time, identifier, meters, log, the shape of problems.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use metrics::Gauge;

use crate::app::App;
use crate::problem::{Kind, Problem};
use crate::routes::{NO_ROUTE, is_open};
use crate::spans::{Asked, within};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest identifier that is taken from a request.
const LONGEST_ID: usize = 128;

/// A number that goes up, and down again when it is dropped.
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The identifier that a request brings, or a new one.
fn identifier(request: &Request) -> HeaderValue {
    static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let brought = request.headers().get(&REQUEST_ID);
    let fit = |id: &&HeaderValue| {
        (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(|byte| byte.is_ascii_graphic())
    };
    brought.filter(fit).cloned().unwrap_or_else(|| {
        let id = format!("{:016x}-{:x}", *START, NEXT.fetch_add(1, Ordering::Relaxed));
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
    })
}

fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

/// Passes a request on and its answer back.
pub(crate) async fn front(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _in_flight = Counted::new(&app.meters.in_flight);
    let (id, method, path) = (identifier(&request), name(request.method()), request.uri().path().to_owned());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let asked = Asked {
        method,
        route: matched.as_ref().map(MatchedPath::as_str),
        path: &path,
        id: id.to_str().unwrap_or_default(),
        headers: request.headers(),
        began,
    };
    let place = app.spans.begin(&asked);
    let allowed = match is_open(request.method(), route) {
        true => Ok(()),
        false => app.keys.check(request.headers()),
    };
    let mut response = match allowed {
        Err(problem) => problem.answer(&path),
        // Bodies and queues have times of their own; nothing takes longer than both.
        Ok(()) => {
            let most = app.settings.deadline + app.settings.body_time + Duration::from_secs(1);
            match tokio::time::timeout(most, within(place.clone(), next.run(request))).await {
                Ok(response) => shaped(response, &path, &app),
                Err(_) => Problem::deadline().answer(&path),
            }
        }
    };
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let (status, took) = (response.status(), began.elapsed());
    app.spans.end(&place, status, response.extensions().get::<Kind>().copied());
    app.meters.answered(route, method, status.as_u16(), took.as_secs_f64());
    let (id, milliseconds) = (id.to_str().unwrap_or_default(), took.as_secs_f64() * 1e3);
    match status.is_server_error() {
        true => tracing::warn!(id, method, path, status = status.as_u16(), milliseconds, "answered"),
        false => tracing::debug!(id, method, path, status = status.as_u16(), milliseconds, "answered"),
    }
    response
}

/// The response, with whatever is wrong said in the shape of its route.
fn shaped(mut response: Response, path: &str, app: &App) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None => match response.status() {
            // What axum finds wrong with a path.
            StatusCode::BAD_REQUEST => Problem::new(Kind::Syntax, "the path is not UTF-8, percent-encoded").at("path"),
            StatusCode::INTERNAL_SERVER_ERROR => {
                Problem::new(Kind::Internal, "a mistake of the server; the log says which")
            }
            _ => return response,
        },
    };
    app.meters.refused(problem.kind.name());
    let mut answer = problem.answer(path);
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

//! The routes, by family of clients.

mod answers;
#[cfg(feature = "arrow")]
mod arrow;
mod classify;
mod docs;
mod embed;
mod info;
mod kserve;
mod lines;
mod page;
mod predict;
mod schemas;
mod stream;
mod tensors;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::routing::{get, post};

use crate::app::App;
use crate::problem::{Kind, Problem};

pub(crate) use docs::description;

/// What a path that is no route, such as a file of the page, counts as.
pub(crate) const NO_ROUTE: &str = "none";

/// Routes that need no key: they say nothing of models and cost nothing.
pub(crate) fn is_open(method: &Method, route: &str) -> bool {
    let open =
        route.starts_with("/v2/health/") || matches!(route, "/" | "/health" | "/docs" | "/openapi.json" | NO_ROUTE);
    open && matches!(*method, Method::GET | Method::HEAD)
}

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page::index).post(predict::root))
        .route("/predict", post(predict::predict))
        .route("/embed", post(embed::embed))
        .route("/info", get(info::info))
        .route("/health", get(info::health))
        .route("/metrics", get(info::metrics))
        .route("/docs", get(docs::page))
        .route("/openapi.json", get(docs::openapi))
        .route("/v1/models", get(info::models))
        .route("/v1/models/{model}", get(info::one).post(kserve::predict))
        .route("/v1/embeddings", post(embed::embeddings))
        .route("/v1/classify", post(classify::classify))
        .route("/v1/trace", post(trace::trace))
        .route("/v2", get(kserve::server))
        .route("/v2/health/live", get(kserve::live))
        .route("/v2/health/ready", get(kserve::ready))
        .route("/v2/repository/index", post(kserve::index))
        .route("/v2/models/{model}", get(kserve::model))
        .route("/v2/models/{model}/ready", get(kserve::model_ready))
        .route("/v2/models/{model}/config", get(kserve::config))
        .route("/v2/models/{model}/infer", post(kserve::infer))
        .route("/v2/models/{model}/versions/{version}", get(kserve::model))
        .route("/v2/models/{model}/versions/{version}/ready", get(kserve::model_ready))
        .route("/v2/models/{model}/versions/{version}/config", get(kserve::config))
        .route("/v2/models/{model}/versions/{version}/infer", post(kserve::infer))
        .fallback(page::file)
        .method_not_allowed_fallback(async |request: Request| {
            let (method, path) = (request.method(), request.uri().path());
            Problem::new(Kind::Method, format!("{path} does not take {method}; /docs lists the routes"))
        })
        .with_state(app)
}

//! The description of the routes: `/openapi.json` for programs, `/docs` for people.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, html};
use serde_json::Value;
use utoipa::OpenApi;

use super::{classify, embed, info, kserve, page, predict, trace};
use crate::app::App;
use crate::problem::{Kind, json};

/// Problems that any request with a body may meet.
const WITH_BODY: [Kind; 9] = [
    Kind::Syntax,
    Kind::Value,
    Kind::TooLarge,
    Kind::Busy,
    Kind::Deadline,
    Kind::Slow,
    Kind::Key,
    Kind::Method,
    Kind::NotFound,
];

/// Problems that any other request may meet.
const WITHOUT_BODY: [Kind; 4] = [Kind::Key, Kind::Method, Kind::NotFound, Kind::Stopping];

#[derive(OpenApi)]
#[openapi(
    info(title = "bitspike", description = "Spiking language models over HTTP."),
    paths(
        classify::classify,
        embed::embeddings,
        trace::trace,
        info::models,
        info::one,
        predict::predict,
        predict::root,
        embed::embed,
        page::index,
        info::info,
        info::health,
        info::metrics,
        kserve::server,
        kserve::live,
        kserve::ready,
        kserve::index,
        kserve::model,
        kserve::model_ready,
        kserve::config,
        kserve::infer,
        kserve::predict,
    )
)]
struct Api;

/// The description, every status named.
pub(crate) fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| {
        let mut api = serde_json::to_value(Api::openapi()).unwrap_or_default();
        let Some(paths) = api["paths"].as_object_mut() else { return api };
        for (path, methods) in paths {
            for (method, operation) in methods.as_object_mut().into_iter().flatten() {
                let kinds = if method == "post" { &WITH_BODY[..] } else { &WITHOUT_BODY[..] };
                for kind in kinds {
                    let status = kind.status().as_str().to_owned();
                    operation["responses"][status] = problem(path, *kind);
                }
            }
        }
        api
    })
}

fn problem(path: &str, kind: Kind) -> Value {
    let field = serde_json::json!({ "type": ["string", "null"], "description": "The part of the request at fault." });
    let text = serde_json::json!({ "type": "string" });
    let schema = match path.starts_with("/v1") {
        true => serde_json::json!({ "type": "object", "required": ["error"], "properties": { "error": {
            "type": "object",
            "required": ["message", "type", "code", "field"],
            "properties": { "message": text, "type": text, "code": text, "field": field }
        } } }),
        false => serde_json::json!({
            "type": "object",
            "required": ["error", "error_type", "field"],
            "properties": { "error": text, "error_type": text, "field": field }
        }),
    };
    serde_json::json!({ "description": kind.name(), "content": { "application/json": { "schema": schema } } })
}

/// The description of all routes
pub(super) async fn openapi(State(_): State<Arc<App>>) -> Response {
    json(description())
}

/// The same for people.
pub(super) async fn page() -> Response {
    let api = description();
    let operations = api["paths"].as_object().into_iter().flatten().flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method.to_uppercase(), path, operation))
    });
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "bitspike: routes" }
            }
            body {
                main {
                    h1 { "Routes" }
                    p { "For programs: " a href="/openapi.json" { "openapi.json" } ". The page: " a href="/" { "/" } "." }
                    @for (method, path, operation) in operations {
                        section {
                            h2 { code { (method) " " (path) } }
                            p { strong { (word(&operation["summary"])) } }
                            p { (word(&operation["description"])) }
                            p { "Statuses: "
                                @for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                                    code { (status) } " " (word(&response["description"])) "; "
                                }
                            }
                        }
                    }
                    h2 { "Shapes" }
                    @for (name, schema) in api["components"]["schemas"].as_object().into_iter().flatten() {
                        section {
                            h3 { (name) }
                            p { (word(&schema["description"])) }
                            dl {
                                @for (field, about) in schema["properties"].as_object().into_iter().flatten() {
                                    dt { code { (field) } }
                                    dd { (word(&about["description"])) }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY)),
    ];
    (headers, document.into_string()).into_response()
}

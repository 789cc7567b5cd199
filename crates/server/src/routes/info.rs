//! What there is, and whether it is well.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bitspike::config::Pooling;
use bitspike::quantize::WeightBits;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::models::Served;
use crate::problem::{Problem, Result, json};

/// The models that answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelsAnswer)]
pub(super) struct Listed {
    /// The models as this server describes them.
    models: Vec<Model>,
    /// `list`
    object: &'static str,
    /// The same as OpenAI's clients read them.
    data: Vec<Entry>,
}

/// One model, as OpenAI's clients and KServe's read it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelEntry)]
pub(super) struct Entry {
    id: String,
    /// `model`
    object: &'static str,
    /// When it was loaded, in seconds since the epoch.
    created: u64,
    owned_by: &'static str,
    /// KServe's word for `id`.
    name: String,
    /// Whether it answers.
    ready: bool,
}

impl Entry {
    fn of(served: &Served) -> Self {
        Self {
            id: served.id.clone(),
            object: "model",
            created: served.loaded,
            owned_by: "bitspike",
            name: served.id.clone(),
            ready: true,
        }
    }
}

/// What the vectors of a model are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelEmbedding)]
struct Embedding {
    /// How the vectors of tokens become one: `mean`, `cls` or `max`.
    #[schema(value_type = String)]
    pooling: Pooling,
    /// Whether vectors have length 1 unless a request says otherwise.
    normalize: bool,
    /// Numbers of values for which the model was trained, the whole vector first; `dimensions` may be any number up to that.
    dimensions: Vec<usize>,
}

/// One model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Model)]
struct Model {
    id: String,
    /// Whether it answers where none is named.
    default: bool,
    /// `classification`, `regression` or `embedding`.
    task: &'static str,
    /// Its classes in the order of its answers; null where it gives a score or vectors.
    labels: Option<Vec<String>>,
    /// Whether it gives a score.
    regression: bool,
    /// What its vectors are; null where it gives none.
    embedding: Option<Embedding>,
    /// Whether it takes a pair of texts.
    pair: bool,
    layers: usize,
    /// `D`
    width: usize,
    /// `T`
    steps: u32,
    dynamics: String,
    /// Bits of a weight: 1, 1.58 or 32.
    weight_bits: f32,
    /// Tokens that it reads of a text.
    max_length: usize,
    /// Of the packed file.
    bytes: usize,
    /// SHA-256 of the packed file.
    sha256: String,
}

impl Model {
    fn of(served: &Served, default: bool) -> Self {
        let model = served.model();
        let header = model.header();
        let labels = model.labels().to_vec();
        Self {
            id: served.id.clone(),
            default,
            task: model.task().target.kind(),
            regression: model.task().target.is_regression(),
            embedding: header.student.pooling.map(|pooling| Embedding {
                pooling,
                normalize: model.task().target.normalizes(),
                dimensions: [&[served.width()], model.task().target.prefixes()].concat(),
            }),
            labels: (!labels.is_empty()).then_some(labels),
            pair: served.is_pair(),
            layers: header.student.layers,
            width: header.student.hidden,
            steps: model.simulation().time_steps,
            dynamics: model.simulation().dynamics.to_string(),
            weight_bits: match header.student.weight_bits {
                WeightBits::Binary => 1.0,
                WeightBits::Ternary => 1.58,
                WeightBits::Full => 32.0,
            },
            max_length: header.max_length,
            bytes: served.bytes,
            sha256: served.digest.clone(),
        }
    }
}

/// Models
#[utoipa::path(get, path = "/v1/models", tag = "v1", responses((status = 200, body = Listed, description = "The models")))]
pub(super) async fn models(State(app): State<Arc<App>>) -> Response {
    let list = app.models.all();
    json(&Listed {
        models: list.iter().enumerate().map(|(i, served)| Model::of(served, i == 0)).collect(),
        object: "list",
        data: list.iter().map(|served| Entry::of(served)).collect(),
    })
}

/// A model, as OpenAI's clients and KServe's V1 ask
#[utoipa::path(
    get,
    path = "/v1/models/{model}",
    tag = "v1",
    params(("model" = String, Path, description = "Its name")),
    responses((status = 200, body = Entry, description = "The model"))
)]
pub(super) async fn one(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Response> {
    let found = app.models.find(Some(&name));
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no model `{name}` here")).at("model"))?;
    Ok(json(&Entry::of(&found)))
}

/// The default model and the limits, as text-embeddings-inference tells them
#[utoipa::path(
    get,
    path = "/info",
    tag = "text-embeddings-inference",
    responses((status = 200, body = Object, description = "The model and the limits"))
)]
pub(super) async fn info(State(app): State<Arc<App>>) -> Result<Response> {
    let served = app.models.wanted(None)?;
    let model = Model::of(&served, true);
    let kind = match &model.embedding {
        Some(Embedding { pooling, .. }) => json!({ "embedding": { "pooling": pooling } }),
        None => classifier(served.model().labels()),
    };
    let settings = &app.settings;
    Ok(json(&json!({
        "model_id": model.id,
        "model_sha": model.sha256,
        "model_dtype": format!("{} bit", model.weight_bits),
        "model_type": kind,
        "max_concurrent_requests": settings.max_connections,
        "max_input_length": model.max_length,
        "max_batch_tokens": settings.max_batch_tokens,
        "max_batch_requests": null,
        "max_client_batch_size": settings.max_texts,
        "auto_truncate": true,
        "tokenization_workers": settings.io_threads,
        "version": env!("CARGO_PKG_VERSION"),
        "sha": null,
        "docker_label": null,
    })))
}

/// A classifier's type, with the names of its classes.
fn classifier(labels: &[String]) -> Value {
    let names = if labels.is_empty() { vec!["score".to_owned()] } else { labels.to_vec() };
    let id2label: BTreeMap<String, &String> = names.iter().enumerate().map(|(i, name)| (i.to_string(), name)).collect();
    let label2id: BTreeMap<&String, usize> = names.iter().enumerate().map(|(i, name)| (name, i)).collect();
    json!({ "classifier": { "id2label": id2label, "label2id": label2id } })
}

/// Whether it takes requests
#[utoipa::path(
    get,
    path = "/health",
    tag = "text-embeddings-inference",
    responses((status = 200, body = Object, description = "It takes requests"))
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Result<Response> {
    app.check_ready()?;
    Ok(json(&json!({ "status": "ok" })))
}

/// Metrics in Prometheus' text format
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "text-embeddings-inference",
    responses((status = 200, body = String, content_type = "text/plain", description = "The metrics"))
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], app.meters.text()).into_response()
}

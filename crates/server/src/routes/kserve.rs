//! KServe's V2 protocol, which Triton, MLServer and KServe speak, and V1's `:predict`.
//!
//! A body is JSON, or JSON followed by raw bytes where `Inference-Header-Content-Length` says how long the JSON is; the content type
//! is never looked at, since clients send none. Answers are JSON, which clients that ask for raw bytes take too.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bitspike::Answer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::answers::{Told, vector};
use super::tensors::{Tensor, items, split};
use crate::app::{Answers, App};
use crate::body;
use crate::inputs::{Inputs, Reading, parse_object};
use crate::models::{Ask, Served};
use crate::problem::{Problem, Result, json};

/// A request for inference.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InferRequest)]
pub(super) struct Asked {
    id: Option<String>,
    /// `text`, and for models on pairs `text_pair`.
    #[schema(min_items = 1)]
    inputs: Vec<Tensor>,
    /// Outputs that are told, by name; all, unless given.
    outputs: Option<Vec<Wanted>>,
}

/// An output that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InferWanted)]
struct Wanted {
    name: String,
}

/// An answer of V2.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InferAnswer)]
pub(super) struct Answered {
    model_name: String,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    outputs: Vec<Output>,
}

/// An output.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InferOutput)]
struct Output {
    name: &'static str,
    shape: Vec<usize>,
    datatype: &'static str,
    data: Value,
}

/// The output of a model that embeds.
const EMBEDDING: &str = "embedding";

fn found(app: &App, path: &HashMap<String, String>) -> Result<Arc<Served>> {
    let name = path.get("model").map(String::as_str).unwrap_or_default();
    if let Some(version) = path.get("version").filter(|version| *version != "1") {
        return Err(Problem::not_found(format!("model `{name}` has version 1 alone, found `{version}`")).at("version"));
    }
    app.models
        .find(Some(name))
        .ok_or_else(|| Problem::not_found(format!("there is no model `{name}` here")).at("model"))
}

/// The server
#[utoipa::path(get, path = "/v2", tag = "KServe", responses((status = 200, body = Object, description = "Name and extensions")))]
pub(super) async fn server() -> Response {
    json(
        &json!({ "name": "bitspike", "version": env!("CARGO_PKG_VERSION"), "extensions": ["binary_tensor_data", "model_configuration", "model_repository"] }),
    )
}

/// Whether it runs
#[utoipa::path(get, path = "/v2/health/live", tag = "KServe", responses((status = 200, body = Object, description = "It runs")))]
pub(super) async fn live() -> Response {
    json(&json!({ "live": true }))
}

/// Whether it takes requests
#[utoipa::path(get, path = "/v2/health/ready", tag = "KServe", responses((status = 200, body = Object, description = "It takes requests")))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response> {
    app.check_ready()?;
    Ok(json(&json!({ "ready": true })))
}

/// All models
#[utoipa::path(
    post,
    path = "/v2/repository/index",
    tag = "KServe",
    responses((status = 200, body = Vec<Object>, description = "Names, versions, states"))
)]
pub(super) async fn index(State(app): State<Arc<App>>) -> Response {
    let one = |served: &Arc<Served>| json!({ "name": served.id, "version": "1", "state": "READY", "reason": "" });
    json(&app.models.all().iter().map(one).collect::<Vec<_>>())
}

/// A model
#[utoipa::path(
    get,
    path = "/v2/models/{model}",
    tag = "KServe",
    params(("model" = String, Path, description = "Its name")),
    responses((status = 200, body = Object, description = "Inputs and outputs"))
)]
pub(super) async fn model(State(app): State<Arc<App>>, Path(path): Path<HashMap<String, String>>) -> Result<Response> {
    let served = found(&app, &path)?;
    let told =
        |Facts { name, datatype, shape, .. }: Facts| json!({ "name": name, "datatype": datatype, "shape": shape });
    let (inputs, outputs) = tensors(&served);
    Ok(json(&json!({
        "name": served.id,
        "versions": ["1"],
        "platform": "bitspike",
        "inputs": inputs.into_iter().map(told).collect::<Vec<_>>(),
        "outputs": outputs.into_iter().map(told).collect::<Vec<_>>(),
    })))
}

/// A model's configuration, as Triton tells it
#[utoipa::path(
    get,
    path = "/v2/models/{model}/config",
    tag = "KServe",
    params(("model" = String, Path, description = "Its name")),
    responses((status = 200, body = Object, description = "Inputs and outputs in Triton's words"))
)]
pub(super) async fn config(State(app): State<Arc<App>>, Path(path): Path<HashMap<String, String>>) -> Result<Response> {
    let served = found(&app, &path)?;
    let told = |Facts { name, kind, shape, .. }: Facts| json!({ "name": name, "data_type": kind, "dims": shape });
    let (inputs, outputs) = tensors(&served);
    Ok(json(&json!({
        "name": served.id,
        "platform": "bitspike",
        "backend": "bitspike",
        "version_policy": { "latest": { "num_versions": 1 } },
        // Texts are the first dimension of every tensor, which Triton would leave out.
        "max_batch_size": 0,
        "input": inputs.into_iter().map(told).collect::<Vec<_>>(),
        "output": outputs.into_iter().map(told).collect::<Vec<_>>(),
    })))
}

/// A tensor that a model takes or gives: its type in the protocol's words and in Triton's.
struct Facts {
    name: &'static str,
    datatype: &'static str,
    kind: &'static str,
    shape: Vec<i64>,
}

/// What a model takes, and what it gives.
fn tensors(served: &Served) -> (Vec<Facts>, Vec<Facts>) {
    let text = |name| Facts { name, datatype: "BYTES", kind: "TYPE_STRING", shape: vec![-1] };
    let number = |name, shape| Facts { name, datatype: "FP32", kind: "TYPE_FP32", shape };
    let inputs = if served.is_pair() { vec![text("text"), text("text_pair")] } else { vec![text("text")] };
    let outputs = match served.model().labels().len() as i64 {
        0 if served.does(Ask::Embed) => vec![number(EMBEDDING, vec![-1, served.width() as i64])],
        0 => vec![number("score", vec![-1])],
        classes => vec![text("label"), number("scores", vec![-1, classes]), number("logits", vec![-1, classes])],
    };
    (inputs, outputs)
}

/// Whether a model answers
#[utoipa::path(
    get,
    path = "/v2/models/{model}/ready",
    tag = "KServe",
    params(("model" = String, Path, description = "Its name")),
    responses((status = 200, body = Object, description = "It answers"))
)]
pub(super) async fn model_ready(
    State(app): State<Arc<App>>,
    Path(path): Path<HashMap<String, String>>,
) -> Result<Response> {
    let served = found(&app, &path)?;
    app.check_ready()?;
    Ok(json(&json!({ "name": served.id, "ready": true })))
}

/// Infer
#[utoipa::path(
    post,
    path = "/v2/models/{model}/infer",
    tag = "KServe",
    params(("model" = String, Path, description = "Its name")),
    request_body = Asked,
    responses((status = 200, body = Answered, description = "A row a text"))
)]
pub(super) async fn infer(
    State(app): State<Arc<App>>,
    Path(path): Path<HashMap<String, String>>,
    request: Request,
) -> Result<Response> {
    let since = Instant::now();
    let served = found(&app, &path)?;
    let (parts, body) = request.into_parts();
    let body = body::of_texts(&app, &parts.headers, body).await?;
    let (text, raw) = split(&parts.headers, &body)?;
    let Asked { id, inputs, outputs } = parse_object(text)?;
    let items = items(&served, inputs, raw)?;
    let list = items.into_iter().map(Inputs::Object).collect();
    let (items, _) = Inputs::List(list).read(Reading::Batch, served.is_pair(), &app.settings)?;
    let Answers { served, answers, .. } = app.answer(served, items, false, since).await?;
    let all = match served.does(Ask::Embed) {
        true => vec![vectors(&served, answers)],
        false => {
            let told: Vec<Told> = answers.into_iter().map(|answer| Told::of(&served, answer, true)).collect();
            all_outputs(&served, &told)
        }
    };
    let outputs = named(all, outputs)?;
    Ok(json(&Answered { model_name: served.id.clone(), model_version: "1".to_owned(), id, outputs }))
}

/// The vectors of a model that embeds.
fn vectors(served: &Served, answers: Vec<Answer>) -> Output {
    let shape = vec![answers.len(), served.width()];
    let values: Vec<f32> = answers.into_iter().flat_map(vector).collect();
    Output { name: EMBEDDING, shape, datatype: "FP32", data: floats(&values) }
}

fn all_outputs(served: &Served, told: &[Told]) -> Vec<Output> {
    let (n, classes) = (told.len(), served.model().labels().len());
    if classes == 0 {
        let data = told.iter().map(|told| told.score).collect::<Vec<_>>();
        return vec![Output { name: "score", shape: vec![n], datatype: "FP32", data: json!(data) }];
    }
    let labels: Vec<_> = told.iter().map(|told| told.label.as_deref()).collect();
    let scores: Vec<f32> = told.iter().flat_map(|told| told.scores.iter().map(|scored| scored.score)).collect();
    let logits: Vec<f32> = told.iter().flat_map(|told| told.logits.iter().flatten().copied()).collect();
    vec![
        Output { name: "label", shape: vec![n], datatype: "BYTES", data: json!(labels) },
        Output { name: "scores", shape: vec![n, classes], datatype: "FP32", data: floats(&scores) },
        Output { name: "logits", shape: vec![n, classes], datatype: "FP32", data: floats(&logits) },
    ]
}

/// Numbers of 32 bits, of which a reader of 64 gets back the same.
fn floats(values: &[f32]) -> Value {
    values.iter().map(|&value| Value::from(f64::from(value))).collect()
}

/// Those outputs that are asked for, in that order.
fn named(mut all: Vec<Output>, wanted: Option<Vec<Wanted>>) -> Result<Vec<Output>> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else { return Ok(all) };
    let names: Vec<&str> = all.iter().map(|output| output.name).collect();
    let names = names.join(", ");
    let one = |(i, Wanted { name }): (usize, Wanted)| match all.iter().position(|output| output.name == name) {
        Some(at) => Ok(all.remove(at)),
        None => {
            Err(Problem::value(format!("outputs[{i}].name"), format!("expected each of {names} once, found `{name}`")))
        }
    };
    wanted.into_iter().enumerate().map(one).collect()
}

/// A request of V1.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PredictV1Request)]
pub(super) struct AskedV1 {
    /// Texts, or objects with `text` and `text_pair`.
    #[schema(schema_with = super::schemas::texts)]
    instances: Inputs,
}

/// An answer of V1.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PredictV1Answer)]
pub(super) struct AnsweredV1 {
    /// As the results of `/v1/classify`, or the vectors of a model that embeds.
    predictions: Predictions,
}

/// What V1 is answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = PredictionsV1)]
enum Predictions {
    /// Classes or scores.
    Answers(Vec<Told>),
    /// Vectors.
    Vectors(Vec<Vec<f32>>),
}

/// Predict, as KServe's V1 protocol asks
#[utoipa::path(
    post,
    path = "/v1/models/{model}",
    tag = "KServe",
    params(("model" = String, Path, description = "Its name, with `:predict` behind it")),
    request_body = AskedV1,
    responses((status = 200, body = AnsweredV1, description = "An answer a text"))
)]
pub(super) async fn predict(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response> {
    let since = Instant::now();
    let Some(name) = name.strip_suffix(":predict") else {
        return Err(Problem::not_found(format!("there is no /v1/models/{name}; V1 asks /v1/models/NAME:predict")));
    };
    let served = found(&app, &HashMap::from([("model".to_owned(), name.to_owned())]))?;
    let (parts, body) = request.into_parts();
    let body = body::of_texts(&app, &parts.headers, body).await?;
    let AskedV1 { instances } = parse_object(&body)?;
    let (items, _) = instances.read(Reading::Batch, served.is_pair(), &app.settings)?;
    let Answers { served, answers, .. } = app.answer(served, items, false, since).await?;
    let predictions = match served.does(Ask::Embed) {
        true => Predictions::Vectors(answers.into_iter().map(vector).collect()),
        false => Predictions::Answers(answers.into_iter().map(|answer| Told::of(&served, answer, false)).collect()),
    };
    Ok(json(&AnsweredV1 { predictions }))
}

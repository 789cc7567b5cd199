//! KServe's V2 protocol, which Triton, MLServer and KServe speak, and V1's `:predict`.
//!
//! A body is JSON, or JSON followed by raw bytes where `Inference-Header-Content-Length` says how long the JSON is; the content type
//! is never looked at, since clients send none. Answers are JSON, which clients that ask for raw bytes take too.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::classify::Told;
use crate::app::{Answers, App};
use crate::body;
use crate::inputs::{Inputs, Item, Reading, parse};
use crate::models::Served;
use crate::problem::{Kind, Problem, Result, json};

/// Where JSON ends and raw bytes begin.
const LENGTH: &str = "Inference-Header-Content-Length";

/// A request for inference.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InferRequest)]
pub(super) struct Asked {
    id: Option<String>,
    /// `text`, and for models on pairs `text_pair`.
    inputs: Vec<Tensor>,
    /// Outputs that are told, by name; all, unless given.
    outputs: Option<Vec<Wanted>>,
}

/// An input.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InferInput)]
struct Tensor {
    name: String,
    #[schema(value_type = Vec<u32>)]
    shape: Vec<f64>,
    /// `BYTES`
    datatype: String,
    parameters: Option<Map<String, Value>>,
    /// Texts, nested or not; none where they follow as raw bytes.
    data: Option<Value>,
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
        &json!({ "name": "bitspike", "version": env!("CARGO_PKG_VERSION"), "extensions": ["binary_tensor_data", "model_repository"] }),
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
    match app.is_ready() {
        true => Ok(json(&json!({ "ready": true }))),
        false => Err(Problem::stopping()),
    }
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
    let tensor = |name: &str, kind: &str, shape: &[i64]| json!({ "name": name, "datatype": kind, "shape": shape });
    let mut inputs = vec![tensor("text", "BYTES", &[-1])];
    if served.is_pair() {
        inputs.push(tensor("text_pair", "BYTES", &[-1]));
    }
    let classes = served.model().labels().len() as i64;
    let outputs = match classes {
        0 => vec![tensor("score", "FP32", &[-1])],
        _ => vec![
            tensor("label", "BYTES", &[-1]),
            tensor("scores", "FP32", &[-1, classes]),
            tensor("logits", "FP32", &[-1, classes]),
        ],
    };
    Ok(json(&json!({
        "name": served.id,
        "versions": ["1"],
        "platform": "bitspike",
        "inputs": inputs,
        "outputs": outputs,
    })))
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
    if !app.is_ready() {
        return Err(Problem::stopping());
    }
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
    let body = body::read(&app, &parts.headers, body).await?;
    app.queue.check_room()?;
    let (text, raw) = split(&parts.headers, &body)?;
    let Asked { id, inputs, outputs } = parse(text)?;
    let items = items(&served, inputs, raw)?;
    let list = items.into_iter().map(Inputs::Object).collect();
    let (items, _) = Inputs::List(list).read(Reading::Batch, served.is_pair(), &app.settings)?;
    let Answers { served, answers, .. } = app.classify(served, items, false, since).await?;
    let told: Vec<Told> = answers.into_iter().map(|answer| Told::of(&served, answer, true)).collect();
    let outputs = named(all_outputs(&served, &told), outputs)?;
    Ok(json(&Answered { model_name: served.id.clone(), model_version: "1".to_owned(), id, outputs }))
}

/// JSON and the raw bytes behind it.
fn split<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let Some(length) = headers.get(LENGTH) else { return Ok((body, &[])) };
    let length = length.to_str().ok().and_then(|length| length.trim().parse().ok());
    length.and_then(|length| body.split_at_checked(length)).ok_or_else(|| {
        let message = format!("{LENGTH}: expected a number of bytes up to the body's {}", body.len());
        Problem::new(Kind::Syntax, message).at(LENGTH)
    })
}

/// The texts of the inputs.
fn items(served: &Served, inputs: Vec<Tensor>, mut raw: &[u8]) -> Result<Vec<Item>> {
    let mut columns: [Option<Vec<String>>; 2] = [None, None];
    let single = !served.is_pair() && inputs.len() == 1;
    for (i, tensor) in inputs.into_iter().enumerate() {
        let at = |part: &str| format!("inputs[{i}].{part}");
        // A model with one input needs no name to know which is meant.
        let column = match tensor.name.as_str() {
            "text" => 0,
            "text_pair" if served.is_pair() => 1,
            _ if single => 0,
            other => {
                let names = if served.is_pair() { "text and text_pair" } else { "text" };
                return Err(Problem::value(at("name"), format!("expected {names}, found `{other}`")));
            }
        };
        if tensor.datatype != "BYTES" {
            return Err(Problem::value(at("datatype"), format!("expected BYTES, found `{}`", tensor.datatype)));
        }
        let size = tensor.parameters.as_ref().and_then(|parameters| parameters.get("binary_data_size")?.as_u64());
        let texts = match (tensor.data, size) {
            (Some(data), None) => {
                let mut texts = Vec::new();
                flatten(data, &mut texts, &at("data"))?;
                texts
            }
            (None, Some(size)) => {
                let own = usize::try_from(size).ok().and_then(|size| raw.split_off(..size));
                let own = own.ok_or_else(|| {
                    Problem::value(at("parameters.binary_data_size"), "there are not as many bytes behind the JSON")
                })?;
                elements(own).map_err(|problem| problem.at(at("data")))?
            }
            _ => return Err(Problem::value(at("data"), "expected either data or the parameter binary_data_size")),
        };
        let expected: f64 = tensor.shape.iter().product();
        if tensor.shape.is_empty() || expected != texts.len() as f64 {
            let message = format!("expected [{}] or [{}, 1], found {:?}", texts.len(), texts.len(), tensor.shape);
            return Err(Problem::value(at("shape"), message));
        }
        if columns[column].replace(texts).is_some() {
            return Err(Problem::value(at("name"), format!("`{}` is there twice", tensor.name)));
        }
    }
    let [Some(first), second] = columns else {
        return Err(Problem::value("inputs", "expected an input named text, found none"));
    };
    match second {
        None => Ok(first.into_iter().map(Item::from).collect()),
        Some(second) if second.len() == first.len() => {
            Ok(first.into_iter().zip(second).map(|(first, second)| Item { first, second: Some(second) }).collect())
        }
        Some(second) => {
            let message =
                format!("expected as many second texts as first ones, {}, found {}", first.len(), second.len());
            Err(Problem::value("inputs", message))
        }
    }
}

/// Texts of JSON, whatever lists they are in.
fn flatten(data: Value, texts: &mut Vec<String>, at: &str) -> Result<()> {
    match data {
        Value::String(text) => texts.push(text),
        Value::Array(list) => list.into_iter().try_for_each(|one| flatten(one, texts, at))?,
        other => return Err(Problem::value(at, format!("expected texts, found {other}"))),
    }
    Ok(())
}

/// Elements of raw bytes: each its length in 4 bytes, the lowest first, and its UTF-8.
fn elements(mut bytes: &[u8]) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let length = bytes.split_off(..4).map(|length| u32::from_le_bytes(length.try_into().unwrap_or_default()));
        let text = length.and_then(|length| bytes.split_off(..length as usize));
        let text =
            text.ok_or_else(|| Problem::new(Kind::Value, "an element is longer than the bytes that are left"))?;
        let text = std::str::from_utf8(text);
        texts
            .push(text.map_err(|error| Problem::new(Kind::Value, format!("a text is not UTF-8: {error}")))?.to_owned());
    }
    Ok(texts)
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
    #[schema(schema_with = super::docs::inputs)]
    instances: Inputs,
}

/// Predict, as KServe's V1 protocol asks
#[utoipa::path(
    post,
    path = "/v1/models/{model}",
    tag = "KServe",
    params(("model" = String, Path, description = "Its name, with `:predict` behind it")),
    request_body = AskedV1,
    responses((status = 200, body = Object, description = "`{\"predictions\": [..]}`, an answer of /v1/classify a text"))
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
    let body = body::read(&app, &parts.headers, body).await?;
    app.queue.check_room()?;
    let AskedV1 { instances } = parse(&body)?;
    let (items, _) = instances.read(Reading::Batch, served.is_pair(), &app.settings)?;
    let Answers { served, answers, .. } = app.classify(served, items, false, since).await?;
    let told: Vec<Told> = answers.into_iter().map(|answer| Told::of(&served, answer, false)).collect();
    Ok(json(&json!({ "predictions": told })))
}

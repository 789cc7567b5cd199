//! `POST /predict` and `POST /`: what clients of text-embeddings-inference and of the Hugging Face hub send.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use bitspike::Answer;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::Scored;
use super::embed;
use crate::app::{Answers, App};
use crate::body;
use crate::inputs::{Inputs, Reading, object, parse_object, place, whole};
use crate::models::{Ask, Served};
use crate::problem::{Problem, Result, json};

/// Fields of requests for embeddings.
const EMBEDDINGS: [&str; 4] = ["normalize", "dimensions", "prompt_name", "encoding_format"];

/// The name of a score's only entry.
const SCORE: &str = "score";

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PredictRequest)]
pub(super) struct Asked {
    /// A model of `/v1/models`; the default one, unless given.
    model: Option<String>,
    /// A text, a pair `["first", "second"]`, or a batch `[["first"], ["second"]]`.
    #[schema(schema_with = super::schemas::inputs)]
    inputs: Inputs,
    /// The classifier's outputs as they are, instead of probabilities.
    #[serde(default)]
    raw_scores: Option<bool>,
    /// Whether texts longer than the model reads are cut; where false, they are refused. True, unless given.
    truncate: Option<bool>,
    /// `right`: the end of a long text is left out.
    #[schema(schema_with = super::schemas::direction)]
    truncation_direction: Option<String>,
    /// Hugging Face's.
    #[serde(default, deserialize_with = "object")]
    parameters: Option<Parameters>,
    /// Hugging Face's; there is nothing to wait for, and no cache.
    #[serde(default, deserialize_with = "object")]
    #[allow(dead_code, reason = "named, so that they are taken; there is nothing to do")]
    options: Option<ClientOptions>,
}

/// Parameters of Hugging Face's clients.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// How many classes are told, the most probable first; all, unless given.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1)]
    top_k: Option<u32>,
    /// `softmax`, `sigmoid` or `none`.
    #[schema(schema_with = super::schemas::function)]
    function_to_apply: Option<String>,
}

/// Options of Hugging Face's clients.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "named, so that they are taken; there is nothing to do")]
pub(super) struct ClientOptions {
    wait_for_model: Option<bool>,
    use_cache: Option<bool>,
    use_gpu: Option<bool>,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = PredictAnswer)]
pub(super) enum Predicted {
    /// The classes of a text or pair.
    One(Vec<Scored>),
    /// Those of each of a batch.
    Many(Vec<Vec<Scored>>),
}

/// What is done with the classifier's outputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Function {
    Softmax,
    Sigmoid,
    None,
}

/// Predict
///
/// Text-embeddings-inference's route: `["a", "b"]` is one pair, and a batch `[["a"], ["b"]]`. One text or pair gives a list of classes,
/// the most probable first; a batch a list of such lists.
#[utoipa::path(
    post,
    path = "/predict",
    tag = "text-embeddings-inference",
    request_body = Asked,
    responses((status = 200, body = Predicted, description = "Classes, or a list of such lists for a batch"))
)]
pub(super) async fn predict(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (mut all, single) = answer(&app, request, Reading::Pairs).await?;
    let one = if single { all.pop() } else { None };
    Ok(json(&one.map_or_else(|| Predicted::Many(all), Predicted::One)))
}

/// Classify or embed, as Hugging Face's clients ask
///
/// The answer is a list of lists, for one text too: of classes, or of a vector's values. A model that embeds takes the fields of `/embed`.
#[utoipa::path(
    post,
    path = "/",
    tag = "Hugging Face",
    request_body = Asked,
    responses((status = 200, body = RootAnswer, description = "A list of classes or a vector a text"))
)]
pub(super) async fn root(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let since = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body::of_texts(&app, &parts.headers, body).await?;
    match Peek::embeds(&app, &body) {
        true => Ok(json(&RootAnswer::Vectors(embed::embedded(&app, body, since).await?))),
        false => Ok(json(&RootAnswer::Classes(predicted(&app, body, Reading::Pipeline, since).await?.0))),
    }
}

/// What the root route answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = RootAnswer)]
pub(super) enum RootAnswer {
    /// The classes of each text.
    Classes(Vec<Vec<Scored>>),
    /// The vector of each text.
    Vectors(Vec<Vec<f32>>),
}

/// What tells apart those who want vectors of the root route and those who want classes.
#[derive(Deserialize)]
struct Peek {
    model: Option<String>,
    normalize: Option<IgnoredAny>,
    dimensions: Option<IgnoredAny>,
    prompt_name: Option<IgnoredAny>,
    encoding_format: Option<IgnoredAny>,
    parameters: Option<IgnoredAny>,
    raw_scores: Option<IgnoredAny>,
}

impl Peek {
    /// Whether vectors are wanted: by a field that embeddings alone have, or of a model that embeds without a field that classes
    /// alone have.
    fn embeds(app: &App, body: &[u8]) -> bool {
        let Ok(peek) = serde_json::from_slice::<Self>(body) else { return false };
        let Self { model, normalize, dimensions, prompt_name, encoding_format, parameters, raw_scores } = peek;
        let vectors = [normalize, dimensions, prompt_name, encoding_format].iter().any(Option::is_some);
        let classes = [parameters, raw_scores].iter().any(Option::is_some);
        vectors || !classes && app.models.wanted(model.as_deref()).is_ok_and(|served| served.does(Ask::Embed))
    }
}

async fn answer(app: &Arc<App>, request: Request, reading: Reading) -> Result<(Vec<Vec<Scored>>, bool)> {
    let since = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body::of_texts(app, &parts.headers, body).await?;
    predicted(app, body, reading, since).await
}

async fn predicted(app: &Arc<App>, body: Bytes, reading: Reading, since: Instant) -> Result<(Vec<Vec<Scored>>, bool)> {
    let asked: Asked = parse_object(&body).map_err(|problem| match problem.field.as_deref() {
        Some(field) if EMBEDDINGS.contains(&field) => {
            let message = format!("`{field}` is of embeddings, and no model of that kind is asked here: ask /embed");
            Problem { message, ..problem }
        }
        _ => problem,
    })?;
    drop(body);
    let Parameters { top_k, function_to_apply } = asked.parameters.unwrap_or_default();
    let function = match (asked.raw_scores.unwrap_or(false), function_to_apply.as_deref()) {
        (false, None | Some("softmax")) => Function::Softmax,
        (_, Some("none")) | (true, None) => Function::None,
        (false, Some("sigmoid")) => Function::Sigmoid,
        (true, Some(other)) => {
            return Err(Problem::value(
                "raw_scores",
                format!("contradicts function_to_apply `{other}`; leave one out"),
            ));
        }
        (false, Some(other)) => {
            let message = format!("expected softmax, sigmoid or none, found `{other}`");
            return Err(Problem::value("parameters.function_to_apply", message));
        }
    };
    check_direction(asked.truncation_direction.as_deref())?;
    if top_k == Some(0) {
        return Err(Problem::value("parameters.top_k", "expected at least 1, found 0"));
    }
    let served = app.models.wanted_to(Ask::Classify, asked.model.as_deref())?;
    let (items, single) = inputs(asked.inputs, reading, &served, app)?;
    let Answers { served, answers, .. } = app.answer(served, items, false, since).await?;
    if asked.truncate == Some(false) {
        check_whole(&served, &answers, |i| place("inputs", single, i))?;
    }
    let most = top_k.map_or(usize::MAX, |n| n as usize);
    Ok((answers.iter().map(|answer| classes(&served, answer, function, most)).collect(), single))
}

fn inputs(inputs: Inputs, reading: Reading, served: &Served, app: &App) -> Result<(Vec<crate::inputs::Item>, bool)> {
    inputs.read(reading, served.is_pair(), &app.settings)
}

/// Refuses to cut texts at their beginning.
pub(super) fn check_direction(direction: Option<&str>) -> Result<()> {
    if direction.is_some_and(|direction| !direction.eq_ignore_ascii_case("right")) {
        return Err(Problem::value("truncation_direction", "long texts are cut at their end alone: expected `right`"));
    }
    Ok(())
}

/// Refuses texts that were cut; `at` says where a text was.
pub(super) fn check_whole(served: &Served, answers: &[Answer], at: impl Fn(usize) -> String) -> Result<()> {
    let Some(i) = answers.iter().position(|answer| answer.truncated) else { return Ok(()) };
    let most = served.model().header().max_length;
    let message = format!("the text has more than {most} tokens; ask for `truncate`, or shorten it");
    Err(Problem::too_large(at(i), message))
}

/// The classes of an answer, the most probable first, equals in the model's order.
fn classes(served: &Served, answer: &Answer, function: Function, most: usize) -> Vec<Scored> {
    let labels = served.model().labels();
    if labels.is_empty() {
        return vec![Scored { label: SCORE.to_owned(), score: answer.score().unwrap_or_default() }];
    }
    let scores: Vec<f32> = match function {
        Function::Softmax => answer.probabilities().to_vec(),
        Function::Sigmoid => answer.logits.iter().map(|&x| (1.0 / (1.0 + (-f64::from(x)).exp())) as f32).collect(),
        Function::None => answer.logits.clone(),
    };
    let mut classes: Vec<Scored> =
        labels.iter().zip(scores).map(|(label, score)| Scored { label: label.clone(), score }).collect();
    classes.sort_by(|a, b| b.score.total_cmp(&a.score));
    classes.truncate(most);
    classes
}

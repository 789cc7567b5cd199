//! `POST /v1/classify`: texts to answers, at once or as a stream of lines.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::{Told, costs};
use super::lines;
use crate::app::{Answers, App};
use crate::body;
use crate::inputs::{Inputs, Reading, parse_object};
use crate::models::Ask;
use crate::problem::{Result, json};

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClassifyRequest)]
pub(super) struct Asked {
    /// A model of `/v1/models`; the default one, unless given.
    pub(super) model: Option<String>,
    /// A text, `{"text", "text_pair"}`, or a list of them.
    #[schema(schema_with = super::schemas::texts)]
    pub(super) inputs: Inputs,
    /// Whether spikes, operations and energy of each text are counted too, which takes as long as a simulation.
    #[serde(default)]
    pub(super) cost: Option<bool>,
    /// Whether the classifier's outputs are told too.
    #[serde(default)]
    pub(super) logits: Option<bool>,
}

/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClassifyAnswer)]
pub(super) struct Answered {
    /// The model that answered.
    model: String,
    /// In the order of the texts.
    results: Vec<Told>,
}

/// Classify texts
///
/// With the content type `application/x-ndjson` body and answer are streams: a request a line in, a result a line out, in order;
/// a line that cannot be answered gives `{"error": ..}` in its place. With `application/vnd.apache.arrow.stream` they are streams of Arrow
/// record batches, a text a row in, an answer a row out; what cannot be answered is null, and its column `error` says why.
#[utoipa::path(
    post,
    path = "/v1/classify",
    tag = "v1",
    request_body(content((Asked = "application/json"), (String = "application/x-ndjson"), (String = "application/vnd.apache.arrow.stream"))),
    responses((status = 200, body = Answered, description = "Answers in the order of the texts"))
)]
pub(super) async fn classify(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let since = Instant::now();
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(lines::KIND) {
        return lines::stream(&app, &parts, body);
    }
    #[cfg(feature = "arrow")]
    if kind.eq_ignore_ascii_case(super::arrow::KIND) {
        return super::arrow::stream(&app, &parts, body).await;
    }
    let body = body::of_texts(&app, &parts.headers, body).await?;
    let Asked { model, inputs, cost, logits } = parse_object(&body)?;
    drop(body);
    let served = app.models.wanted_to(Ask::Classify, model.as_deref())?;
    let (items, _) = inputs.read(Reading::Batch, served.is_pair(), &app.settings)?;
    let cost = cost.unwrap_or(false);
    let Answers { served, answers, encodings } = app.answer(served, items, cost, since).await?;
    let told = answers.into_iter().map(|answer| Told::of(&served, answer, logits.unwrap_or(false)));
    let mut results: Vec<Told> = told.collect();
    if cost {
        let costs = costs(&app, &served, encodings).await?;
        results.iter_mut().zip(costs).for_each(|(told, cost)| told.cost = Some(cost));
    }
    Ok(json(&Answered { model: served.id.clone(), results }))
}

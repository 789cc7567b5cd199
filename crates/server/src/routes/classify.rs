//! `POST /v1/classify`: texts to answers, at once or as a stream of lines.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::Response;
use bitspike::{Answer, Encoding};
use bitspike_analysis::cost::TextCost;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lines;
use crate::app::{Answers, App};
use crate::body;
use crate::inputs::{Inputs, Reading, parse};
use crate::models::Served;
use crate::problem::{Result, json};

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClassifyRequest)]
pub(super) struct Asked {
    /// A model of `/v1/models`; the default one, unless given.
    pub(super) model: Option<String>,
    /// A text, `{"text", "text_pair"}`, or a list of them.
    #[schema(schema_with = super::docs::inputs)]
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

/// The answer to one text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextAnswer)]
pub(super) struct Told {
    /// The class; null where the model gives a score.
    pub(super) label: Option<String>,
    /// Its probability, or the score.
    pub(super) score: f32,
    /// Every class, in the model's order; empty where the model gives a score.
    pub(super) scores: Vec<Scored>,
    /// Tokens read, frame included.
    pub(super) tokens: usize,
    /// Whether the text was longer than the model reads.
    pub(super) truncated: bool,
    /// Time steps taken.
    pub(super) steps: u32,
    /// Whether an exit rule ended it before the last step.
    pub(super) ended_early: bool,
    /// The classifier's outputs, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logits: Option<Vec<f32>>,
    /// What it took, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Taken>,
}

/// A class with its probability.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LabelScore)]
pub(super) struct Scored {
    pub(super) label: String,
    pub(super) score: f32,
}

/// What one text took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextCost)]
pub(super) struct Taken {
    /// Spikes of either sign.
    pub(super) spikes: u64,
    /// Additions of a weight or a value that spikes caused.
    pub(super) accumulates: u64,
    /// Multiply-adds, of attention on values and of the classifier.
    pub(super) multiply_adds: u64,
    /// Time steps counted.
    pub(super) steps: u32,
    pub(super) energy_uj: Energy,
}

/// Microjoules of arithmetic and memory under the constants of the profile `45nm`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Energy)]
pub(super) struct Energy {
    /// The model itself.
    pub(super) spiking: f64,
    /// A BERT of the same shape with values and weights of 8 bits.
    pub(super) int8_teacher: f64,
    /// A BERT of the same shape in 32 bits.
    pub(super) fp32_teacher: f64,
    /// The quantised network that carries the same counts as values; `phased` alone.
    pub(super) quantized: Option<f64>,
}

impl From<TextCost> for Taken {
    fn from(cost: TextCost) -> Self {
        let microjoules = |i: usize| cost.energy[i].estimate.total_picojoules / 1e6;
        let quantized = cost.energy.iter().find(|network| network.estimate.name.starts_with("quantised"));
        Self {
            spikes: cost.operations.spikes,
            accumulates: cost.operations.effective_acs(),
            multiply_adds: cost.operations.effective_macs(),
            steps: cost.steps,
            energy_uj: Energy {
                spiking: microjoules(0),
                fp32_teacher: microjoules(1),
                int8_teacher: microjoules(2),
                quantized: quantized.map(|network| network.estimate.total_picojoules / 1e6),
            },
        }
    }
}

impl Told {
    /// `answer` of `served` in words.
    pub(super) fn of(served: &Served, answer: Answer, logits: bool) -> Self {
        let labels = served.model().labels();
        let probabilities = answer.probabilities();
        let scores: Vec<Scored> =
            labels.iter().zip(probabilities).map(|(label, &score)| Scored { label: label.clone(), score }).collect();
        Self {
            label: answer.label().map(str::to_owned),
            score: answer.class().map_or(answer.score().unwrap_or_default(), |class| probabilities[class]),
            scores,
            tokens: answer.tokens,
            truncated: answer.truncated,
            steps: answer.steps,
            ended_early: answer.steps < served.model().simulation().time_steps,
            logits: logits.then_some(answer.logits),
            cost: None,
        }
    }
}

/// Counts what texts take, on the thread for long work.
pub(super) async fn costs(app: &App, served: &Arc<Served>, encodings: Vec<Encoding>) -> Result<Vec<Taken>> {
    let served = served.clone();
    app.lane
        .run_task(move || {
            let measure = |encoding: &Encoding| {
                let cost = served.meter().measure(served.model(), encoding).map_err(super::trace::refused)?;
                Ok(cost.into())
            };
            encodings.iter().map(measure).collect()
        })
        .await
}

/// Classify texts
///
/// With the content type `application/x-ndjson` body and answer are streams: a request a line in, a result a line out, in order;
/// a line that cannot be answered gives `{"error": ..}` in its place.
#[utoipa::path(
    post,
    path = "/v1/classify",
    tag = "v1",
    request_body(content((Asked = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, body = Answered, description = "Answers in the order of the texts"))
)]
pub(super) async fn classify(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let since = Instant::now();
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-ndjson")) {
        return lines::stream(&app, &parts, body);
    }
    let body = body::of_texts(&app, &parts.headers, body).await?;
    let Asked { model, inputs, cost, logits } = parse(&body)?;
    drop(body);
    let served = app.models.wanted(model.as_deref())?;
    let (items, _) = inputs.read(Reading::Batch, served.is_pair(), &app.settings)?;
    let cost = cost.unwrap_or(false);
    let Answers { served, answers, encodings } = app.classify(served, items, cost, since).await?;
    let told = answers.into_iter().map(|answer| Told::of(&served, answer, logits.unwrap_or(false)));
    let mut results: Vec<Told> = told.collect();
    if cost {
        let costs = costs(&app, &served, encodings).await?;
        results.iter_mut().zip(costs).for_each(|(told, cost)| told.cost = Some(cost));
    }
    Ok(json(&Answered { model: served.id.clone(), results }))
}

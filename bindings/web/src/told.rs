//! What replies say of models and answers: the shapes of the server's `v1` routes.

use bitspike::quantize::WeightBits;
use bitspike::{Answer, Model};
use serde::Serialize;

use crate::cost::Taken;

/// `value` as JSON.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain values")
}

/// What a model is.
#[derive(Debug, Serialize)]
pub(crate) struct Opened<'a> {
    task: &'a str,
    labels: Option<&'a [String]>,
    regression: bool,
    embedding: bool,
    pair: bool,
    layers: usize,
    width: usize,
    steps: u32,
    dynamics: &'static str,
    weight_bits: f32,
    max_length: usize,
    bytes: usize,
    kernels: &'static str,
}

impl<'a> Opened<'a> {
    pub(crate) fn of(model: &'a Model) -> Self {
        let header = model.header();
        let labels = model.labels();
        Self {
            task: &model.task().name,
            labels: (!labels.is_empty()).then_some(labels),
            regression: model.task().target.is_regression(),
            embedding: model.is_embedder(),
            pair: model.task().is_pair(),
            layers: header.student.layers,
            width: header.student.hidden,
            steps: model.simulation().time_steps,
            dynamics: model.simulation().dynamics.name(),
            weight_bits: match header.student.weight_bits {
                WeightBits::Binary => 1.0,
                WeightBits::Ternary => 1.58,
                WeightBits::Full => 32.0,
            },
            max_length: header.max_length,
            bytes: model.packed().file_bytes().len(),
            kernels: model.encoder().kernels().name(),
        }
    }
}

/// The answer to one text.
#[derive(Debug, Serialize)]
pub(crate) struct Told<'a> {
    label: Option<&'a str>,
    /// The probability of the class, or the score.
    score: f64,
    scores: Vec<Scored<'a>>,
    tokens: usize,
    truncated: bool,
    steps: u32,
    /// As `f64`, whose shortest form JavaScript reads as the same number.
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<Taken>,
}

/// A class with its probability.
#[derive(Debug, Serialize)]
struct Scored<'a> {
    label: &'a str,
    score: f64,
}

impl<'a> Told<'a> {
    /// The same with another score.
    pub(crate) fn with_score(self, score: f32) -> Self {
        Self { score: score.into(), ..self }
    }

    pub(crate) fn of(model: &'a Model, answer: &'a Answer, logits: bool) -> Self {
        let probabilities = answer.probabilities();
        let scored = |(label, &score): (&'a String, &f32)| Scored { label, score: score.into() };
        let score = answer.class().map_or(answer.score().unwrap_or_default(), |class| probabilities[class]);
        Self {
            label: answer.label(),
            score: score.into(),
            scores: model.labels().iter().zip(probabilities).map(scored).collect(),
            tokens: answer.tokens,
            truncated: answer.truncated,
            steps: answer.steps,
            logits: logits.then(|| answer.logits.iter().copied().map(f64::from).collect()),
            cost: None,
        }
    }
}

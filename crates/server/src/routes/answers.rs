//! What is told of a text: the same in every family of routes that is this server's own.

use std::sync::Arc;

use bitspike::{Answer, Encoding, Output};
use bitspike_analysis::cost::{Network, TextCost};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::models::Served;
use crate::problem::{Problem, Result};

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
        let microjoules = |network: Network| cost.picojoules(network).map(|picojoules| picojoules / 1e6);
        let always = |network: Network| microjoules(network).unwrap_or_default();
        Self {
            spikes: cost.operations.spikes,
            accumulates: cost.operations.effective_acs(),
            multiply_adds: cost.operations.effective_macs(),
            steps: cost.steps,
            energy_uj: Energy {
                spiking: always(Network::Student),
                fp32_teacher: always(Network::Fp32),
                int8_teacher: always(Network::Int8),
                quantized: microjoules(Network::Quantised),
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

/// The vector of a text as the model says that it is; none of a model that gives no vectors.
pub(super) fn vector(answer: Answer) -> Vec<f32> {
    if let Output::Vector(values) = answer.output { values } else { Vec::new() }
}

/// Counts what texts take, on the thread for long work.
pub(super) async fn costs(app: &App, served: &Arc<Served>, encodings: Vec<Encoding>) -> Result<Vec<Taken>> {
    let served = served.clone();
    app.lane
        .run_task(move || {
            let measure = |encoding: &Encoding| {
                let cost = served.meter().measure(served.model(), encoding).map_err(Problem::of_engine)?;
                Ok(cost.into())
            };
            encodings.iter().map(measure).collect()
        })
        .await
}

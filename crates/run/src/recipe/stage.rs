//! One stage of a recipe: its losses, its learning rate, its simulation.

use bitspike::forward::{Dynamics, Simulation};
use bitspike::neuron::Reset;
use serde::{Deserialize, Serialize};

use super::{RecipeError, StudentRecipe, check};

/// One stage. What its `kind` implies is a set of loss weights, each of which may be set by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// `general`, `internal`, `prediction`, `labels` or `embedding`.
    pub kind: StageKind,
    /// Passes over the training examples (or the corpus).
    #[serde(default = "one")]
    pub epochs: f64,
    /// Peak learning rate.
    #[serde(default = "learning_rate")]
    pub learning_rate: f64,
    /// The thresholds' learning rate is this many times the other weights'.
    #[serde(default = "ten")]
    pub threshold_rate: f64,
    /// Part of the stage over which the learning rate rises from 0.
    #[serde(default = "tenth")]
    pub warmup: f64,
    /// What the learning rate does after the warm-up.
    #[serde(default)]
    pub schedule: Schedule,
    /// Decoupled weight decay of the matrices (biases, norms and thresholds have none).
    #[serde(default = "hundredth")]
    pub weight_decay: f64,
    /// Largest norm of the whole gradient.
    #[serde(default = "one")]
    pub clip_norm: f64,
    /// Temperature `tau` of the soft labels.
    #[serde(default = "one")]
    pub temperature: f64,
    /// Weight of the hidden-state loss; unset: 1 in `general` and `internal`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_weight: Option<f64>,
    /// Weight of the attention-score loss; unset: 0.1 in `general` and `internal`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_weight: Option<f64>,
    /// Weight of the loss against the teacher's logits; unset: 1 in `prediction`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction_weight: Option<f64>,
    /// Weight of the loss against the true labels; unset: 1 in `labels`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_weight: Option<f64>,
    /// What is compared of the vectors of texts; unset: the defaults in `embedding`, else nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors: Option<VectorWeights>,
    /// Weight of the mean firing rate over all populations: buys energy with accuracy.
    #[serde(default)]
    pub rate_penalty: f64,
    /// Share of counts that are to be other than 0, each weighted by the synapses that it reaches (its accumulates), in (0, 1]: a
    /// controller moves the thresholds so that the student comes there and stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_nonzero: Option<f64>,
    /// Train through a spiking simulation instead of the quantised equilibrium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulate: Option<SimulatedForward>,
}

/// A forward pass whose firing rates come from a simulation, while the gradient stays that of the equilibrium map
/// (`docs/model.md`, "Training through spikes").
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedForward {
    /// What operators see.
    pub dynamics: Dynamics,
    /// `T_conv`: steps of the simulation.
    #[serde(default = "hundred")]
    pub time_steps: u32,
    /// Leak of every neuron.
    #[serde(default = "no_leak")]
    pub beta: f32,
    /// What a spike leaves of a potential.
    #[serde(default)]
    pub reset: Reset,
    /// Part of the stage after which the simulation takes over from the quantised equilibrium.
    #[serde(default)]
    pub from: f64,
}

fn hundred() -> u32 {
    100
}
fn no_leak() -> f32 {
    1.0
}
fn one() -> f64 {
    1.0
}
fn ten() -> f64 {
    10.0
}
fn tenth() -> f64 {
    0.1
}
fn hundredth() -> f64 {
    0.01
}
fn learning_rate() -> f64 {
    3e-4
}

impl SimulatedForward {
    /// The simulation itself.
    pub fn simulation(&self) -> Simulation {
        Simulation { beta: self.beta, reset: self.reset, ..Simulation::new(self.dynamics, self.time_steps) }
    }
}

/// What a student's vectors of a batch are compared with the teacher's by. Cosines and ranks need no equal widths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VectorWeights {
    /// `1 - cos` of the two vectors of a text; equal widths.
    pub cosine: f64,
    /// Mean square of their difference, before either is brought to length 1; equal widths.
    pub square: f64,
    /// Mean square of the difference between the two matrices of cosines among the texts of a batch.
    pub similarity: f64,
    /// For each text, how the others are ranked: cross-entropy of the softmax of their cosines over `temperature`.
    pub ranking: f64,
    /// For each text, whether its vector finds the teacher's vector of the same text among those of the batch; equal widths.
    pub contrastive: f64,
    /// Of `ranking` and `contrastive`.
    pub temperature: f64,
}

impl Default for VectorWeights {
    fn default() -> Self {
        Self { cosine: 3.0, ranking: 1.0, ..Self::NONE }
    }
}

impl VectorWeights {
    /// Nothing is compared.
    pub const NONE: Self =
        Self { cosine: 0.0, square: 0.0, similarity: 0.0, ranking: 0.0, contrastive: 0.0, temperature: 0.05 };

    /// All weights.
    pub fn sum(&self) -> f64 {
        self.cosine + self.square + self.similarity + self.ranking + self.contrastive
    }

    /// Those that compare vectors themselves, which must be equally wide.
    pub fn of_equal_widths(&self) -> f64 {
        self.cosine + self.square + self.contrastive
    }
}

/// Which losses a stage has unless it says so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum StageKind {
    /// Hidden states and attention scores on unlabelled text.
    General,
    /// Hidden states and attention scores on the task's sentences.
    Internal,
    /// The teacher's logits.
    Prediction,
    /// The true labels.
    Labels,
    /// The teacher's vectors of texts, hidden states and attention scores; of a task of vectors alone.
    Embedding,
}

impl StageKind {
    /// The name in recipes and logs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What the learning rate does after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Falls in a line to 0.
    #[default]
    Linear,
    /// Falls along half a cosine to 0.
    Cosine,
    /// Stays.
    Constant,
}

/// The loss weights of a stage after defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossWeights {
    /// Hidden states.
    pub hidden: f64,
    /// Attention scores.
    pub attention: f64,
    /// Vectors of texts.
    pub vectors: VectorWeights,
    /// Teacher's logits.
    pub prediction: f64,
    /// True labels.
    pub label: f64,
    /// Mean firing rate.
    pub rate: f64,
}

impl Stage {
    /// A stage of `kind` with every value at its default.
    pub fn new(kind: StageKind) -> Self {
        Self {
            kind,
            epochs: one(),
            learning_rate: learning_rate(),
            threshold_rate: ten(),
            warmup: tenth(),
            schedule: Schedule::default(),
            weight_decay: hundredth(),
            clip_norm: one(),
            temperature: one(),
            hidden_weight: None,
            attention_weight: None,
            prediction_weight: None,
            label_weight: None,
            vectors: None,
            rate_penalty: 0.0,
            target_nonzero: None,
            simulate: None,
        }
    }

    /// Loss weights after the defaults of the kind.
    pub fn loss_weights(&self) -> LossWeights {
        let embeds = self.kind == StageKind::Embedding;
        let inner = embeds || matches!(self.kind, StageKind::General | StageKind::Internal);
        let default = |on: bool, weight: f64| if on { weight } else { 0.0 };
        LossWeights {
            hidden: self.hidden_weight.unwrap_or(default(inner, 1.0)),
            attention: self.attention_weight.unwrap_or(default(inner, 0.1)),
            prediction: self.prediction_weight.unwrap_or(default(self.kind == StageKind::Prediction, 1.0)),
            label: self.label_weight.unwrap_or(default(self.kind == StageKind::Labels, 1.0)),
            vectors: self.vectors.unwrap_or(if embeds { VectorWeights::default() } else { VectorWeights::NONE }),
            rate: self.rate_penalty,
        }
    }

    /// Learning rate at `step` (0-based) of the stage's `steps`.
    pub fn rate_at(&self, step: u64, steps: u64) -> f64 {
        let warmup = (self.warmup * steps as f64).floor() + 1.0;
        let step = step as f64;
        if step < warmup {
            return self.learning_rate * (step + 1.0) / (warmup + 1.0);
        }
        let left = (steps as f64 - step) / (steps as f64 - warmup).max(1.0);
        self.learning_rate
            * match self.schedule {
                Schedule::Linear => left,
                Schedule::Cosine => 0.5 - 0.5 * (std::f64::consts::PI * left).cos(),
                Schedule::Constant => 1.0,
            }
    }

    /// Checks the stage number `i` of a recipe for `student`.
    pub(super) fn validate(&self, i: usize, student: &StudentRecipe) -> Result<(), RecipeError> {
        let key = |name: &str| format!("stage.{i}.{name}");
        let part = |x: f64| (0.0..1.0).contains(&x);
        check(key("epochs"), self.epochs, "a number in (0, 10000]", |x| x > 0.0 && x <= 1e4)?;
        check(key("learning_rate"), self.learning_rate, "a number in (0, 1)", |x| x > 0.0 && x < 1.0)?;
        check(key("threshold_rate"), self.threshold_rate, "0 to 10000", |x| (0.0..=1e4).contains(&x))?;
        check(key("warmup"), self.warmup, "a number in [0, 1)", part)?;
        check(key("weight_decay"), self.weight_decay, "a number in [0, 1)", part)?;
        check(key("clip_norm"), self.clip_norm, "a positive number", |x| x > 0.0)?;
        check(key("temperature"), self.temperature, "a number in (0, 100]", |x| x > 0.0 && x <= 100.0)?;
        let LossWeights { hidden, attention, vectors, prediction, label, rate } = self.loss_weights();
        for (name, weight) in [
            ("vectors.cosine", vectors.cosine),
            ("vectors.square", vectors.square),
            ("vectors.similarity", vectors.similarity),
            ("vectors.ranking", vectors.ranking),
            ("vectors.contrastive", vectors.contrastive),
            ("hidden_weight", hidden),
            ("attention_weight", attention),
            ("prediction_weight", prediction),
            ("label_weight", label),
            ("rate_penalty", rate),
        ] {
            check(key(name), weight, "0 or more", |x| x.is_finite() && x >= 0.0)?;
        }
        if let Some(target) = self.target_nonzero {
            check(key("target_nonzero"), target, "a share in (0, 1]", |x| x > 0.0 && x <= 1.0)?;
            if rate > 0.0 {
                let why = "`target_nonzero` decides already how much fires; leave one out";
                return Err(RecipeError::Conflict(format!("`{}`: {why}", key("rate_penalty"))));
            }
        }
        check(key("vectors.temperature"), vectors.temperature, "a number in (0, 1]", |x| x > 0.0 && x <= 1.0)?;
        let any = hidden + attention + prediction + label + vectors.sum() > 0.0;
        check(key("*_weight"), 0.0, "at least one loss above 0", |_| any)?;
        let conflict = |key: &str, why: &str| Err(RecipeError::Conflict(format!("`{key}`: {why}")));
        if let Some(simulate) = &self.simulate {
            let key = key("simulate");
            let valid = simulate.simulation().validate();
            valid.map_err(|source| RecipeError::Part { at: format!("`{key}`: "), source })?;
            if !student.code.is_unary() {
                return conflict(
                    &key,
                    "a student with code `single` sends its spikes after finished windows and trains at its equilibrium; leave one out",
                );
            }
            if student.feedback.is_some() {
                return conflict(&key, "a student with feedback trains at its fixed point; leave one out");
            }
            check(format!("{key}.from"), simulate.from, "a number in [0, 1)", part)?;
        }
        if vectors.sum() > 0.0 && self.kind != StageKind::Embedding {
            return conflict(&key("vectors"), "vectors are compared in stages of kind `embedding` alone");
        }
        if self.kind == StageKind::Embedding && prediction + label > 0.0 {
            let why = "an embedding stage has neither logits nor labels: prediction_weight and label_weight are 0";
            return conflict(&format!("stage.{i}"), why);
        }
        if self.kind == StageKind::General && prediction + label > 0.0 {
            let why = "a general stage has unlabelled text: prediction_weight and label_weight are 0";
            return conflict(&format!("stage.{i}"), why);
        }
        Ok(())
    }
}

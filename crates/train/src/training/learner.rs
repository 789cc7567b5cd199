//! What the loop asks of a model in training.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bitspike::forward::Dynamics;
use bitspike_data::{Encoded, Predictions, TaskSpec};
use bitspike_run::progress::LoopStep;
use bitspike_run::run::Counters;

use crate::error::{Error, Result};
use crate::optimizer::Update;

/// A model in training.
pub trait Learner: Send + Sync {
    /// How large the model and its data are.
    fn sizes(&self) -> Sizes;

    /// Name of the metric that decides which model is best.
    fn primary(&self) -> String;

    /// Number of examples that a stage passes over.
    fn stage_examples(&self, stage: usize) -> usize;

    /// The batches of one epoch of a stage, as indices into its examples; a function of its arguments alone.
    fn batches(&self, stage: usize, epoch: u64) -> Vec<Vec<usize>>;

    /// Starts a stage with a fresh optimiser.
    fn begin_stage(&mut self, stage: usize);

    /// One forward and backward pass and update. `step` is the number of the step, for random numbers of its own;
    /// `measure` asks for the firing rate.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite; the weights are then unchanged.
    fn step(&mut self, stage: usize, step: u64, batch: &[usize], update: Update, measure: bool) -> Result<StepReport>;

    /// Scores the model on its dev set.
    ///
    /// # Errors
    /// If the dev set cannot be scored.
    fn evaluate(&self) -> Result<Evaluation>;

    /// Writes the model as the best so far.
    ///
    /// # Errors
    /// If it cannot be written.
    fn save_best(&self, counters: &Counters) -> Result<PathBuf>;

    /// Writes everything that a resumed run needs.
    ///
    /// # Errors
    /// If it cannot be written.
    fn save_last(&self, counters: &Counters) -> Result<PathBuf>;
}

/// Sizes for the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Trainable scalars.
    pub parameters: usize,
    /// Training examples.
    pub train: usize,
    /// Dev examples.
    pub dev: usize,
}

/// What one step found.
#[derive(Debug, Clone, Default)]
pub struct StepReport {
    /// Total loss.
    pub loss: f64,
    /// Parts of it.
    pub hidden: Option<f64>,
    /// Parts of it.
    pub attention: Option<f64>,
    /// Parts of it.
    pub prediction: Option<f64>,
    /// Mean firing rate, where asked for.
    pub rate: Option<f64>,
    /// Share of counts that are not 0, weighted by fan-out, where a target holds it.
    pub nonzero: Option<f64>,
    /// What was added to the logarithms of thresholds for it.
    pub threshold_change: Option<f64>,
    /// Norm of the gradient before clipping.
    pub grad_norm: f64,
    /// How the fixed point and its gradient were solved, with feedback.
    pub feedback: Option<LoopStep>,
    /// Tokens of the batch.
    pub tokens: usize,
}

/// The score of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// Dev split the primary metric comes from.
    pub split: String,
    /// Metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Why the metric that decides says nothing of these answers, where it does.
    pub undefined: Option<&'static str>,
    /// Firing rate of each population.
    pub rates: BTreeMap<String, f64>,
    /// The dynamics it was scored in, where it was through spikes.
    pub dynamics: Option<Dynamics>,
}

impl Evaluation {
    /// The metrics of `predictions` on a dev set.
    ///
    /// # Errors
    /// If an example has no label, or an answer is not a number.
    pub fn of(task: &TaskSpec, predictions: &Predictions, dev: &[Encoded]) -> Result<Self> {
        Ok(Self {
            split: "dev".into(),
            metrics: predictions.score(task, dev)?,
            undefined: predictions.undefined(task, dev)?,
            rates: predictions.rates.clone(),
            dynamics: None,
        })
    }
}

/// `value`, once it is found to be a number.
///
/// # Errors
/// If it is not: training has diverged at `step`.
pub(crate) fn finite(value: f64, what: &str, step: u64) -> Result<f64> {
    let diverged = || Error::Diverged { step, what: what.into(), value, advice: String::new() };
    if value.is_finite() { Ok(value) } else { Err(diverged()) }
}

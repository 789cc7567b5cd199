//! What a run is asked to do, and how it ended.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitspike_run::progress::Level;
use bitspike_run::recipe::{RunRecipe, Stage};
use bitspike_run::run::Counters;
use serde::Serialize;

/// What a run is asked to do besides learning.
#[derive(Debug, Clone)]
pub struct Controls<'a> {
    /// Command and task, for the log.
    pub name: String,
    /// One line about what learns, for who shows it.
    pub summary: String,
    /// The stages.
    pub stages: Vec<Stage>,
    /// Examples a step.
    pub batch_size: usize,
    /// Evaluations, checkpoints, log lines.
    pub run: RunRecipe,
    /// Stop after this long.
    pub max_time: Option<Duration>,
    /// Set to stop with a checkpoint.
    pub stop: &'a AtomicBool,
    /// Counters to go on from; `None` for a new run.
    pub resume: Option<Counters>,
    /// What is said when the run has begun.
    pub notes: Vec<(Level, String)>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Why.
    pub reason: EndReason,
    /// Where.
    pub counters: Counters,
    /// The metric of `counters.best`.
    pub primary: String,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum EndReason {
    /// All steps were taken.
    Finished,
    /// The time budget was used up.
    #[serde(rename = "time budget")]
    #[strum(serialize = "time budget")]
    TimeBudget,
    /// The user stopped it.
    Interrupted,
}

impl EndReason {
    /// The name in logs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Steps of a stage over `examples` examples, `batch_size` a step.
pub fn stage_steps(stage: &Stage, examples: usize, batch_size: usize) -> (u64, u64) {
    let an_epoch = examples.div_ceil(batch_size).max(1) as u64;
    (an_epoch, ((an_epoch as f64 * stage.epochs).ceil() as u64).max(1))
}

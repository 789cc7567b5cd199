//! What the log of a run says.

use std::collections::BTreeMap;

use bitspike_run::progress::{Event, Level};
use serde::Serialize;

/// What `metrics.jsonl` says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct TrainingLog {
    pub steps: u64,
    /// Steps of the whole recipe.
    pub total_steps: u64,
    /// Seconds of training.
    pub elapsed_s: f64,
    /// Scalars that were trained.
    pub trainable: u64,
    /// Examples to train on.
    pub train_examples: u64,
    /// Step and value of the primary metric at each evaluation.
    pub evaluations: Vec<(u64, f64)>,
    /// The primary metric.
    pub primary: String,
    /// Rate of each population at the last evaluation.
    pub rates: BTreeMap<String, f64>,
    /// How the run ended, if it did.
    pub end: Option<String>,
    /// What it was warned of.
    pub warnings: Vec<String>,
}

impl TrainingLog {
    pub(super) fn new(events: &[Event]) -> Self {
        let mut log = Self::default();
        for event in events {
            match event {
                Event::Start { total_steps, trainable_parameters, train_examples, .. } => {
                    log.total_steps = *total_steps;
                    (log.trainable, log.train_examples) = (*trainable_parameters, *train_examples);
                }
                Event::Step { step, total_steps, elapsed_s, .. } => {
                    (log.steps, log.total_steps, log.elapsed_s) = (*step, *total_steps, *elapsed_s);
                }
                Event::Eval { step, metrics, primary, rates, .. } => {
                    if let Some(&value) = metrics.get(primary) {
                        log.evaluations.push((*step, value));
                    }
                    log.primary.clone_from(primary);
                    log.rates.clone_from(rates);
                }
                Event::End { reason, step, elapsed_s, .. } => {
                    log.end = Some(reason.clone());
                    (log.steps, log.elapsed_s) = (*step, *elapsed_s);
                }
                Event::Message { level, text } if *level != Level::Info => log.warnings.push(text.clone()),
                Event::Checkpoint { .. } | Event::Message { .. } => {}
            }
        }
        log
    }

    /// The best evaluation: that of the highest finite value.
    pub fn best(&self) -> Option<(u64, f64)> {
        let finite = self.evaluations.iter().copied().filter(|(_, value)| value.is_finite());
        finite.fold(None, |best, here| match best {
            Some((_, value)) if value >= here.1 => best,
            _ => Some(here),
        })
    }
}

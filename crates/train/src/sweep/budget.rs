//! How long cells take, and which one to run next in the time that is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use bitspike::config::StudentConfig;
use bitspike_run::recipe::{Recipe, StageKind};

use super::journal::{Journal, Record, Status};
use crate::texts::Texts;
use crate::training::stage_steps;

/// What decides how long a cell takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Effort {
    /// Steps of all stages.
    pub(super) steps: u64,
    /// Examples of all steps.
    examples: f64,
    layers: usize,
    /// Cells that are alike in this take the same time an example.
    kind: String,
}

impl Effort {
    /// Of the student `config` that `recipe` trains on `texts`.
    pub(super) fn new(recipe: &Recipe, config: &StudentConfig, texts: &Texts) -> Self {
        let count = |stage: StageKind| match (stage, recipe.data.limit) {
            (StageKind::General, _) => texts.corpus.len(),
            (_, 0) => texts.train.len(),
            (_, limit) => texts.train.len().min(limit),
        };
        let of = |stage| stage_steps(stage, count(stage.kind), recipe.data.batch_size).1;
        let steps: u64 = recipe.stage.iter().map(of).sum();
        let simulated: Vec<_> = recipe.stage.iter().map(|stage| stage.simulate).collect();
        let (d, f, length) = (config.hidden, config.intermediate, recipe.data.max_length);
        let feedback = config.feedback.is_some();
        Self {
            steps,
            examples: (steps * recipe.data.batch_size as u64) as f64,
            layers: config.layers,
            kind: format!("{} {d} {f} {length} {feedback} {simulated:?}", config.layers),
        }
    }
}

/// Seconds that the cells still take, as far as finished ones tell: from those of the same kind, or from all by examples and
/// layers. None before the first is finished.
pub(super) fn estimates(efforts: &[Effort], journal: &Journal) -> Vec<Option<f64>> {
    let done: Vec<(&Effort, &Record)> =
        efforts.iter().zip(&journal.cells).filter(|(_, record)| record.status == Status::Finished).collect();
    let estimate = |(effort, record): (&Effort, &Record)| {
        let alike = done.iter().filter(|(other, _)| other.kind == effort.kind);
        let size = |effort: &Effort| effort.examples * effort.layers as f64;
        let taken = |record: &Record| record.steps as f64 / record.total_steps.max(1) as f64;
        let (seconds, sizes) = match alike.clone().next() {
            Some(_) => alike.fold((0.0, 0.0), |sums, (e, r)| (sums.0 + r.seconds, sums.1 + size(e) * taken(r))),
            None => done.iter().fold((0.0, 0.0), |sums, (e, r)| (sums.0 + r.seconds, sums.1 + size(e) * taken(r))),
        };
        let left = 1.0 - taken(record);
        match record.status {
            Status::Finished | Status::Failed => Some(0.0),
            _ => (sizes > 0.0).then(|| seconds / sizes * size(effort) * left),
        }
    };
    efforts.iter().zip(&journal.cells).map(estimate).collect()
}

/// The cell to run next with `left` seconds to go: one that was begun, else the first that should fit, else the first of all
/// where a tenth of it can be done, since the rest of it follows with `--resume`.
pub(super) fn next(journal: &Journal, estimates: &[Option<f64>], left: Option<f64>) -> Option<usize> {
    let all = || journal.cells.iter().zip(estimates).enumerate();
    let begun = all().find(|(_, (record, _))| matches!(record.status, Status::Running | Status::Paused));
    if let Some((i, _)) = begun {
        return Some(i);
    }
    let pending = || all().filter(|(_, (record, _))| record.status == Status::Pending);
    let within = |part: f64| {
        move |(_, (_, estimate)): &(usize, (&Record, &Option<f64>))| match (left, estimate) {
            (Some(left), Some(seconds)) => seconds * part <= left,
            _ => true,
        }
    };
    pending().find(within(1.0)).or_else(|| pending().find(within(0.1))).map(|(i, _)| i)
}

/// Runs `work` with a flag that is set with `stop` and when the deadline has passed.
pub(super) fn until<R>(deadline: Option<Instant>, stop: &AtomicBool, work: impl FnOnce(&AtomicBool) -> R) -> R {
    let either = AtomicBool::new(false);
    let (finished, ended) = channel::<()>();
    std::thread::scope(|scope| {
        let either = &either;
        scope.spawn(move || {
            loop {
                if stop.load(Ordering::Relaxed) || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    either.store(true, Ordering::Relaxed);
                }
                if ended.recv_timeout(Duration::from_millis(50)) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        let result = work(either);
        drop(finished);
        result
    })
}

#[cfg(test)]
mod tests;

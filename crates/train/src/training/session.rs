//! The loop itself: steps, evaluations, checkpoints, the time budget and the ways a run can end.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bitspike_run::progress::{Event, Level, Observer};
use bitspike_run::recipe::Stage;
use bitspike_run::run::Counters;

use super::controls::{Controls, EndReason, Outcome, stage_steps};
use super::learner::{Learner, StepReport};
use super::throughput::Throughput;
use crate::error::{Error, Result};
use crate::optimizer::Update;

/// How a run ends whose loss or gradient is no number.
pub(super) const DIVERGED: &str = "diverged";

/// Runs `f` on a thread of the pool, so that each of its many short parallel loops starts where it is, without waking a
/// thread and waiting for it.
pub(crate) fn in_pool<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}

/// Trains `learner` through the stages of `controls`, reporting to `observer`.
///
/// # Errors
/// If a step diverges, a file cannot be written, or the dev set cannot be scored. What was saved before stays.
pub fn train<L: Learner>(learner: &mut L, controls: &Controls<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    let mut session = Session::new(learner, controls, observer)?;
    let result = session.run(learner);
    if let Err(Error::Diverged { .. }) = &result {
        session.end(DIVERGED)?;
    }
    result
}

struct Session<'a> {
    controls: &'a Controls<'a>,
    observer: &'a mut dyn Observer,
    counters: Counters,
    primary: String,
    /// Whether it was said that the metric is undefined.
    undefined: bool,
    total_steps: u64,
    started: Instant,
    elapsed_before: f64,
    last_save: Instant,
    throughput: Throughput,
    evaluated_at: Option<u64>,
}

/// A stage within a run.
struct Span<'a> {
    index: usize,
    stage: &'a Stage,
    /// Steps of an epoch, and of the stage.
    an_epoch: u64,
    steps: u64,
    /// Steps of the stages before it.
    begin: u64,
}

impl<'a> Session<'a> {
    fn new<L: Learner>(learner: &L, controls: &'a Controls<'a>, observer: &'a mut dyn Observer) -> Result<Self> {
        let steps = |(i, stage)| stage_steps(stage, learner.stage_examples(i), controls.batch_size).1;
        let total_steps = controls.stages.iter().enumerate().map(steps).sum();
        let counters = controls.resume.clone().unwrap_or_default();
        let now = Instant::now();
        let sizes = learner.sizes();
        let mut session = Self {
            controls,
            observer,
            elapsed_before: counters.elapsed_s,
            counters,
            primary: learner.primary(),
            undefined: false,
            total_steps,
            started: now,
            last_save: now,
            throughput: Throughput::from(now),
            evaluated_at: None,
        };
        session.emit(Event::Start {
            run: controls.name.clone(),
            stages: controls.stages.iter().map(|stage| stage.kind.name().to_owned()).collect(),
            total_steps,
            trainable_parameters: sizes.parameters as u64,
            train_examples: sizes.train as u64,
            dev_examples: sizes.dev as u64,
            resumed_at: controls.resume.as_ref().map(|counters| counters.step),
        })?;
        for (level, text) in &controls.notes {
            session.emit(Event::Message { level: *level, text: text.clone() })?;
        }
        Ok(session)
    }

    fn run<L: Learner>(&mut self, learner: &mut L) -> Result<Outcome> {
        let mut begin = 0;
        for (i, stage) in self.controls.stages.iter().enumerate() {
            let (an_epoch, steps) = stage_steps(stage, learner.stage_examples(i), self.controls.batch_size);
            let done = self.counters.step.saturating_sub(begin);
            if done < steps {
                // A run that was stopped inside this stage goes on with the optimiser it had.
                if done == 0 {
                    learner.begin_stage(i);
                }
                let span = Span { index: i, stage, an_epoch, steps, begin };
                if let Some(reason) = self.stage(learner, &span)? {
                    return self.stopped(learner, stage, reason);
                }
            }
            begin += steps;
        }
        self.save_last(learner)?;
        if self.counters.best.is_none() {
            self.save_best(learner)?;
        }
        self.end(EndReason::Finished.name())?;
        Ok(self.outcome(EndReason::Finished))
    }

    /// Takes the steps of one stage; `Some` if the run is to stop.
    fn stage<L: Learner>(&mut self, learner: &mut L, span: &Span<'_>) -> Result<Option<EndReason>> {
        let Span { index, stage, an_epoch, steps, begin } = *span;
        let scored = scored(stage);
        let between_evals = ((an_epoch as f64 / self.controls.run.evals_per_epoch).round() as u64).max(1);
        let mut epoch = None;
        let mut batches = Vec::new();
        for local in self.counters.step - begin..steps {
            if epoch != Some(local / an_epoch) {
                epoch = Some(local / an_epoch);
                batches = learner.batches(index, local / an_epoch);
            }
            let batch = &batches[(local % an_epoch) as usize];
            let update = Update {
                learning_rate: stage.rate_at(local, steps),
                threshold_rate: stage.threshold_rate,
                weight_decay: stage.weight_decay,
                clip_norm: stage.clip_norm,
            };
            let step = self.counters.step + 1;
            let log = step.is_multiple_of(self.controls.run.log_every) || local + 1 == steps || local == 0;
            let report = in_pool(|| learner.step(index, step, batch, update, log))?;
            self.counters.step = step;
            self.counters.elapsed_s = self.elapsed();
            self.throughput.add(batch.len(), report.tokens);
            if log {
                self.log(stage, &report, (local + 1) as f64 / an_epoch as f64, update.learning_rate)?;
            }
            if scored && ((local + 1).is_multiple_of(between_evals) || local + 1 == steps) {
                self.evaluate(learner, stage)?;
            }
            let reason = self.reason_to_stop();
            let due = self.last_save.elapsed().as_secs_f64() >= self.controls.run.checkpoint_minutes * 60.0;
            if due && reason.is_none() {
                self.save_last(learner)?;
            }
            if reason.is_some() && local + 1 < steps {
                return Ok(reason);
            }
        }
        Ok(self.reason_to_stop())
    }

    fn reason_to_stop(&self) -> Option<EndReason> {
        if self.controls.stop.load(Ordering::Relaxed) {
            return Some(EndReason::Interrupted);
        }
        let over = self.controls.max_time.is_some_and(|limit| self.started.elapsed() >= limit);
        (over && self.counters.step < self.total_steps).then_some(EndReason::TimeBudget)
    }

    fn stopped<L: Learner>(&mut self, learner: &L, stage: &Stage, reason: EndReason) -> Result<Outcome> {
        // The checkpoint first: whoever pressed Ctrl-C may press it again.
        self.save_last(learner)?;
        if reason == EndReason::TimeBudget && scored(stage) && self.evaluated_at != Some(self.counters.step) {
            self.evaluate(learner, stage)?;
            self.save_last(learner)?;
        }
        if reason == EndReason::TimeBudget && self.counters.best.is_none() {
            self.save_best(learner)?;
        }
        self.end(reason.name())?;
        Ok(self.outcome(reason))
    }

    fn evaluate<L: Learner>(&mut self, learner: &L, stage: &Stage) -> Result<()> {
        let evaluation = in_pool(|| learner.evaluate())?;
        self.evaluated_at = Some(self.counters.step);
        let value = evaluation.metrics.get(&self.primary).copied().unwrap_or(f64::NAN);
        // A score through other dynamics is a score of another model: the last kind of evaluation has its own best.
        let other = self.counters.best_dynamics != evaluation.dynamics;
        // What stands in for an undefined value may be more than a true one.
        let defined = evaluation.undefined.is_none();
        let best = defined && (other || self.counters.best.is_none_or(|best| value > best));
        self.counters.elapsed_s = self.elapsed();
        // The last model is kept as the best of a run of which no evaluation says anything.
        let last = self.counters.best.is_none() && self.counters.step == self.total_steps;
        let kept = best || (!defined && last);
        if best {
            self.counters.best = Some(value);
            self.counters.best_step = Some(self.counters.step);
            self.counters.best_dynamics = evaluation.dynamics;
        }
        let split = evaluation.split.clone();
        self.emit(Event::Eval {
            stage: stage.kind.name().to_owned(),
            step: self.counters.step,
            split: evaluation.split,
            metrics: evaluation.metrics,
            primary: self.primary.clone(),
            best: kept,
            rates: evaluation.rates,
            elapsed_s: self.counters.elapsed_s,
        })?;
        if best {
            self.save_best(learner)?;
        }
        if let (Some(why), false) = (evaluation.undefined, self.undefined) {
            self.undefined = true;
            let metric = &self.primary;
            let text = format!(
                "{metric} on {split} is undefined: {why}; such an evaluation is never \
                                chosen as best"
            );
            self.emit(Event::Message { level: Level::Warn, text })?;
        }
        self.throughput.restart();
        Ok(())
    }

    fn save_best<L: Learner>(&mut self, learner: &L) -> Result<()> {
        let path = learner.save_best(&self.counters)?;
        self.saved("best", path)
    }

    fn save_last<L: Learner>(&mut self, learner: &L) -> Result<()> {
        self.counters.elapsed_s = self.elapsed();
        let path = learner.save_last(&self.counters)?;
        self.last_save = Instant::now();
        self.throughput.restart();
        self.saved("last", path)
    }

    fn saved(&mut self, kind: &str, path: PathBuf) -> Result<()> {
        let path = path.display().to_string();
        self.emit(Event::Checkpoint { step: self.counters.step, kind: kind.to_owned(), path })
    }

    fn log(&mut self, stage: &Stage, report: &StepReport, epoch: f64, learning_rate: f64) -> Result<()> {
        let (examples_per_second, tokens_per_second, seconds_per_step) = self.throughput.rates();
        let left = self.total_steps.saturating_sub(self.counters.step) as f64 * seconds_per_step;
        let budget = self.controls.max_time.map(|limit| limit.saturating_sub(self.started.elapsed()).as_secs_f64());
        self.emit(Event::Step {
            stage: stage.kind.name().to_owned(),
            step: self.counters.step,
            total_steps: self.total_steps,
            epoch,
            loss: report.loss,
            hidden: report.hidden,
            attention: report.attention,
            prediction: report.prediction,
            rate: report.rate,
            nonzero: report.nonzero,
            threshold_change: report.threshold_change,
            feedback: report.feedback,
            learning_rate,
            grad_norm: report.grad_norm,
            examples_per_second,
            tokens_per_second,
            elapsed_s: self.counters.elapsed_s,
            eta_s: budget.map_or(left, |budget| budget.min(left)),
        })
    }

    fn end(&mut self, reason: &str) -> Result<()> {
        self.emit(Event::End {
            reason: reason.to_owned(),
            step: self.counters.step,
            elapsed_s: self.elapsed(),
            best: self.counters.best,
            best_step: self.counters.best_step,
            primary: self.primary.clone(),
        })
    }

    fn outcome(&self, reason: EndReason) -> Outcome {
        Outcome { reason, counters: self.counters.clone(), primary: self.primary.clone() }
    }

    fn elapsed(&self) -> f64 {
        self.elapsed_before + self.started.elapsed().as_secs_f64()
    }

    fn emit(&mut self, event: Event) -> Result<()> {
        self.observer.on_event(&event).map_err(|source| Error::Log { action: "write the log of this run", source })
    }
}

/// Whether a stage trains what the dev metric measures.
fn scored(stage: &Stage) -> bool {
    let weights = stage.loss_weights();
    weights.prediction + weights.label + weights.vectors.sum() > 0.0
}

//! The training loop, shared by fine-tuning and distillation: steps, evaluations, checkpoints, the time budget and the ways
//! a run can end. What a step computes is the [`Learner`]'s business.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bitspike::forward::Dynamics;
use bitspike_data::TaskSpec;

use bitspike_data::Encoded;
use crate::error::{Error, Result};
use bitspike_data::Predictions;
use crate::optimizer::Update;
use bitspike_run::progress::{Event, LoopStep, Observer};
use bitspike_run::recipe::{RunRecipe, Stage};
use bitspike_run::run::Counters;

/// A model in training.
pub trait Learner: Send + Sync {
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
    /// The metric that decides.
    pub primary: String,
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
            primary: task.primary().to_string(),
            rates: predictions.rates.clone(),
            dynamics: None,
        })
    }
}

/// What a run is asked to do besides learning.
#[derive(Debug, Clone)]
pub struct Controls<'a> {
    /// Command and task, for the log.
    pub name: String,
    /// The stages.
    pub stages: Vec<Stage>,
    /// Examples a step.
    pub batch_size: usize,
    /// Evaluations, checkpoints, log lines.
    pub run: RunRecipe,
    /// Stop after this long.
    pub max_time: Option<Duration>,
    /// Set by Ctrl-C.
    pub stop: &'a AtomicBool,
    /// Counters to go on from; `None` for a new run.
    pub resume: Option<Counters>,
    /// For the log.
    pub sizes: Sizes,
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

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why.
    pub reason: EndReason,
    /// Where.
    pub counters: Counters,
    /// The metric of `counters.best`.
    pub primary: String,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// All steps were taken.
    Finished,
    /// The time budget was used up.
    TimeBudget,
    /// The user stopped it.
    Interrupted,
}

impl EndReason {
    /// The name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::TimeBudget => "time budget",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Runs `f` on a thread of the pool, so that each of its many short parallel loops starts where it is, without waking a
/// thread and waiting for it.
pub(crate) fn in_pool<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| f())
}

/// Steps of a stage over `examples` examples, `batch_size` a step.
pub fn stage_steps(stage: &Stage, examples: usize, batch_size: usize) -> (u64, u64) {
    let an_epoch = examples.div_ceil(batch_size).max(1) as u64;
    (an_epoch, ((an_epoch as f64 * stage.epochs).ceil() as u64).max(1))
}

/// Trains `learner` through the stages of `controls`, reporting to `observer`.
///
/// # Errors
/// If a step diverges, a file cannot be written, or the dev set cannot be scored. What was saved before stays.
pub fn train<L: Learner>(learner: &mut L, controls: &Controls<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    let mut session = Session::new(learner, controls, observer)?;
    let result = session.run(learner);
    if let Err(Error::Diverged { .. }) = &result {
        session.end("diverged")?;
    }
    result
}

struct Session<'a> {
    controls: &'a Controls<'a>,
    observer: &'a mut dyn Observer,
    counters: Counters,
    primary: String,
    total_steps: u64,
    started: Instant,
    elapsed_before: f64,
    last_save: Instant,
    window: Window,
    evaluated_at: Option<u64>,
}

/// Throughput since the last log line, and smoothed over the run.
struct Window {
    since: Instant,
    examples: usize,
    tokens: usize,
    steps: u64,
    seconds_per_step: Option<f64>,
}

impl<'a> Session<'a> {
    fn new<L: Learner>(learner: &L, controls: &'a Controls<'a>, observer: &'a mut dyn Observer) -> Result<Self> {
        let steps = |(i, stage)| stage_steps(stage, learner.stage_examples(i), controls.batch_size).1;
        let total_steps = controls.stages.iter().enumerate().map(steps).sum();
        let counters = controls.resume.clone().unwrap_or_default();
        let now = Instant::now();
        let mut session = Self {
            controls,
            observer,
            elapsed_before: counters.elapsed_s,
            counters,
            primary: String::new(),
            total_steps,
            started: now,
            last_save: now,
            window: Window { since: now, examples: 0, tokens: 0, steps: 0, seconds_per_step: None },
            evaluated_at: None,
        };
        session.emit(Event::Start {
            run: controls.name.clone(),
            stages: controls.stages.iter().map(|stage| stage.kind.name().to_owned()).collect(),
            total_steps,
            trainable_parameters: controls.sizes.parameters as u64,
            train_examples: controls.sizes.train as u64,
            dev_examples: controls.sizes.dev as u64,
            resumed_at: controls.resume.as_ref().map(|counters| counters.step),
        })?;
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
                if let Some(reason) = self.stage(learner, (i, stage), (an_epoch, steps), begin)? {
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
    fn stage<L: Learner>(
        &mut self,
        learner: &mut L,
        (index, stage): (usize, &Stage),
        (an_epoch, steps): (u64, u64),
        begin: u64,
    ) -> Result<Option<EndReason>> {
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
            self.window.add(batch.len(), report.tokens);
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
        let value = evaluation.metrics.get(&evaluation.primary).copied().unwrap_or(f64::NAN);
        // A score through other dynamics is a score of another model: the last kind of evaluation has its own best.
        let other = self.counters.best_dynamics != evaluation.dynamics;
        let best = other || self.counters.best.is_none_or(|best| value > best);
        self.counters.elapsed_s = self.elapsed();
        self.primary.clone_from(&evaluation.primary);
        if best {
            self.counters.best = Some(value);
            self.counters.best_step = Some(self.counters.step);
            self.counters.best_dynamics = evaluation.dynamics;
        }
        self.emit(Event::Eval {
            stage: stage.kind.name().to_owned(),
            step: self.counters.step,
            split: evaluation.split,
            metrics: evaluation.metrics,
            primary: evaluation.primary,
            best,
            rates: evaluation.rates,
            elapsed_s: self.counters.elapsed_s,
        })?;
        if best {
            self.save_best(learner)?;
        }
        self.window.restart();
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
        self.window.restart();
        self.saved("last", path)
    }

    fn saved(&mut self, kind: &str, path: PathBuf) -> Result<()> {
        let path = path.display().to_string();
        self.emit(Event::Checkpoint { step: self.counters.step, kind: kind.to_owned(), path })
    }

    fn log(&mut self, stage: &Stage, report: &StepReport, epoch: f64, learning_rate: f64) -> Result<()> {
        let (examples_per_second, tokens_per_second, seconds_per_step) = self.window.rates();
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
        self.observer.on_event(&event).map_err(|e| Error::io("write the log of", "this run", e))
    }
}

/// Whether a stage trains what the dev metric measures.
fn scored(stage: &Stage) -> bool {
    let weights = stage.loss_weights();
    weights.prediction + weights.label > 0.0
}

impl Window {
    fn add(&mut self, examples: usize, tokens: usize) {
        self.examples += examples;
        self.tokens += tokens;
        self.steps += 1;
    }

    /// Forgets a pause for an evaluation or a checkpoint.
    fn restart(&mut self) {
        (self.since, self.examples, self.tokens, self.steps) = (Instant::now(), 0, 0, 0);
    }

    /// Examples and tokens a second since the last call, and smoothed seconds a step.
    fn rates(&mut self) -> (f64, f64, f64) {
        let seconds = self.since.elapsed().as_secs_f64().max(1e-9);
        let rates = (self.examples as f64 / seconds, self.tokens as f64 / seconds);
        let now = seconds / self.steps.max(1) as f64;
        let smooth = self.seconds_per_step.map_or(now, |old| 0.8 * old + 0.2 * now);
        self.seconds_per_step = Some(smooth);
        self.restart();
        (rates.0, rates.1, smooth)
    }
}

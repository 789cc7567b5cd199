//! A model's answers along a simulation: what it scores after so many steps of each dynamics.

use std::collections::BTreeMap;

use bitspike::config::Target;
use bitspike::forward::{Rows, SentenceRun, Wanted};
use bitspike::neuron::{Code, Reset};
use bitspike::{Dynamics, ExitRule, Model, Simulation};
use bitspike_data::Predictions;
use serde::Serialize;

use crate::counts::{Counted, Tally};
use crate::error::{Error, Result};
use crate::examples::EncodedSplit;

/// Examples at a time where operations are counted.
const BATCH: usize = 64;

/// Which simulations to score.
#[derive(Debug, Clone, PartialEq)]
pub struct InTimeOptions {
    /// Which dynamics, at least one.
    pub dynamics: Vec<Dynamics>,
    /// Steps to answer at; where there are none, the `T` that the model was trained with.
    pub time_steps: Vec<u32>,
    /// Leak of every neuron in (0, 1]; 1 is integrate-and-fire.
    pub beta: f32,
    /// What a spike leaves of a potential.
    pub reset: Reset,
    /// Thresholds beyond its own that a spike which takes back earlier ones needs (`accumulated`).
    pub hysteresis: f32,
    /// Whether unsigned neurons may take back a spike (`accumulated`).
    pub retract: bool,
    /// When a sentence may end early (`accumulated` alone).
    pub exit: Option<ExitRule>,
    /// Whether operations are counted, of every simulation by itself.
    pub count: bool,
    /// How populations of `phased` hand on their counts; the other dynamics have none to hand on.
    pub code: Option<Code>,
}

impl InTimeOptions {
    /// The plain neuron in these dynamics, at the `T` of training.
    pub fn new(dynamics: impl Into<Vec<Dynamics>>) -> Self {
        Self {
            dynamics: dynamics.into(),
            time_steps: Vec::new(),
            beta: 1.0,
            reset: Reset::Soft,
            hysteresis: 0.0,
            retract: true,
            exit: None,
            count: false,
            code: None,
        }
    }

    /// Whether neurons are those of training: without leak, with soft reset.
    pub fn is_exact(&self) -> bool {
        self.beta == 1.0 && self.reset == Reset::Soft
    }

    /// Refuses what no dynamics asked for would heed.
    fn check_corrections(&self) -> Result<()> {
        if self.dynamics.contains(&Dynamics::Accumulated) {
            return Ok(());
        }
        let names: Vec<&str> = self.dynamics.iter().map(|dynamics| dynamics.name()).collect();
        let refuse = |what: &str| Err(Error::invalid(what, "accumulated among the dynamics", names.join(", ")));
        match (self.hysteresis == 0.0, self.retract) {
            (false, _) => refuse("hysteresis (--hysteresis)"),
            (true, false) => refuse("neurons that take back no spike (--no-retract)"),
            (true, true) => Ok(()),
        }
    }

    /// The steps that each simulation answers at. One that has an answer at every step serves all times, unless what it does at a
    /// step depends on how many there are (hysteresis), or what was sent up to its end is asked for.
    fn runs<'t>(&self, dynamics: Dynamics, times: &'t [u32]) -> Vec<&'t [u32]> {
        let depends = dynamics == Dynamics::Accumulated && self.hysteresis != 0.0;
        match dynamics == Dynamics::Phased || depends || self.count {
            true => times.chunks(1).collect(),
            false => vec![times],
        }
    }

    fn simulation(&self, dynamics: Dynamics, time_steps: u32, own: Code) -> Simulation {
        let hysteresis = if dynamics == Dynamics::Accumulated { self.hysteresis } else { 0.0 };
        let code = if dynamics == Dynamics::Phased { self.code.unwrap_or(own) } else { Code::Unary };
        Simulation { dynamics, time_steps, beta: self.beta, reset: self.reset, retract: self.retract, hysteresis, code }
    }
}

/// What a model scores after so many steps of one of the dynamics.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct TimeScore {
    pub dynamics: Dynamics,
    /// Most steps that a sentence took.
    pub time_steps: u32,
    /// With an exit rule, the mean number of steps that were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_steps: Option<f64>,
    /// Empty where an example has no label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// Share of examples with the answer of the quantised equilibrium (`phased` at the T of training); classes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// Spikes of either sign a neuron and step, averaged over the populations.
    pub mean_rate: f64,
    /// Spikes of either sign a token.
    pub spikes_per_token: f64,
    /// Of the whole simulation that this figure is a point of.
    pub seconds: f64,
    /// Where operations were to be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// `phased` at the T of training: neurons, and those whose count is not the one that training computes. Left to whoever can
    /// compute that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<ComparedCounts>,
}

impl TimeScore {
    /// Whether it is of windows as long as those of training, `trained` steps.
    pub fn is_equilibrium(&self, trained: u32) -> bool {
        self.dynamics == Dynamics::Phased && self.time_steps == trained
    }
}

/// Spike counts beside those of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct ComparedCounts {
    pub compared: u64,
    /// Those that differ.
    pub different: u64,
}

/// How far a simulation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Progress {
    pub dynamics: Dynamics,
    pub time_steps: u32,
    /// Examples that are done.
    pub done: usize,
    pub examples: usize,
}

/// Scores `model` at every number of steps asked for. `equilibrium` are the answers that agreement refers to: those of
/// [`crate::predict::predict`], or of the student in training.
///
/// # Errors
/// If an option is out of range, or a current is not finite.
pub fn score(
    model: &Model,
    split: &EncodedSplit,
    equilibrium: &Predictions,
    options: &InTimeOptions,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<TimeScore>> {
    if options.exit.is_some() && model.is_embedder() {
        return Err(Error::invalid("exit rule (--exit)", "a model that gives classes or scores", "one that embeds"));
    }
    if options.exit.is_some() && options.dynamics != [Dynamics::Accumulated] {
        let found: Vec<&str> = options.dynamics.iter().map(|dynamics| dynamics.name()).collect();
        return Err(Error::invalid("dynamics of an exit rule (--exit)", "accumulated alone", found.join(", ")));
    }
    options.check_corrections()?;
    if split.examples.is_empty() {
        return Err(Error::no_examples("to score"));
    }
    let student = &model.header().student;
    let (trained, own) = (student.time_steps, student.code.code());
    let mut times = if options.time_steps.is_empty() { vec![trained] } else { options.time_steps.clone() };
    times.sort_unstable();
    times.dedup();
    // The smallest is read out of a longer run, which would not refuse it.
    for (&dynamics, &time_steps) in options.dynamics.iter().flat_map(|d| times.iter().map(move |t| (d, t))) {
        let simulation = options.simulation(dynamics, time_steps, own);
        simulation.validate()?;
        simulation.fits(student)?;
    }
    let encodings = split.encodings();
    let expected = equilibrium.answers(&split.task);
    let mut scores = Vec::new();
    for &dynamics in &options.dynamics {
        for at in options.runs(dynamics, &times) {
            let started = std::time::Instant::now();
            let simulation = options.simulation(dynamics, at[at.len() - 1], own);
            let mut points: Vec<Point> =
                at.iter().map(|&at| Point::new(at, model, options.count.then(|| Tally::new(model)))).collect();
            let wanted = Wanted { exit: options.exit, sent: options.count, rows: Rows::At(at), ..Wanted::default() };
            let mut done = 0;
            // What neurons sent takes memory: it is added up a batch at a time.
            for batch in encodings.chunks(if options.count { BATCH } else { encodings.len() }) {
                let runs = model.simulate(batch, &simulation, wanted, |of_batch| {
                    let (time_steps, examples) = (simulation.time_steps, encodings.len());
                    progress(Progress { dynamics, time_steps, done: done + of_batch, examples });
                })?;
                done += batch.len();
                for (run, encoding) in runs.iter().zip(batch) {
                    points.iter_mut().enumerate().for_each(|(i, point)| {
                        let row = at[..i].iter().filter(|&&earlier| earlier < run.steps).count();
                        point.add(
                            run,
                            if dynamics == Dynamics::Phased { 0 } else { row },
                            encoding.ids.len(),
                            &simulation,
                        );
                    });
                }
            }
            let seconds = started.elapsed().as_secs_f64();
            for point in points {
                scores.push(point.score(split, &expected, &simulation, options.exit.is_some(), seconds)?);
            }
        }
    }
    Ok(scores)
}

/// What is known of a model after some steps of one of the dynamics.
struct Point {
    /// Those steps.
    time_steps: u32,
    /// Neurons of each population, a token.
    widths: Vec<usize>,
    logits: Vec<Vec<f32>>,
    /// Of each population.
    spikes: Vec<u64>,
    /// Steps that sentences took, and the sum of tokens times steps, in which each neuron of a token could have fired.
    steps: u64,
    token_steps: u64,
    tally: Option<Tally>,
}

impl Point {
    fn new(time_steps: u32, model: &Model, tally: Option<Tally>) -> Self {
        let widths = model.header().student.population_widths();
        let spikes = vec![0; widths.len()];
        Self { time_steps, widths, logits: Vec::new(), spikes, steps: 0, token_steps: 0, tally }
    }

    /// Adds a sentence of `tokens` tokens, whose row `row` is the one of these steps or of an earlier end.
    fn add(&mut self, run: &SentenceRun, row: usize, tokens: usize, simulation: &Simulation) {
        let classes = run.logits.len() / run.change.len();
        let steps = u64::from(run.steps.min(self.time_steps));
        self.logits.push(run.logits[row * classes..][..classes].to_vec());
        for row in run.spikes.chunks_exact(self.spikes.len()).take(row + 1) {
            self.spikes.iter_mut().zip(row).for_each(|(sum, &n)| *sum += n);
        }
        self.steps += steps;
        self.token_steps += steps * tokens as u64;
        if let Some(tally) = &mut self.tally {
            tally.add(run, tokens, simulation);
        }
    }

    fn score(
        self,
        split: &EncodedSplit,
        expected: &[f32],
        simulation: &Simulation,
        exit: bool,
        seconds: f64,
    ) -> Result<TimeScore> {
        let Self { time_steps, widths, logits, spikes, steps, token_steps, tally } = self;
        let examples = logits.len() as f64;
        let predictions = Predictions { logits, rates: BTreeMap::new() };
        let same = predictions.answers(&split.task).iter().zip(expected).filter(|(a, b)| a == b).count() as f64;
        let rate = |(&spikes, &width): (&u64, &usize)| spikes as f64 / (token_steps as f64 * width as f64);
        let rates: f64 = spikes.iter().zip(&widths).map(rate).sum();
        let is_class = matches!(split.task.target, Target::Classification { .. });
        let metrics = split.metrics(&predictions)?;
        let counted =
            tally.map(|tally| Ok::<_, Error>(tally.finish(simulation, exit, predictions)?.counted(simulation)));
        Ok(TimeScore {
            dynamics: simulation.dynamics,
            time_steps,
            mean_steps: exit.then(|| steps as f64 / examples),
            metrics,
            agreement: is_class.then(|| same / examples),
            mean_rate: rates / widths.len() as f64,
            spikes_per_token: spikes.iter().sum::<u64>() as f64 / split.tokens().max(1) as f64,
            seconds,
            counted: counted.transpose()?,
            counts: None,
        })
    }
}

#[cfg(test)]
mod tests;

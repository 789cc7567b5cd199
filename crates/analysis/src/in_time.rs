//! A model's answers along a simulation: what it scores after so many steps of each dynamics.

use std::collections::BTreeMap;

use bitspike::config::Target;
use bitspike::forward::{SentenceRun, Wanted};
use bitspike::neuron::Reset;
use bitspike::{Dynamics, ExitRule, Model, Simulation};
use bitspike_data::Predictions;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::examples::EncodedSplit;

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
        }
    }

    /// Whether neurons are those of training: without leak, with soft reset.
    pub fn is_exact(&self) -> bool {
        self.beta == 1.0 && self.reset == Reset::Soft
    }

    fn simulation(&self, dynamics: Dynamics, time_steps: u32) -> Simulation {
        let hysteresis = if dynamics == Dynamics::Accumulated { self.hysteresis } else { 0.0 };
        Simulation { dynamics, time_steps, beta: self.beta, reset: self.reset, retract: self.retract, hysteresis }
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
/// [`crate::score::predict`], or of the student in training.
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
    if options.exit.is_some() && options.dynamics != [Dynamics::Accumulated] {
        let found: Vec<&str> = options.dynamics.iter().map(|dynamics| dynamics.name()).collect();
        return Err(Error::invalid("dynamics of an exit rule (--exit)", "accumulated alone", found.join(", ")));
    }
    let trained = model.header().student.time_steps;
    let mut times = if options.time_steps.is_empty() { vec![trained] } else { options.time_steps.clone() };
    times.sort_unstable();
    times.dedup();
    // The smallest is read out of a longer run, which would not refuse it.
    for (&dynamics, &time_steps) in options.dynamics.iter().flat_map(|d| times.iter().map(move |t| (d, t))) {
        options.simulation(dynamics, time_steps).validate()?;
    }
    let readout = Readout {
        split,
        expected: equilibrium.answers(&split.task),
        widths: model.header().student.population_widths(),
        exit: options.exit.is_some(),
    };
    let encodings = split.encodings();
    let mut scores = Vec::new();
    for &dynamics in &options.dynamics {
        // `phased` has an answer at the end of its windows only; the others have one at every step.
        let runs: Vec<(u32, &[u32])> = match dynamics {
            Dynamics::Phased => {
                times.iter().map(|time_steps| (*time_steps, std::slice::from_ref(time_steps))).collect()
            }
            _ => times.last().map(|&last| (last, times.as_slice())).into_iter().collect(),
        };
        for (time_steps, answers_at) in runs {
            let started = std::time::Instant::now();
            let wanted = Wanted { exit: options.exit, ..Wanted::default() };
            let simulation = options.simulation(dynamics, time_steps);
            let found = model.simulate(&encodings, &simulation, wanted, |done| {
                progress(Progress { dynamics, time_steps, done, examples: encodings.len() });
            })?;
            let seconds = started.elapsed().as_secs_f64();
            for &at in answers_at {
                scores.push(TimeScore { seconds, ..readout.at(&found, dynamics, at)? });
            }
        }
    }
    Ok(scores)
}

/// What scores of several times have in common.
struct Readout<'a> {
    split: &'a EncodedSplit,
    /// Answers at the equilibrium.
    expected: Vec<f32>,
    /// Neurons of each population, a token.
    widths: Vec<usize>,
    /// Whether sentences may end early.
    exit: bool,
}

impl Readout<'_> {
    /// The score after `time_steps` steps, or where a sentence ended before.
    fn at(&self, runs: &[SentenceRun], dynamics: Dynamics, time_steps: u32) -> Result<TimeScore> {
        let EncodedSplit { task, examples, .. } = self.split;
        let (populations, classes) = (self.widths.len(), task.num_outputs());
        let mut logits = Vec::with_capacity(runs.len());
        // Spikes of each population, and the neuron-steps in which they could have fired.
        let mut spikes = vec![0u64; populations];
        let (mut token_steps, mut steps_taken) = (0u64, 0u64);
        for (run, example) in runs.iter().zip(examples) {
            let steps = run.steps.min(time_steps);
            let rows = if dynamics == Dynamics::Phased { 1 } else { steps as usize };
            logits.push(run.logits[(rows - 1) * classes..][..classes].to_vec());
            for row in run.spikes.chunks_exact(populations).take(rows) {
                spikes.iter_mut().zip(row).for_each(|(sum, &n)| *sum += u64::from(n));
            }
            token_steps += u64::from(steps) * example.ids.len() as u64;
            steps_taken += u64::from(steps);
        }
        let predictions = Predictions { logits, rates: BTreeMap::new() };
        let same = predictions.answers(task).iter().zip(&self.expected).filter(|(a, b)| a == b).count();
        let rate = |(&spikes, &width): (&u64, &usize)| spikes as f64 / (token_steps as f64 * width as f64);
        let rates: f64 = spikes.iter().zip(&self.widths).map(rate).sum();
        Ok(TimeScore {
            dynamics,
            time_steps,
            mean_steps: self.exit.then(|| steps_taken as f64 / runs.len() as f64),
            metrics: self.split.metrics(&predictions)?,
            agreement: matches!(task.target, Target::Classification { .. })
                .then(|| same as f64 / runs.len().max(1) as f64),
            mean_rate: rates / populations as f64,
            spikes_per_token: spikes.iter().sum::<u64>() as f64 / self.split.tokens().max(1) as f64,
            seconds: 0.0,
            counts: None,
        })
    }
}

#[cfg(test)]
mod tests;

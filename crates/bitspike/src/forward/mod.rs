//! A student that spikes: the three dynamics of the whole model in time (`docs/model.md`, "Dynamics").
//!
//! | | what an operator (layer norm, softmax, GELU) sees at step `t` |
//! |---|---|
//! | `phased` | the rates of the finished window of the populations below; then its neurons fire for `T` steps |
//! | `accumulated` | the rates up to `t`; it emits the difference `W[t] f(rates[t]) - beta W[t-1] f(rates[t-1])` |
//! | `instantaneous` | the spikes of step `t` alone |
//!
//! with `W[t] = beta W[t-1] + 1`, which is `t` for integrate-and-fire neurons. Sentences are independent of each other and run
//! in parallel; all state is made for a call and dropped with it.

mod exit;
mod neurons;
pub(crate) mod packs;
mod phased;
mod record;
mod stepped;
mod timing;
pub(crate) mod windows;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::arithmetic::wide;
use crate::config::population_names;
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::neuron::{MAX_COUNT, MAX_TIME_STEPS, Membrane, Reset};

pub use exit::ExitRule;
pub use record::Record;
pub use timing::{Operator, Timing};

/// What the operators of a spiking model see.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown)]
pub enum Dynamics {
    /// Finished windows, population after population.
    Phased,
    /// Running rates, all populations at every step.
    Accumulated,
    /// The spikes of the step.
    Instantaneous,
}

impl Dynamics {
    /// All of them.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

fn unknown(name: &str) -> Error {
    Error::invalid("dynamics", "phased, accumulated or instantaneous", format!("`{name}`"))
}

/// How a model is run in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// What operators see.
    pub dynamics: Dynamics,
    /// `T`: steps of a window, or of the whole simulation.
    pub time_steps: u32,
    /// `beta`: leak of every neuron, 1 for integrate-and-fire.
    #[serde(default = "no_leak")]
    pub beta: f32,
    /// What a spike leaves of a potential.
    #[serde(default)]
    pub reset: Reset,
    /// `h`: a spike that takes back an earlier one needs `h sqrt(1 - t/T)` thresholds more than another; 0 for the plain neuron.
    /// Saves spikes that would be taken back in turn (`docs/model.md`, "Correcting spikes"). Used by `accumulated` alone.
    #[serde(default)]
    pub hysteresis: f32,
    /// Whether an unsigned neuron of `accumulated` may take back a spike it has sent by a negative one when its potential falls
    /// below 0. Its sum stays at 0 or above.
    #[serde(default = "yes")]
    pub retract: bool,
}

fn yes() -> bool {
    true
}

fn no_leak() -> f32 {
    1.0
}

impl Simulation {
    /// `time_steps` steps of `dynamics` with integrate-and-fire neurons and soft reset.
    pub fn new(dynamics: Dynamics, time_steps: u32) -> Self {
        Self { dynamics, time_steps, beta: 1.0, reset: Reset::Soft, hysteresis: 0.0, retract: true }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `T` is 0 or above [`MAX_TIME_STEPS`], `beta` is not in (0, 1], or the hysteresis is not in
    /// [0, 16].
    pub fn validate(&self) -> Result<()> {
        if !(1..=MAX_TIME_STEPS).contains(&self.time_steps) {
            return Err(Error::invalid("time_steps", format!("1 to {MAX_TIME_STEPS}"), self.time_steps));
        }
        if !(0.0..=16.0).contains(&self.hysteresis) {
            return Err(Error::invalid("hysteresis", "0 to 16 thresholds", self.hysteresis));
        }
        Membrane { theta: 1.0, beta: self.beta, signed: true, reset: self.reset }.validate()
    }

    /// `W[T] = sum of beta^k` for `k < T`: what a neuron that fires at every step accumulates.
    pub fn weight(&self, time_steps: u32) -> f32 {
        (0..time_steps).fold(0.0, |weight, _| self.beta * weight + 1.0)
    }

    /// Whether its neurons are those of the count identity: no leak, soft reset.
    fn is_exact(&self) -> bool {
        self.beta == 1.0 && self.reset == Reset::Soft
    }

    /// Whether it is `phased`, and a whole window is a count that fits a signed byte.
    pub(crate) fn is_counts(&self) -> bool {
        self.dynamics == Dynamics::Phased && self.is_exact() && self.time_steps <= MAX_COUNT
    }
}

/// What a simulation found of one sentence. `rows` is the number of steps taken, or 1 for `phased`, which has an answer only at
/// its end, and where only the last step was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SentenceRun {
    /// Steps taken; fewer than `T` where an exit rule ended it.
    pub steps: u32,
    /// `[rows, classes]`: the classifier on the rates up to each step.
    pub logits: Vec<f32>,
    /// `[rows]`: how much the value of `[CLS]` changed against the step before, `|m[t] - m[t-1]| / |m[t]|`; 1 at the first.
    pub change: Vec<f32>,
    /// `[rows, populations]`: spikes of either sign in each step, or in all steps where there is one row.
    pub spikes: Vec<u32>,
    /// Per population `[L, width]`: weighted sums `A[t] = beta A[t-1] + s[t]` after the last step; empty unless asked for.
    pub sums: Vec<Vec<f32>>,
    /// Per population: what its neurons sent; empty unless asked for.
    pub sent: Vec<Sent>,
}

/// What the neurons of a population sent, over all tokens and steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// `[width]`: spikes of either sign.
    pub spikes: Vec<u32>,
    /// `[width]`: tokens for which the net count over the window is not 0; `phased` alone, else empty.
    pub active: Vec<u32>,
}

/// What a caller wants of a simulation besides answers and spike counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// End a sentence when this rule says that its answer is settled.
    pub exit: Option<ExitRule>,
    /// Keep the sums of every neuron.
    pub sums: bool,
    /// Keep what every neuron sent, summed over the tokens. Steps that an exit rule takes back are counted up to the end of their
    /// chunk of eight, since they were taken.
    pub sent: bool,
    /// Keep the answer, the change and the spikes of the last step only, the spikes summed over all: memory then does not grow
    /// with `T`.
    pub last_only: bool,
    /// Find answers alone: `accumulated` and `instantaneous` then compute nothing of the last layer at other tokens than `[CLS]`
    /// but keys and values, and count no spikes. Without effect where sums, what neurons sent, or a record are asked for.
    pub answers_only: bool,
}

/// Runs sentences through an encoder. `embedded` are the currents of the embedding population, `[M, D]` for the `M` tokens of
/// all sentences, one sentence after another with the given `lengths`.
///
/// # Errors
/// [`Error::Invalid`] if the simulation's settings are out of range, the shapes do not fit, or a current is not finite
/// (population and step are named).
pub fn simulate(
    encoder: &Encoder,
    (embedded, lengths): (&[f32], &[usize]),
    simulation: &Simulation,
    options: Wanted,
) -> Result<Vec<SentenceRun>> {
    let sentences = sentences(encoder, embedded, lengths, simulation)?;
    let run = |embedded: &&[f32]| one(encoder, embedded, simulation, options, &mut ());
    sentences.par_iter().map(run).collect()
}

/// Like [`simulate`] for one sentence, showing every step of every population to `record`.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_recorded(
    encoder: &Encoder,
    embedded: &[f32],
    simulation: &Simulation,
    record: &mut impl Record,
) -> Result<SentenceRun> {
    let length = embedded.len() / encoder.config.hidden;
    sentences(encoder, embedded, &[length], simulation)?;
    one(encoder, embedded, simulation, Wanted { sums: true, ..Wanted::default() }, record)
}

fn one(
    encoder: &Encoder,
    embedded: &[f32],
    simulation: &Simulation,
    options: Wanted,
    record: &mut impl Record,
) -> Result<SentenceRun> {
    match simulation.dynamics {
        Dynamics::Phased => phased::run(encoder, embedded, simulation, options, record),
        Dynamics::Accumulated | Dynamics::Instantaneous => stepped::run(encoder, embedded, simulation, options, record),
    }
}

/// The currents of each sentence.
fn sentences<'a>(
    encoder: &Encoder,
    mut embedded: &'a [f32],
    lengths: &[usize],
    simulation: &Simulation,
) -> Result<Vec<&'a [f32]>> {
    simulation.validate()?;
    let width = encoder.config.hidden;
    let rows = lengths.iter().try_fold(0usize, |sum, &length| sum.checked_add(length));
    if rows.and_then(|rows| rows.checked_mul(width)) != Some(embedded.len()) || lengths.contains(&0) {
        let expected = format!("rows of {width} values, as many as the sentences have tokens, each at least one");
        return Err(Error::invalid("embedding currents", expected, format!("{} values", embedded.len())));
    }
    let mut parts = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (part, rest) = embedded.split_at(length * width);
        parts.push(part);
        embedded = rest;
    }
    Ok(parts)
}

/// Adds the rows of `values` to `sums` after `f`.
fn add_rows<T: Copy>(values: &[T], sums: &mut [u32], f: impl Fn(T) -> u32) {
    wide(
        #[inline(always)]
        move || {
            for row in values.chunks_exact(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f(value));
            }
        },
    );
}

/// Says which population received a current that is no number.
fn not_finite(encoder: &Encoder, population: usize, step: u32) -> Error {
    let name = population_names(encoder.layers.len()).swap_remove(population);
    Error::invalid(format!("current of population {name} at step {step}"), "a finite number", "NaN or infinity")
}

/// Classifier and `[CLS]` readout of a running sentence.
struct Readout<'a> {
    encoder: &'a Encoder,
    value: Vec<f32>,
    run: SentenceRun,
}

impl<'a> Readout<'a> {
    fn new(encoder: &'a Encoder) -> Self {
        Self { encoder, value: Vec::new(), run: SentenceRun::default() }
    }

    /// Notes the answer given the sums of the last layer's output population at `[CLS]` and their scale.
    fn answer(&mut self, sums: &[f32], scale: f32) {
        self.run.steps += 1;
        self.encoder.classifier.apply(sums, scale, &mut self.run.logits);
        let value: Vec<f32> = sums.iter().map(|&sum| sum * scale).collect();
        let square = |x: f32| f64::from(x) * f64::from(x);
        let size: f64 = value.iter().map(|&x| square(x)).sum();
        let moved: f64 = value.iter().zip(&self.value).map(|(&x, &old)| square(x - old)).sum();
        let change = if self.value.is_empty() || size == 0.0 { 1.0 } else { (moved / size).sqrt() };
        self.run.change.push(change as f32);
        self.value = value;
    }
}

#[cfg(test)]
pub(crate) mod tests;

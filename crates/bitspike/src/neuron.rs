//! The neuron: spike by spike, and as the spike count it reaches under a constant current.
//!
//! In time, with membrane potential `v`, input current `I`, threshold `theta` and leak `beta` in (0, 1] (1 is
//! integrate-and-fire, less is leaky), a neuron computes
//!
//! ```text
//! v[t] = beta * v[t-1] + I[t]        s[t] = fire(v[t])        v[t] <- v[t] - theta * s[t]      (soft reset)
//!                                                             v[t] <- 0 where s[t] != 0        (hard reset)
//! ```
//!
//! | | start `v[0]` | `s[t]` |
//! |---|---|---|
//! | unsigned | `theta/2` | 1 if `v >= theta`, else 0 |
//! | signed | 0 | 1 if `v >= theta/2`, -1 if `v < -theta/2`, else 0 |
//!
//! Either way an integrate-and-fire neuron under a constant current stays within half a spike of what it received, so that
//! its count after `T` steps is that quantity rounded (ties upwards) and clipped: the *count identity*
//!
//! ```text
//! n = clip(floor(T * I / theta + 1/2), low, T)        low = 0 unsigned, -T signed
//! ```
//!
//! on which training, spiking simulation and integer arithmetic agree to the bit. The tests below prove it on currents for
//! which `f32` is exact, ties and saturation included.

mod code;
mod levels;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use code::{Code, DigitNeuron};
pub use levels::{Levels, MAX_WEIGHTS};

/// Largest `T` of a [`NeuronConfig`]: far above any useful window, far below 2^23, up to which `f32` holds `n + 1/2`.
pub const MAX_TIME_STEPS: u32 = 65_536;

/// Largest `T` of a student and of a window that is computed at once: its counts fit a signed byte.
pub const MAX_COUNT: u32 = i8::MAX as u32;

/// A population of neurons read out over a window of `T` steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeuronConfig {
    /// Which counts the neurons can have.
    #[serde(default, skip_serializing_if = "Levels::is_unary")]
    pub levels: Levels,
    /// `T`: the steps of the window, and thereby the largest count.
    pub time_steps: u32,
    /// Whether spikes may be -1.
    pub signed: bool,
    /// `theta`, the firing threshold, in the units of the current; positive.
    pub theta: f32,
}

/// The neuron at its equilibrium: the map from a constant current to a spike count.
///
/// ```
/// # use bitspike::neuron::{Equilibrium, Levels, NeuronConfig};
/// let levels = Levels::Unary;
/// let neuron = Equilibrium::new(NeuronConfig { levels, time_steps: 16, signed: true, theta: 2.0 })?;
/// assert_eq!(neuron.count(0.5), 4); // a quarter of theta: a spike every fourth step
/// assert_eq!((neuron.rate(4), neuron.value(4)), (0.25, 0.5));
/// assert_eq!((neuron.count(0.0625), neuron.count(-0.0625)), (1, 0)); // ties go up
/// assert_eq!((neuron.count(1e9), neuron.count(-1e9)), (16, -16));
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equilibrium {
    config: NeuronConfig,
    gain: f32,
    low: f32,
    high: f32,
}

impl Equilibrium {
    /// The map of a valid `config`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `T` is 0 or above [`MAX_TIME_STEPS`], or if `theta` is not finite and positive, or so small that
    /// `T/theta` overflows `f32`.
    pub fn new(config: NeuronConfig) -> Result<Self> {
        if !(1..=MAX_TIME_STEPS).contains(&config.time_steps) {
            return Err(Error::invalid("time_steps", format!("1 to {MAX_TIME_STEPS}"), config.time_steps));
        }
        check_theta(config.theta)?;
        if config.levels == Levels::Single {
            config.levels.check(config.time_steps)?;
        }
        let high = config.time_steps as f32;
        let gain = high / config.theta;
        if !gain.is_finite() {
            return Err(Error::invalid("theta", "a threshold that T may be divided by in f32", config.theta));
        }
        Ok(Self { config, gain, low: if config.signed { -high } else { 0.0 }, high })
    }

    /// What the map was made of.
    pub fn config(&self) -> NeuronConfig {
        self.config
    }

    /// Spike count `n = clip(floor(I * (T/theta) + 1/2), low, T)` of the constant current `I`.
    ///
    /// The operations are those of `f32` in this very order (quotient once, product, sum, floor, clip; never fused), which is
    /// what the trainer computes, so that counts agree to the bit. A NaN counts 0.
    pub fn count(&self, current: f32) -> i32 {
        self.count_as_float(current) as i32
    }

    /// [`Equilibrium::count`] as the `f32` that it is computed in; NaN stays NaN.
    #[inline(always)]
    pub fn count_as_float(&self, current: f32) -> f32 {
        match self.config.levels {
            Levels::Unary => (current * self.gain + 0.5).floor().clamp(self.low, self.high),
            Levels::Single => Levels::single(current * self.gain, self.low, self.high),
        }
    }

    /// The charge `T I / theta` of a whole window, in spikes, as [`Equilibrium::count`] rounds it: `count` is exactly
    /// `clip(floor(charge + 1/2), low, T)`.
    pub fn charge(&self, current: f32) -> f64 {
        match self.config.levels {
            Levels::Unary => f64::from(current * self.gain + 0.5) - 0.5,
            Levels::Single => f64::from(current * self.gain),
        }
    }

    /// Firing rate `n/T`, in `[0, 1]`, signed `[-1, 1]`.
    pub fn rate(&self, count: i32) -> f32 {
        count as f32 / self.high
    }

    /// What the count stands for downstream: `(theta/T) * n`, the scale rounded to `f32` first, as the trainer does.
    pub fn value(&self, count: i32) -> f32 {
        self.config.theta / self.high * count as f32
    }

    /// The same count, by running [`step`] for `T` steps from rest. Equal to [`Equilibrium::count`] wherever the sums of
    /// currents are exact in `f32`.
    pub fn count_by_simulation(&self, current: f32) -> i32 {
        let membrane = Membrane { theta: self.config.theta, beta: 1.0, signed: self.config.signed, reset: Reset::Soft };
        let (spikes, _) =
            run(std::iter::repeat_n(current, self.config.time_steps as usize), membrane.rest(), &membrane);
        spikes.into_iter().map(i32::from).sum()
    }
}

/// The constants of a neuron in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membrane {
    /// `theta`, the firing threshold and the amount by which a spike lowers the potential; positive.
    pub theta: f32,
    /// `beta`, the share of the potential that a step keeps, in (0, 1].
    pub beta: f32,
    /// Whether spikes may be -1.
    pub signed: bool,
    /// What a spike leaves of the potential.
    #[serde(default)]
    pub reset: Reset,
}

/// What a spike leaves of the potential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reset {
    /// All but the threshold: `v <- v - theta * s`, so that no charge is lost.
    #[default]
    Soft,
    /// Nothing: `v <- 0`.
    Hard,
}

impl Membrane {
    /// Checks the ranges of the constants.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `theta` is not finite and positive or `beta` not in (0, 1].
    pub fn validate(&self) -> Result<()> {
        check_theta(self.theta)?;
        check_beta(self.beta)
    }

    /// The potential `v[0]` before the first step: `theta/2`, signed 0.
    pub fn rest(&self) -> f32 {
        if self.signed { 0.0 } else { self.theta / 2.0 }
    }
}

/// One step of one neuron: from the input current and the potential `v[t-1]` to the spike `s[t]` (-1, 0 or 1) and `v[t]`.
///
/// ```
/// # use bitspike::neuron::{Membrane, Reset, step};
/// let leaky = Membrane { theta: 1.0, beta: 0.5, signed: false, reset: Reset::Soft };
/// assert_eq!(step(0.25, leaky.rest(), &leaky), (0, 0.5));
/// assert_eq!(step(1.0, 0.5, &leaky), (1, 0.25));
/// assert_eq!(step(1.0, 0.5, &Membrane { reset: Reset::Hard, ..leaky }), (1, 0.0));
/// ```
pub fn step(input: f32, state: f32, membrane: &Membrane) -> (i8, f32) {
    let v = membrane.beta * state + input;
    let spike = if membrane.signed {
        i8::from(v >= membrane.theta / 2.0) - i8::from(v < -membrane.theta / 2.0)
    } else {
        i8::from(v >= membrane.theta)
    };
    let after = match membrane.reset {
        Reset::Hard if spike != 0 => 0.0,
        _ => v - membrane.theta * f32::from(spike),
    };
    (spike, after)
}

/// The spike train and last potential of a neuron that receives `inputs` step by step, starting from the potential `state`.
pub fn run(inputs: impl IntoIterator<Item = f32>, state: f32, membrane: &Membrane) -> (Vec<i8>, f32) {
    let mut v = state;
    let fire = |input| {
        let (spike, next) = step(input, v, membrane);
        v = next;
        spike
    };
    let spikes = inputs.into_iter().map(fire).collect();
    (spikes, v)
}

/// Weighted average spiking rate of a train of `T` spikes: `a[T] = sum_t beta^(T-t) s[t] / sum_t beta^(T-t)`, the mean spike
/// for `beta = 1`. Computed in `f64`.
///
/// ```
/// # use bitspike::neuron::average_spiking_rate;
/// assert_eq!(average_spiking_rate(&[1, 0, 0, 1], 1.0)?, 0.5);
/// assert_eq!(average_spiking_rate(&[1, 0], 0.5)?, 0.5 / 1.5); // old spikes weigh less
/// # Ok::<(), bitspike::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if the train is empty or `beta` not in (0, 1].
pub fn average_spiking_rate(spikes: &[i8], beta: f32) -> Result<f64> {
    check_beta(beta)?;
    if spikes.is_empty() {
        return Err(Error::invalid("spike train", "at least one step", "none"));
    }
    let beta = f64::from(beta);
    // Horner's rule: each step discounts everything before it.
    let (sum, weight) =
        spikes.iter().fold((0.0, 0.0), |(sum, weight), &spike| (beta * sum + f64::from(spike), beta * weight + 1.0));
    Ok(sum / weight)
}

fn check_theta(theta: f32) -> Result<()> {
    if theta.is_finite() && theta > 0.0 {
        return Ok(());
    }
    Err(Error::invalid("theta", "a finite threshold above 0", theta))
}

fn check_beta(beta: f32) -> Result<()> {
    if beta > 0.0 && beta <= 1.0 {
        return Ok(());
    }
    Err(Error::invalid("beta", "a leak in (0, 1], 1 for integrate-and-fire", beta))
}

#[cfg(test)]
mod tests;

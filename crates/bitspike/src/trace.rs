//! What a simulation of one sentence did, step by step: every spike, some membranes, and how the rates converge.

mod neurons;
mod summary;

use self::neurons::check_neuron;
use crate::error::{Error, Result};
use crate::forward::Record;

pub use neurons::NeuronName;
pub(crate) use neurons::{choose, default_neurons};
pub use summary::Summary;

/// Most spikes slots `T * L * width`, summed over populations, that a trace may hold: one byte each.
pub const MAX_SLOTS: u64 = 1 << 32;

/// The spikes of all populations over one sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// `T`
    pub time_steps: u32,
    /// `L`
    pub tokens: usize,
    /// In the order of computation.
    pub populations: Vec<PopulationTrace>,
}

/// One population of [`Trace`].
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationTrace {
    /// `embedding`, `layer.0.key`, ...
    pub name: String,
    /// Neurons per token: `D`, or `F` for `feed_forward`.
    pub width: usize,
    /// `theta`, the firing threshold.
    pub theta: f32,
    /// `[T, L, width]`: -1, 0 or 1.
    pub spikes: Vec<i8>,
    /// `[T, chosen]`: potential after the step's spike, in the units of `theta`.
    pub membrane: Vec<f32>,
    /// Token and neuron of each column of `membrane`.
    pub chosen: Vec<(usize, usize)>,
    /// `[L, width]`: rates `n/T` of the quantised equilibrium, which is what `phased` computes.
    pub equilibrium: Vec<f32>,
}

/// A population's rates up to one step, and how far they are from the equilibrium.
///
/// With `a[t] = sum_u beta^(t-u) s[u] / sum_u beta^(t-u)` of each neuron over the steps `u = 1..t` and its rate `a*` at
/// equilibrium; means, root and maximum are over tokens and neurons alike.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RateAt {
    /// Mean of `|a[t]|`.
    pub mean_absolute: f64,
    /// Mean of `a[t]`; less than `mean_absolute` where neurons fire -1.
    pub mean: f64,
    /// Root of the mean of `(a[t] - a*)^2`.
    pub rms_distance: f64,
    /// Maximum of `|a[t] - a*|`.
    pub max_distance: f64,
}

/// One spike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spike {
    /// Position in the sentence; 0 is `[CLS]`.
    pub token: usize,
    /// Neuron of the token, below `width`.
    pub neuron: usize,
    /// Step, from 1.
    pub t: u32,
    /// -1 or 1.
    pub sign: i8,
}

impl Trace {
    /// An empty trace of `populations` of which name, width, theta, chosen neurons and equilibrium are given; it fills with the
    /// steps of a simulation that it records.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there would be more than [`MAX_SLOTS`] places for spikes, a population's equilibrium is not
    /// `[L, width]`, or a chosen neuron does not exist.
    pub fn new(time_steps: u32, tokens: usize, populations: Vec<PopulationTrace>) -> Result<Self> {
        let trace = Self { time_steps, tokens, populations };
        let rows = u64::from(time_steps).saturating_mul(tokens as u64);
        let slots = trace.populations.iter().map(|p| rows.saturating_mul(p.width as u64));
        let slots = slots.fold(0u64, u64::saturating_add);
        if slots > MAX_SLOTS || usize::try_from(slots).is_err() {
            let expected =
                format!("at most {MAX_SLOTS} (T times tokens times neurons); take fewer steps or a shorter text");
            return Err(Error::invalid("places for spikes in the trace", expected, slots));
        }
        for population in &trace.populations {
            population.check_constants(tokens)?;
        }
        Ok(trace)
    }

    /// Checks that every population holds `T` steps of everything.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the first population which does not.
    pub fn check(&self) -> Result<()> {
        let steps = self.time_steps as usize;
        for population in &self.populations {
            population.check_constants(self.tokens)?;
            let sizes = [
                ("spikes", population.spikes.len(), steps * self.tokens * population.width),
                ("membrane", population.membrane.len(), steps * population.chosen.len()),
            ];
            if let Some((what, found, expected)) = sizes.into_iter().find(|(_, found, expected)| found != expected) {
                return Err(Error::invalid(
                    format!("{what} of population {}", population.name),
                    format!("{expected} values"),
                    found,
                ));
            }
        }
        Ok(())
    }
}

impl Record for Trace {
    /// # Panics
    /// If there is no such population, the step is not the population's next, or the sizes differ from `L * width`.
    fn step(&mut self, population: usize, step: u32, spikes: &[i8], potentials: &[f32]) {
        let neurons = self.tokens * self.populations[population].width;
        let traced = &mut self.populations[population];
        assert_eq!((spikes.len(), potentials.len()), (neurons, neurons), "{}: [L, width]", traced.name);
        assert_eq!(traced.spikes.len(), (step as usize - 1) * neurons, "{}: step {step} is the next", traced.name);
        traced.spikes.extend_from_slice(spikes);
        let width = traced.width;
        traced.membrane.extend(traced.chosen.iter().map(|&(token, neuron)| potentials[token * width + neuron]));
    }
}

impl PopulationTrace {
    fn check_constants(&self, tokens: usize) -> Result<()> {
        if self.equilibrium.len() != tokens * self.width {
            let expected = format!("{tokens} times {} values", self.width);
            return Err(Error::invalid(
                format!("equilibrium of population {}", self.name),
                expected,
                self.equilibrium.len(),
            ));
        }
        self.chosen.iter().try_for_each(|&at| check_neuron(&self.name, (tokens, self.width), at))
    }

    /// The spikes of one neuron over the `T` steps, of `tokens` tokens.
    pub fn train(&self, tokens: usize, (token, neuron): (usize, usize)) -> impl Iterator<Item = i8> + Clone {
        self.spikes.iter().skip(token * self.width + neuron).step_by((tokens * self.width).max(1)).copied()
    }

    /// Every spike, ordered by step, token, neuron.
    pub fn events(&self, tokens: usize) -> impl Iterator<Item = Spike> + Clone {
        let (neurons, width) = ((tokens * self.width).max(1), self.width.max(1));
        let fired = self.spikes.iter().enumerate().filter(|(_, sign)| **sign != 0);
        fired.map(move |(i, &sign)| {
            let place = i % neurons;
            Spike { token: place / width, neuron: place % width, t: (i / neurons) as u32 + 1, sign }
        })
    }

    /// Rates and distances after each of the `T` steps, for neurons of leak `beta` (`weighted` as
    /// [`crate::neuron::average_spiking_rate`], in one pass).
    ///
    /// ```
    /// # use bitspike::trace::PopulationTrace;
    /// let population = PopulationTrace {
    ///     name: "embedding".into(),
    ///     width: 2,
    ///     theta: 1.0,
    ///     spikes: vec![1, -1, 0, -1],
    ///     membrane: vec![],
    ///     chosen: vec![],
    ///     equilibrium: vec![0.5, -1.0],
    /// };
    /// let rates = population.rates(1.0);
    /// assert_eq!((rates[0].mean_absolute, rates[0].mean, rates[0].max_distance), (1.0, 0.0, 0.5));
    /// assert_eq!((rates[1].mean_absolute, rates[1].mean, rates[1].max_distance), (0.75, -0.25, 0.0));
    /// ```
    pub fn rates(&self, beta: f32) -> Vec<RateAt> {
        let beta = f64::from(beta);
        let mut weight = 0.0;
        self.rates_of(beta, || {
            weight = beta * weight + 1.0;
            weight
        })
    }

    /// The same where spikes are digits of counts of up to `window` (`T`): the count so far, as if the digits that are still to
    /// come were 0, over `T`.
    ///
    /// ```
    /// # use bitspike::trace::PopulationTrace;
    /// let population = PopulationTrace {
    ///     name: "embedding".into(),
    ///     width: 1,
    ///     theta: 1.0,
    ///     spikes: vec![0, 1, 0, 1, 0], // 8 + 2
    ///     membrane: vec![],
    ///     chosen: vec![],
    ///     equilibrium: vec![10.0 / 16.0],
    /// };
    /// let rates = population.digit_rates(16);
    /// assert_eq!(rates.iter().map(|at| at.mean).collect::<Vec<_>>(), [0.0, 0.5, 0.5, 0.625, 0.625]);
    /// assert_eq!(rates[4].max_distance, 0.0);
    /// ```
    pub fn digit_rates(&self, window: u32) -> Vec<RateAt> {
        let steps = self.spikes.len() / self.equilibrium.len().max(1);
        let mut left = steps as i32;
        self.rates_of(2.0, || {
            left -= 1;
            f64::from(window) / 2f64.powi(left)
        })
    }

    /// Rates after each step: sums of spikes, which keep `keep` of themselves from step to step, over what `weight` says of
    /// each step in turn.
    fn rates_of(&self, keep: f64, mut weight: impl FnMut() -> f64) -> Vec<RateAt> {
        let neurons = self.equilibrium.len();
        let mut sums = vec![0.0f64; neurons];
        let step = |spikes: &[i8]| {
            let weight = weight();
            let (mut absolute, mut signed, mut square, mut max) = (0.0, 0.0, 0.0, 0.0f64);
            for ((sum, &spike), &equilibrium) in sums.iter_mut().zip(spikes).zip(&self.equilibrium) {
                *sum = keep * *sum + f64::from(spike);
                let rate = *sum / weight;
                let distance = (rate - f64::from(equilibrium)).abs();
                absolute += rate.abs();
                signed += rate;
                square += distance * distance;
                max = max.max(distance);
            }
            let n = neurons as f64;
            RateAt {
                mean_absolute: absolute / n,
                mean: signed / n,
                rms_distance: (square / n).sqrt(),
                max_distance: max,
            }
        };
        self.spikes.chunks_exact(neurons.max(1)).map(step).collect()
    }

    /// Mean of `|a*|` over tokens and neurons.
    pub fn equilibrium_rate(&self) -> f64 {
        self.equilibrium.iter().map(|&rate| f64::from(rate.abs())).sum::<f64>() / self.equilibrium.len() as f64
    }
}

#[cfg(test)]
mod tests;

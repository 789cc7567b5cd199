//! What a simulation of one sentence did, step by step: every spike, some membranes, and how the rates converge.

use crate::error::{Error, Result};
use crate::forward::Record;

/// Most spikes slots `T * L * width`, summed over populations, that a trace may hold: one byte each.
pub const MAX_SLOTS: usize = 1 << 32;

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
        let rows = tokens.saturating_mul(time_steps as usize);
        let slots = trace.populations.iter().fold(0usize, |sum, p| sum.saturating_add(rows.saturating_mul(p.width)));
        if slots > MAX_SLOTS {
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
    /// # use bitspike::dynamics::trace::PopulationTrace;
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
        let neurons = self.equilibrium.len();
        let mut sums = vec![0.0f64; neurons];
        let mut weight = 0.0;
        let step = |spikes: &[i8]| {
            weight = beta * weight + 1.0;
            let (mut absolute, mut signed, mut square, mut max) = (0.0, 0.0, 0.0, 0.0f64);
            for ((sum, &spike), &equilibrium) in sums.iter_mut().zip(spikes).zip(&self.equilibrium) {
                *sum = beta * *sum + f64::from(spike);
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

/// A neuron whose membrane is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeuronName {
    /// Name of its population.
    pub population: String,
    /// Position in the sentence; 0 is `[CLS]`.
    pub token: usize,
    /// Number within the token, below the population's width.
    pub neuron: usize,
}

/// Sorts the `wanted` neurons by population: for each of `populations` (name and width) the chosen tokens and neurons, in the
/// order wanted and without repetition.
///
/// # Errors
/// [`Error::Invalid`] for a population, token or neuron that does not exist; the message says which do.
pub fn choose(wanted: &[NeuronName], populations: &[(&str, usize)], tokens: usize) -> Result<Vec<Vec<(usize, usize)>>> {
    let mut chosen = vec![Vec::new(); populations.len()];
    for name in wanted {
        let Some(i) = populations.iter().position(|(population, _)| *population == name.population) else {
            let known: Vec<&str> = populations.iter().map(|(name, _)| *name).collect();
            return Err(Error::invalid("population", known.join(", "), format!("`{}`", name.population)));
        };
        let at = (name.token, name.neuron);
        check_neuron(&name.population, (tokens, populations[i].1), at)?;
        if !chosen[i].contains(&at) {
            chosen[i].push(at);
        }
    }
    Ok(chosen)
}

/// `count` neurons of `[CLS]` that are worth watching, given rates at `equilibrium` (`[L, width]`): the most active of those that
/// rest at least every fourth step, `|a*| <= 3/4`; then busier ones, whose potential tells little; silent ones last. Of equals
/// the lower number is first.
pub fn most_active(equilibrium: &[f32], width: usize, count: usize) -> Vec<usize> {
    let cls = &equilibrium[..width.min(equilibrium.len())];
    let rank = |i: usize| match cls[i].abs() {
        0.0 => (2, 0.0),
        rate if rate > 0.75 => (1, rate),
        rate => (0, -rate),
    };
    let mut order: Vec<usize> = (0..cls.len()).collect();
    order.sort_by(|&a, &b| {
        let ((class_a, a), (class_b, b)) = (rank(a), rank(b));
        class_a.cmp(&class_b).then(a.total_cmp(&b))
    });
    order.truncate(count);
    order
}

fn check_neuron(population: &str, (tokens, width): (usize, usize), (token, neuron): (usize, usize)) -> Result<()> {
    let fail = |what: &str, range: String, found| Err(Error::invalid(format!("{what} of {population}"), range, found));
    if token >= tokens {
        return fail("token", format!("0 to {} (the sentence has {tokens} tokens)", tokens.saturating_sub(1)), token);
    }
    if neuron >= width {
        return fail("neuron", format!("0 to {}", width.saturating_sub(1)), neuron);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::{Membrane, Reset, average_spiking_rate, step};

    /// `L` by `width` neurons under constant currents, spiking as [`step`] does, every neuron's membrane recorded.
    fn population(time_steps: u32, (tokens, width): (usize, usize), beta: f32) -> Trace {
        let membrane = Membrane { theta: 0.75, beta, signed: true, reset: Reset::Soft };
        let n = tokens * width;
        let currents: Vec<f32> = (0..n).map(|i| ((i * 37 % 23) as f32 / 11.0 - 1.0) * membrane.theta).collect();
        let empty = PopulationTrace {
            name: "embedding".into(),
            width,
            theta: membrane.theta,
            spikes: vec![],
            membrane: vec![],
            chosen: (0..n).map(|i| (i / width, i % width)).collect(),
            equilibrium: currents.iter().map(|i| (i / membrane.theta).clamp(-1.0, 1.0)).collect(),
        };
        let mut trace = Trace::new(time_steps, tokens, vec![empty]).unwrap();
        let mut v = vec![membrane.rest(); n];
        for t in 1..=time_steps {
            let spikes: Vec<i8> = v
                .iter_mut()
                .zip(&currents)
                .map(|(v, &current)| {
                    let (spike, next) = step(current, *v, &membrane);
                    *v = next;
                    spike
                })
                .collect();
            trace.step(0, t, &spikes, &v);
        }
        trace
    }

    #[test]
    fn rates_and_distances_match_their_definitions() {
        for (t, shape, beta) in [(1, (1, 1), 1.0), (7, (3, 5), 1.0), (16, (2, 4), 0.75), (64, (1, 23), 1.0)] {
            let trace = population(t, shape, beta);
            trace.check().unwrap();
            let population = &trace.populations[0];
            let rates = population.rates(beta);
            assert_eq!(rates.len(), t as usize);
            let n = shape.0 * shape.1;
            for (upto, found) in (1..).zip(&rates) {
                let a: Vec<f64> = (0..n)
                    .map(|i| {
                        let train: Vec<i8> = population.train(shape.0, (i / shape.1, i % shape.1)).take(upto).collect();
                        average_spiking_rate(&train, beta).unwrap()
                    })
                    .collect();
                let mean = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
                let distance = |i: usize| (a[i] - f64::from(population.equilibrium[i])).abs();
                let expected = [
                    mean(&|i| a[i].abs()),
                    mean(&|i| a[i]),
                    mean(&|i| distance(i) * distance(i)).sqrt(),
                    (0..n).map(distance).fold(0.0, f64::max),
                ];
                let found = [found.mean_absolute, found.mean, found.rms_distance, found.max_distance];
                for (expected, found) in expected.into_iter().zip(found) {
                    assert!((expected - found).abs() < 1e-12, "T={t} t={upto}: {found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn an_integrate_and_fire_neuron_converges_like_one_over_t() {
        let rates = population(1000, (2, 23), 1.0).populations[0].rates(1.0);
        for (t, at) in (1..).zip(&rates) {
            // Half a spike of the charge that came in, and the rounding of 1000 sums in f32.
            assert!(at.max_distance <= (0.5 + 1e-3) / f64::from(t), "t={t}: {}", at.max_distance);
            assert!(at.rms_distance <= at.max_distance && at.mean.abs() <= at.mean_absolute);
        }
        assert!(rates[0].max_distance > 0.3);
    }

    #[test]
    fn events_are_the_spikes() {
        let trace = population(9, (3, 4), 1.0);
        let population = &trace.populations[0];
        let mut dense = vec![0i8; population.spikes.len()];
        for Spike { token, neuron, t, sign } in population.events(3) {
            dense[((t as usize - 1) * 3 + token) * 4 + neuron] = sign;
        }
        assert_eq!(dense, population.spikes);
        assert!(dense.contains(&1) && dense.contains(&-1));
        let last: Vec<i8> = population.train(3, (2, 3)).collect();
        assert_eq!(last, (0..9).map(|t| dense[t * 12 + 11]).collect::<Vec<_>>());
    }

    #[test]
    fn membranes_stay_within_half_a_spike() {
        let trace = population(40, (1, 23), 1.0);
        let population = &trace.populations[0];
        assert_eq!(population.membrane.len(), 40 * 23);
        assert!(population.membrane.iter().all(|v| v.abs() <= 0.75 / 2.0 + 1e-4));
        assert_eq!(population.membrane[5], {
            let current = population.equilibrium[5] * 0.75;
            step(current, 0.0, &Membrane { theta: 0.75, beta: 1.0, signed: true, reset: Reset::Soft }).1
        });
    }

    #[test]
    fn neurons_are_chosen_by_name() {
        let populations = [("embedding", 4), ("layer.0.feed_forward", 9)];
        let name = |population: &str, token, neuron| NeuronName { population: population.into(), token, neuron };
        let wanted = [name("layer.0.feed_forward", 1, 8), name("embedding", 0, 3), name("layer.0.feed_forward", 1, 8)];
        assert_eq!(choose(&wanted, &populations, 2).unwrap(), [vec![(0, 3)], vec![(1, 8)]]);
        for (wanted, parts) in [
            (name("layer.1.key", 0, 0), ["population", "embedding, layer.0.feed_forward", "`layer.1.key`"]),
            (name("embedding", 2, 0), ["token of embedding", "0 to 1 (the sentence has 2 tokens)", "found 2"]),
            (name("embedding", 0, 4), ["neuron of embedding", "0 to 3", "found 4"]),
        ] {
            let error = choose(&[wanted], &populations, 2).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
        assert_eq!(most_active(&[0.1, -0.9, 0.9, 0.0, /* next token */ 1.0, 1.0, 1.0, 1.0], 4, 3), [0, 1, 2]);
        assert_eq!(most_active(&[0.5], 1, 4), [0]);
        assert_eq!(most_active(&[1.0, 0.0, 0.25, -1.0, 0.5], 5, 9), [4, 2, 0, 3, 1]);
    }

    #[test]
    fn impossible_traces_are_refused() {
        let population = |width, equilibrium| PopulationTrace {
            name: "embedding".into(),
            width,
            theta: 1.0,
            spikes: vec![],
            membrane: vec![],
            chosen: vec![],
            equilibrium: vec![0.0; equilibrium],
        };
        let error = |result: Result<Trace>| result.unwrap_err().to_string();
        let large = error(Trace::new(65_536, 512, vec![population(768, 512 * 768)]));
        assert!(large.contains("take fewer steps") && large.contains("25769803776"), "{large}");
        let short = error(Trace::new(4, 2, vec![population(3, 5)]));
        assert!(short.contains("equilibrium of population embedding: expected 2 times 3 values, found 5"), "{short}");
        let chosen = PopulationTrace { chosen: vec![(0, 3)], ..population(3, 6) };
        assert!(error(Trace::new(4, 2, vec![chosen])).contains("neuron of embedding"));
        let unfilled = Trace::new(4, 2, vec![population(3, 6)]).unwrap().check().unwrap_err().to_string();
        assert!(unfilled.contains("spikes of population embedding: expected 24 values, found 0"), "{unfilled}");
    }
}

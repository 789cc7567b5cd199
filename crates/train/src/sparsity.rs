//! Holding a share of counts that are not 0 through training.

use std::collections::BTreeMap;

use bitspike::config::StudentConfig;

use crate::error::Result;
use crate::ops;
use crate::student::{StudentNet, StudentOutput};
use bitspike_run::weights::Weights;

/// Part of a stage over which the share goes from where it was to its target.
const RAMP: f64 = 0.5;
/// How much of what is missed counts at once, and adds up, a step.
const PROPORTIONAL: f32 = 0.02;
const INTEGRAL: f32 = 2e-4;
/// Most that a step changes the logarithm of a threshold by.
const MOST: f32 = 0.01;
/// Least and most that a population is asked for: one that is silent is called back, and none is asked for more than can be.
const LEAST: f64 = 1e-3;
const MOST_ASKED: f64 = 0.95;
/// Beginning of the names of the state in a checkpoint.
const NAME: &str = "sparsity.";

/// The counts of a population in a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Its name.
    pub population: String,
    /// Synapses that a count which is not 0 reaches.
    pub fan_out: f64,
    /// Neurons.
    pub neurons: usize,
    /// Counts that are not 0, of all.
    pub nonzero: f64,
}

impl Share {
    fn weight(&self) -> f64 {
        self.fan_out * self.neurons as f64
    }
}

/// The controller of `target_nonzero`: raises and lowers thresholds, step by step, so that a share of counts is other than 0.
///
/// What is asked of all populations, weighted by what they cost, is divided among them by [`aims`]. Each is asked to go from its first
/// share to its aim along a geometric ramp, over the first half of the stage, and to stay there. With `e = ln(share / asked)` of a
/// population, every step adds `0.02 e + s` to the logarithm of its threshold, at most 0.01, after `s <- s + 0.0002 e`. All of it
/// is `f32`, and a function of the shares so far, so that a resumed run goes on with the same thresholds. The optimiser leaves these
/// thresholds alone; those of keys, values and the last output, whose counts cost next to nothing, it learns.
///
/// (Others were tried first: `docs/results.md`. A penalty in the loss held no target, whatever its weight: its gradient is lost beside
/// the noise of the other losses' own in a threshold, which every neuron of a population adds to. One factor for all populations, which
/// then divide the share among them as the gradient says, let those of the upper layers go silent: the gradient of a threshold takes
/// a count of 0 for one that a higher threshold makes smaller still.)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Controller {
    populations: BTreeMap<String, Held>,
}

/// The state of a population.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Held {
    /// `s`
    slow: f32,
    /// `e` of the last step.
    missed: f32,
    /// The share of the first step.
    first: f32,
}

impl Held {
    fn change(&self) -> f32 {
        (PROPORTIONAL * self.missed + self.slow).clamp(-MOST, MOST)
    }
}

impl Controller {
    /// What is added to the logarithm of a population's threshold.
    pub fn change(&self, population: &str) -> f32 {
        self.populations.get(population).map_or(0.0, Held::change)
    }

    /// The mean of [`Controller::change`] over the populations that are held.
    pub fn mean_change(&self) -> f64 {
        let sum: f64 = self.populations.values().map(|held| f64::from(held.change())).sum();
        sum / self.populations.len().max(1) as f64
    }

    /// Takes note of the shares that a step found in the populations that are held, after the part `done` of its stage.
    pub fn observe(&mut self, shares: &[Share], target: f64, done: f64) {
        if self.populations.is_empty() {
            let first = |share: &Share| Held { first: share.nonzero.max(LEAST) as f32, ..Held::default() };
            self.populations = shares.iter().map(|share| (share.population.clone(), first(share))).collect();
        }
        for (share, aim) in shares.iter().zip(aims(shares, target)) {
            let Some(held) = self.populations.get_mut(&share.population) else { continue };
            let first = f64::from(held.first);
            let asked = first * (aim / first).powf((done / RAMP).min(1.0));
            held.missed = (share.nonzero.max(1e-6) / asked).ln() as f32;
            held.slow = (held.slow + INTEGRAL * held.missed).clamp(-MOST, MOST);
        }
    }

    /// `net` with the thresholds that are held moved from where they were `before` the step.
    pub fn apply(&self, before: &BTreeMap<String, f32>, net: StudentNet) -> StudentNet {
        net.with_thresholds(|name, theta| match (self.populations.get(name), before.get(name)) {
            (Some(held), Some(before)) => before * held.change().exp(),
            _ => theta,
        })
    }

    /// Adds the state to a checkpoint.
    pub(crate) fn store(&self, weights: &mut Weights) {
        for (name, held) in &self.populations {
            weights.insert(format!("{NAME}.{name}"), &[3], vec![held.slow, held.missed, held.first]);
        }
    }

    /// Takes it back; that of a run without one begins anew.
    ///
    /// # Errors
    /// If it has another shape.
    pub(crate) fn restore(weights: &mut Weights) -> Result<Self> {
        let names: Vec<String> = weights.names().filter_map(|name| Some(name.strip_prefix(NAME)?.to_owned())).collect();
        let mut populations = BTreeMap::new();
        for name in names {
            let values = weights.take(&format!("{NAME}{name}"), &[3])?;
            populations.insert(name, Held { slow: values[0], missed: values[1], first: values[2] });
        }
        Ok(Self { populations })
    }
}

/// Shares of the populations that together, weighted by what they cost, are `target`, with which the last synapse that is paid for takes
/// away as much error in each of them.
///
/// The error of a population of `n` neurons is `mean (x - x^)^2 / q^2` with the mean square `q^2` of its currents, and all populations
/// count alike. A neuron whose current is just above the edge `e` of a count, and which fires, takes away about `e^2 / (n q^2)`, for as
/// many accumulates as its fan-out `f`: at the least error of all, `e = k q sqrt(n f)`. Where currents are normal, the share is
/// `2 (1 - Phi(k sqrt(n f)))`.
pub fn aims(shares: &[Share], target: f64) -> Vec<f64> {
    let widest = shares.iter().map(|share| share.fan_out).fold(f64::MIN_POSITIVE, f64::max);
    let aims =
        |k: f64| -> Vec<f64> { shares.iter().map(|share| beyond(k * (share.fan_out / widest).sqrt())).collect() };
    let whole: f64 = shares.iter().map(Share::weight).sum();
    let found = |k: f64| aims(k).iter().zip(shares).map(|(aim, share)| aim * share.weight()).sum::<f64>() / whole;
    // The share falls from 1 to nothing as the edges rise.
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if found(middle) > target { low = middle } else { high = middle }
    }
    aims(low).into_iter().map(|aim| aim.clamp(LEAST, MOST_ASKED)).collect()
}

/// The part of a normal distribution beyond `x` on either side: `erfc(x / sqrt(2))`, within 1.5e-7 (Abramowitz and Stegun 7.1.26).
fn beyond(x: f64) -> f64 {
    let x = x / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let coefficients = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    coefficients.iter().fold(0.0, |sum, c| sum * t + c) * t * (-x * x).exp()
}

/// Whether the threshold of a population is held: where a spike reaches `D` synapses or more.
fn is_held(config: &StudentConfig, name: &str) -> bool {
    fan_out(config, name, 1.0) >= config.hidden as f64
}

/// Synapses that a spike of each population reaches: weights of a column of what it feeds, `tokens` scores or contexts.
pub fn fan_out(config: &StudentConfig, name: &str, tokens: f64) -> f64 {
    let (d, f) = (config.hidden as f64, config.intermediate as f64);
    let last = config.layers.checked_sub(1).map(|layer| format!("layer.{layer}.output"));
    match name.rsplit('.').next() {
        // Of the last layer only the classifier reads.
        Some("output") if last.as_deref() == Some(name) => 0.0,
        Some("embedding" | "output") => 3.0 * d,
        Some("key" | "value") => tokens,
        Some("attention") => f,
        _ => d,
    }
}

/// The counts of every population.
pub fn shares(config: &StudentConfig, output: &StudentOutput) -> Vec<Share> {
    let tokens = output.populations.first().map_or(0, |(_, counts)| counts.dims()[0]);
    let mean = tokens as f64 / output.segments.starts().len().max(1) as f64;
    let share = |(name, counts): &(String, _)| {
        let counts: &burn::tensor::Tensor<2> = counts;
        let fan_out = fan_out(config, name, mean);
        let nonzero = if fan_out > 0.0 { ops::nonzero(counts) } else { 0.0 };
        Share { population: name.clone(), fan_out, neurons: counts.dims()[1], nonzero }
    };
    output.populations.iter().map(share).collect()
}

/// The share of counts that are not 0, each weighted by its fan-out.
pub fn weighted(shares: &[Share]) -> f64 {
    let all: f64 = shares.iter().map(Share::weight).sum();
    let there: f64 = shares.iter().map(|share| share.weight() * share.nonzero).sum();
    there / f64::max(all, 1.0)
}

/// Those whose thresholds are held.
pub fn held(config: &StudentConfig, mut shares: Vec<Share>) -> Vec<Share> {
    shares.retain(|share| is_held(config, &share.population));
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(population: &str, fan_out: f64, neurons: usize, nonzero: f64) -> Share {
        Share { population: population.into(), fan_out, neurons, nonzero }
    }

    /// Two populations whose shares fall as their thresholds rise, each in its own way: their shares at the end, and their aims.
    fn settle(controller: &mut Controller, target: f64, steps: usize) -> ([f64; 2], Vec<f64>) {
        let mut logarithms = [0.0f64; 2];
        let mut found = [0.5, 0.2];
        for step in 0..steps {
            let shares = [share("a", 300.0, 10, found[0]), share("b", 100.0, 40, found[1])];
            controller.observe(&shares, target, step as f64 / steps as f64);
            logarithms[0] += f64::from(controller.change("a"));
            logarithms[1] += f64::from(controller.change("b"));
            found = [0.5 * (-1.5 * logarithms[0] + 0.1).exp(), 0.2 * (-2.5 * logarithms[1] - 0.1).exp()];
        }
        (found, aims(&[share("a", 300.0, 10, 0.0), share("b", 100.0, 40, 0.0)], target))
    }

    #[test]
    fn every_population_comes_to_its_aim_and_stays_there() {
        for target in [0.3, 0.1, 0.03] {
            let (found, aims) = settle(&mut Controller::default(), target, 2000);
            for (found, aim) in found.iter().zip(&aims) {
                assert!((found / aim - 1.0).abs() < 0.03, "{target}: {found} of {aim}");
            }
            let weighted = weighted(&[share("a", 300.0, 10, found[0]), share("b", 100.0, 40, found[1])]);
            assert!((weighted / target - 1.0).abs() < 0.03, "{target}: {weighted}");
        }
    }

    #[test]
    fn aims_meet_the_target_and_ask_most_of_the_population_that_costs_least() {
        let populations = [
            share("context", 384.0, 384, 0.0),
            share("attention", 1536.0, 384, 0.0),
            share("feed_forward", 384.0, 1536, 0.0),
        ];
        for target in [0.9, 0.5, 0.25, 0.1] {
            let aims = aims(&populations, target);
            let with = |(share, &aim): (&Share, &f64)| Share { nonzero: aim, ..share.clone() };
            let shares: Vec<Share> = populations.iter().zip(&aims).map(with).collect();
            assert!((weighted(&shares) - target).abs() < 1e-4, "{target}: {aims:?}");
            assert!(aims[1] == aims[2] && aims[0] > aims[1], "{aims:?}");
        }
        // Edges at k and 2 k: Phi's own values.
        let aims = aims(&populations[..2], 0.2 * 0.317_310_5 + 0.8 * 0.045_500_3);
        assert!((aims[0] - 0.317_310_5).abs() < 1e-5 && (aims[1] - 0.045_500_3).abs() < 1e-5, "{aims:?}");
    }

    #[test]
    fn what_cannot_be_reached_moves_thresholds_by_a_hundredth_a_step_at_most_and_the_silent_are_called_back() {
        let mut controller = Controller::default();
        (0..10_000).for_each(|_| controller.observe(&[share("a", 1.0, 1, 1.0)], 1e-3, 1.0));
        assert_eq!((controller.change("a"), controller.change("b")), (MOST, 0.0));
        (0..10_000).for_each(|_| controller.observe(&[share("a", 1.0, 1, 0.0)], 0.5, 1.0));
        assert_eq!((controller.change("a"), controller.mean_change()), (-MOST, f64::from(-MOST)));
        let mut silent = Controller::default();
        silent.observe(&[share("a", 1.0, 1, 0.5), share("b", 1.0, 1, 0.0)], 0.5, 1.0);
        assert!(silent.change("b") < 0.0);
    }

    #[test]
    fn its_state_comes_back_from_a_checkpoint_bit_for_bit() {
        let mut controller = Controller::default();
        settle(&mut controller, 0.2, 123);
        let mut weights = Weights::default();
        controller.store(&mut weights);
        assert_eq!(Controller::restore(&mut weights).unwrap(), controller);
        assert_eq!(
            Controller::restore(&mut Weights::default()).unwrap(),
            Controller::default(),
            "of a version without one"
        );
    }

    #[test]
    fn keys_values_and_the_last_output_are_left_alone() {
        let config = StudentConfig {
            hidden: 16,
            heads: 2,
            intermediate: 24,
            layers: 2,
            vocab_size: 9,
            max_positions: 8,
            type_vocab: 2,
            layer_norm_eps: 1e-12,
            num_labels: 2,
            labels: Vec::new(),
            time_steps: 4,
            code: bitspike::neuron::Levels::Single,
            signed: true,
            weight_bits: bitspike::quantize::WeightBits::Ternary,
            granularity: bitspike::quantize::Granularity::Row,
            embedding_bits: bitspike::quantize::EmbeddingBits::Full,
            feedback: None,
        };
        let moved: Vec<String> =
            bitspike::config::population_names(2).into_iter().filter(|name| is_held(&config, name)).collect();
        let kinds = ["context", "attention", "feed_forward"];
        let layers = (0..2).flat_map(|i| kinds.map(|kind| format!("layer.{i}.{kind}")));
        let mut expected: Vec<String> = std::iter::once("embedding".to_owned()).chain(layers).collect();
        expected.insert(4, "layer.0.output".to_owned());
        assert_eq!(moved, expected);
    }
}

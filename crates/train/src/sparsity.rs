//! Holding a share of counts that are not 0 through training.

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
/// Name of the state in a checkpoint.
const NAME: &str = "sparsity.controller";

/// The controller of `target_nonzero`: raises and lowers thresholds, step by step, so that a share of counts is other than 0.
///
/// The share is asked to go from its first value to the target along a geometric ramp, over the first half of the stage, and to stay
/// there. With `e = ln(share / asked)`, every step adds `0.02 e + s` to the logarithms of the thresholds, at most 0.01, after
/// `s <- s + 0.0002 e`, beside what the optimiser does to them. All of it is `f32`, and a function of the shares so far, so that a
/// resumed run goes on with the same thresholds.
///
/// One step for all populations but those of small fan-out (`reach`): which of them spike more is learnt, as thresholds have gradients.
/// (A penalty in the loss was tried first: its gradient is small beside the noise of the other losses' own in a threshold, which
/// every neuron of a population adds to, so that no weight of it held a target.)
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Controller {
    /// `s`
    slow: f32,
    /// `e` of the last step.
    missed: f32,
    /// The share of the first step; 0 before it.
    first: f32,
}

impl Controller {
    /// What is added to the logarithm of each threshold, times its `reach`.
    pub fn change(&self) -> f32 {
        (PROPORTIONAL * self.missed + self.slow).clamp(-MOST, MOST)
    }

    /// What is asked after the part `done` of a stage, on the way to `target`.
    pub fn asked(&self, target: f64, done: f64) -> f64 {
        let first = f64::from(self.first).max(target);
        first * (target / first).powf((done / RAMP).min(1.0))
    }

    /// Takes note of the share that a step found, after the part `done` of its stage.
    pub fn observe(&mut self, share: f64, target: f64, done: f64) {
        if self.first == 0.0 {
            self.first = share as f32;
        }
        self.missed = (share.max(1e-6) / self.asked(target, done)).ln() as f32;
        self.slow = (self.slow + INTEGRAL * self.missed).clamp(-MOST, MOST);
    }

    /// `net` with its thresholds moved.
    pub fn apply(&self, config: &StudentConfig, net: StudentNet) -> StudentNet {
        let change = self.change();
        net.with_thresholds(|name, theta| theta * (change * reach(config, name)).exp())
    }

    /// Adds the state to a checkpoint.
    pub(crate) fn store(&self, weights: &mut Weights) {
        weights.insert(NAME, &[3], vec![self.slow, self.missed, self.first]);
    }

    /// Takes it back; that of a run without one, or of a version that had none, begins anew.
    ///
    /// # Errors
    /// If it has another shape.
    pub(crate) fn restore(weights: &mut Weights) -> Result<Self> {
        if weights.get(NAME).is_none() {
            return Ok(Self::default());
        }
        let values = weights.take(NAME, &[3])?;
        Ok(Self { slow: values[0], missed: values[1], first: values[2] })
    }
}

/// How much of a step a population's threshold takes: 1 where a spike reaches `D` synapses or more, keys, values and the last layer's
/// output nothing, which cost next to nothing.
fn reach(config: &StudentConfig, name: &str) -> f32 {
    f32::from(fan_out(config, name, 1.0) >= config.hidden as f64)
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

/// The share of counts that are not 0, each weighted by its fan-out.
pub fn weighted_share(config: &StudentConfig, output: &StudentOutput) -> f64 {
    let tokens = output.populations.first().map_or(0, |(_, counts)| counts.dims()[0]);
    let mean = tokens as f64 / output.segments.starts().len().max(1) as f64;
    let terms = output.populations.iter().map(|(name, counts)| {
        let weight = fan_out(config, name, mean) * counts.dims()[1] as f64;
        (weight, if weight > 0.0 { weight * ops::nonzero(counts) } else { 0.0 })
    });
    let (all, there) = terms.fold((0.0, 0.0), |(all, there), (weight, part)| (all + weight, there + part));
    there / f64::max(all, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A student whose share falls as its thresholds rise, and whose losses pull them back: the share at the end.
    fn settle(controller: &mut Controller, target: f64, steps: usize) -> f64 {
        let (mut log_threshold, mut share) = (0.0f64, 0.4);
        for step in 0..steps {
            log_threshold += f64::from(controller.change()) - 0.001;
            share = 0.4 * (-1.5 * log_threshold).exp();
            controller.observe(share, target, step as f64 / steps as f64);
        }
        share
    }

    #[test]
    fn the_controller_brings_a_share_to_its_target_and_holds_it_against_what_pulls_it_back() {
        for target in [0.5, 0.25, 0.1, 0.03] {
            let share = settle(&mut Controller::default(), target, 1500);
            assert!((share / target - 1.0).abs() < 0.03, "{target}: {share}");
        }
    }

    #[test]
    fn what_is_asked_goes_from_the_first_share_to_the_target_in_half_a_stage() {
        let mut controller = Controller::default();
        controller.observe(0.4, 0.1, 0.0);
        let asked: Vec<f64> = [0.0, 0.25, 0.5, 0.75, 1.0].iter().map(|&done| controller.asked(0.1, done)).collect();
        for (found, expected) in asked.iter().zip([0.4, 0.2, 0.1, 0.1, 0.1]) {
            assert!((found - expected).abs() < 1e-6, "{asked:?}");
        }
        // One that is below its target already is asked for the target at once.
        assert_eq!(controller.asked(0.7, 0.0), 0.7);
    }

    #[test]
    fn what_cannot_be_reached_moves_thresholds_by_a_hundredth_a_step_at_most() {
        let mut controller = Controller::default();
        (0..10_000).for_each(|_| controller.observe(1.0, 1e-3, 1.0));
        assert_eq!(controller.change(), MOST);
        (0..10_000).for_each(|_| controller.observe(0.0, 0.5, 1.0));
        assert_eq!(controller.change(), -MOST);
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
            relative_attention: false,
            feedback: None,
            pooling: None,
        };
        let moved: Vec<String> =
            bitspike::config::population_names(2).into_iter().filter(|name| reach(&config, name) > 0.0).collect();
        let kinds = ["context", "attention", "feed_forward"];
        let layers = (0..2).flat_map(|i| kinds.map(|kind| format!("layer.{i}.{kind}")));
        let mut expected: Vec<String> = std::iter::once("embedding".to_owned()).chain(layers).collect();
        expected.insert(4, "layer.0.output".to_owned());
        assert_eq!(moved, expected);
    }
}

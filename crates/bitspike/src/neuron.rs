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

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Largest `T` of a [`NeuronConfig`]: far above any useful window, far below 2^23, up to which `f32` holds `n + 1/2`.
pub const MAX_TIME_STEPS: u32 = 65_536;

/// Largest `T` of a student and of a window that is computed at once: its counts fit a signed byte.
pub const MAX_COUNT: u32 = i8::MAX as u32;

/// A population of neurons read out over a window of `T` steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeuronConfig {
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
/// # use bitspike::neuron::{Equilibrium, NeuronConfig};
/// let neuron = Equilibrium::new(NeuronConfig { time_steps: 16, signed: true, theta: 2.0 })?;
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
        (current * self.gain + 0.5).floor().clamp(self.low, self.high)
    }

    /// The charge `T I / theta` of a whole window, in spikes, as [`Equilibrium::count`] rounds it: `count` is exactly
    /// `clip(floor(charge + 1/2), low, T)`.
    pub fn charge(&self, current: f32) -> f64 {
        f64::from(current * self.gain + 0.5) - 0.5
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
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;

    use super::*;

    fn equilibrium(time_steps: u32, signed: bool, theta: f32) -> Equilibrium {
        Equilibrium::new(NeuronConfig { time_steps, signed, theta }).unwrap()
    }

    /// Windows, thresholds and currents for which every `f32` operation of map and simulation is exact: `theta = odd * 2^a`
    /// with `T` a multiple of `odd`, so that `T/theta` is exact, and `I = m * 2^(a-b)` with an integer `m` for which `I` lies
    /// within 1.25 `theta`, or eight times that in one case of nine.
    fn exact() -> impl Strategy<Value = (u32, f32, f32)> {
        let reach = prop_oneof![8 => Just(1i32), 1 => Just(8)];
        (prop::sample::select(vec![1u32, 3, 5, 7]), 1u32..=40, -8i32..=8, 0i32..=6, -1000i32..=1000, reach).prop_map(
            |(odd, windows, a, b, fraction, reach)| {
                let unit = 2f32.powi(a);
                let m = fraction * reach * (odd << b) as i32 / 800;
                (odd * windows, odd as f32 * unit, m as f32 * unit / 2f32.powi(b))
            },
        )
    }

    /// `clip(floor(T I / theta + 1/2), low, T)` in integers: all quantities are multiples of 2^-15.
    fn in_integers(time_steps: u32, signed: bool, theta: f32, current: f32) -> i32 {
        let grid = |x: f32| (f64::from(x) * f64::from(1 << 15)) as i64;
        let n = (2 * i64::from(time_steps) * grid(current) + grid(theta)).div_euclid(2 * grid(theta));
        let high = i64::from(time_steps);
        n.clamp(if signed { -high } else { 0 }, high) as i32
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn the_count_of_a_constant_current_is_its_rounded_quotient((t, theta, current) in exact()) {
            for signed in [false, true] {
                let neuron = equilibrium(t, signed, theta);
                let expected = in_integers(t, signed, theta, current);
                prop_assert_eq!(neuron.count(current), expected, "map: T={} theta={} I={} signed={}", t, theta, current, signed);
                prop_assert_eq!(neuron.count_by_simulation(current), expected, "T={} theta={} I={} signed={}", t, theta, current, signed);
            }
        }
    }

    #[test]
    fn the_exact_currents_include_ties_and_saturation() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let (mut ties, mut above, mut below) = (0, 0, 0);
        for _ in 0..10_000 {
            let (t, theta, current) = exact().new_tree(&mut runner).unwrap().current();
            let quotient = f64::from(t) * f64::from(current) / f64::from(theta);
            ties += u32::from((quotient - 0.5).fract() == 0.0 && quotient.abs() < f64::from(t));
            above += u32::from(quotient > f64::from(t));
            below += u32::from(quotient < -f64::from(t));
        }
        assert!(ties > 300 && above > 500 && below > 500, "{ties} ties, {above} above, {below} below");
    }

    #[test]
    fn ties_go_up_and_ends_saturate() {
        let signed = equilibrium(4, true, 1.0);
        let counts = [-1.125, -1.0, -0.875, -0.125, 0.0, 0.124, 0.125, 0.375, 1.0, 5.0].map(|i| signed.count(i));
        assert_eq!(counts, [-4, -4, -3, 0, 0, 0, 1, 2, 4, 4]);
        let unsigned = equilibrium(4, false, 1.0);
        assert_eq!([-9.0, -0.125, 0.125, 0.99, f32::INFINITY, f32::NAN].map(|i| unsigned.count(i)), [0, 0, 1, 4, 4, 0]);
    }

    #[test]
    fn spikes_follow_the_equations() {
        let membrane = Membrane { theta: 1.0, beta: 1.0, signed: false, reset: Reset::Soft };
        let (spikes, v) = run([0.25; 8], membrane.rest(), &membrane);
        assert_eq!((spikes, v), (vec![0, 1, 0, 0, 0, 1, 0, 0], 0.5));
        let leaky = Membrane { theta: 1.0, beta: 0.5, signed: true, reset: Reset::Soft };
        // v: 0.5 fires to -0.5; -0.25 - 0.5 = -0.75 fires to 0.25; 0.125 stays.
        assert_eq!(run([0.5, -0.5, 0.0], leaky.rest(), &leaky), (vec![1, -1, 0], 0.125));
        // A leaky neuron whose input never carries it over the threshold stays silent: I / (1 - beta) < theta.
        let faint = Membrane { theta: 1.0, beta: 0.5, signed: false, reset: Reset::Soft };
        assert!(run([0.49; 100], faint.rest(), &faint).0.iter().all(|&s| s == 0));
    }

    #[test]
    fn a_potential_at_the_threshold_fires_above_and_not_below() {
        for beta in [1.0, 0.5] {
            for reset in [Reset::Soft, Reset::Hard] {
                let fires = |v: f32, signed| step(v, 0.0, &Membrane { theta: 3.0, beta, signed, reset }).0;
                assert_eq!((fires(3.0, false), fires(3f32.next_down(), false), fires(-9.0, false)), (1, 0, 0));
                assert_eq!((fires(1.5, true), fires(1.5f32.next_down(), true)), (1, 0));
                assert_eq!((fires(-1.5, true), fires((-1.5f32).next_down(), true)), (0, -1));
            }
        }
    }

    #[test]
    fn a_hard_reset_forgets_what_was_over() {
        let hard = Membrane { theta: 1.0, beta: 1.0, signed: true, reset: Reset::Hard };
        assert_eq!(run([0.75, 0.25, 0.25, -2.0], 0.0, &hard), (vec![1, 0, 1, -1], 0.0));
        let soft = Membrane { reset: Reset::Soft, ..hard };
        assert_eq!(run([0.75, 0.25, 0.25, -2.0], 0.0, &soft), (vec![1, 0, 0, -1], -0.75));
    }

    #[test]
    fn weighted_rates_match_their_definition() {
        let spikes = [1, 0, -1, 1, 1];
        let beta = 0.75f32;
        let weights: Vec<f64> = (0..5).map(|t| f64::from(beta).powi(4 - t)).collect();
        let sum: f64 = weights.iter().zip(spikes).map(|(w, s)| w * f64::from(s)).sum();
        let expected = sum / weights.iter().sum::<f64>();
        assert!((average_spiking_rate(&spikes, beta).unwrap() - expected).abs() < 1e-15);
    }

    #[test]
    fn impossible_constants_are_refused() {
        let new = |time_steps, theta| Equilibrium::new(NeuronConfig { time_steps, signed: true, theta });
        for (time_steps, theta) in
            [(0, 1.0), (MAX_TIME_STEPS + 1, 1.0), (4, 0.0), (4, -1.0), (4, f32::NAN), (4, f32::INFINITY), (4, 1e-45)]
        {
            assert!(matches!(new(time_steps, theta), Err(Error::Invalid { .. })), "T={time_steps} theta={theta}");
        }
        for beta in [0.0, -0.5, 1.0001, f32::NAN, f32::INFINITY] {
            let membrane = Membrane { theta: 1.0, beta, signed: false, reset: Reset::Soft };
            assert!(matches!(membrane.validate(), Err(Error::Invalid { .. })), "beta={beta}");
            assert!(average_spiking_rate(&[1], beta).is_err(), "beta={beta}");
        }
        assert!(average_spiking_rate(&[], 1.0).is_err());
    }
}

//! Codes: how a population hands on the count of a finished window.
//!
//! A count `n` of a window of `T` steps is a number from `-T` to `T`. What travels is a train of spikes, and the same number has
//! several trains:
//!
//! | code | steps | a spike at step `k` weighs | spikes of a count `n` |
//! |---|---|---|---|
//! | [`Code::Unary`] | `T` | 1 | `abs(n)` |
//! | [`Code::Digits`] | `ceil(log2(T+1))` | `2^k`, first steps highest | ones of `abs(n)` in binary |
//! | [`Code::Naf`] | at most one more | the same | nonzero digits of `n` in canonic signed digits, no two of them neighbours |
//! | [`Code::Single`] | `log2 T + 1` | the same | 1, where `n` is not 0 |
//!
//! [`Code::Single`] is that of students whose counts are powers of two ([`super::Levels::Single`]), and no other's. In all but the
//! first a membrane that receives doubles from step to step, `v <- 2 v + sum of w s`, so that after the last step it
//! holds the sum of `w n` that unary spikes leave: answers do not depend on the code. `docs/codes.md` has what each presumes.

use serde::{Deserialize, Serialize};

use super::Levels;
use crate::error::Error;

/// How a population hands on a count.
///
/// ```
/// use bitspike::neuron::Code;
/// let train = |code: Code| code.train(7, 16).collect::<Vec<_>>();
/// assert_eq!(train(Code::Digits), [0, 0, 1, 1, 1]); // 4 + 2 + 1
/// assert_eq!(train(Code::Naf), [0, 1, 0, 0, -1]); // 8 - 1
/// assert_eq!([Code::Unary, Code::Digits, Code::Naf].map(|code| code.spikes(-7)), [7, 3, 2]);
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
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
pub enum Code {
    /// So many equal spikes.
    #[default]
    Unary,
    /// Binary digits of the magnitude, each with the sign of the count (radix or phase code).
    Digits,
    /// Canonic signed digits (non-adjacent form).
    Naf,
    /// One spike at most, whose step says its weight: for counts that are powers of two.
    Single,
}

fn unknown(name: &str) -> Error {
    Error::invalid("code", "unary, digits, naf or single", format!("`{name}`"))
}

impl Code {
    /// All of them; the last is for counts that are powers of two.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Those that any count has.
    pub const ANY: &[Self] = &[Self::Unary, Self::Digits, Self::Naf];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Steps that the counts of a window of `time_steps` steps need.
    ///
    /// ```
    /// # use bitspike::neuron::Code;
    /// assert_eq!(Code::ALL.iter().map(|code| code.steps(16)).collect::<Vec<_>>(), [16, 5, 5, 5]);
    /// assert_eq!((Code::Digits.steps(15), Code::Naf.steps(15)), (4, 5)); // 15 is 1111, or 16 - 1
    /// ```
    pub fn steps(self, time_steps: u32) -> u32 {
        match self {
            Self::Unary => time_steps,
            Self::Digits => u32::BITS - time_steps.leading_zeros(),
            // A form of k digits reaches up to 2^(k+1)/3.
            Self::Naf => (3 * u64::from(time_steps)).checked_ilog2().unwrap_or(0),
            Self::Single => Levels::Single.weights(time_steps),
        }
    }

    /// What a membrane keeps of itself from one step to the next: the factor of Horner's rule.
    pub fn keep(self) -> f32 {
        match self {
            Self::Unary => 1.0,
            Self::Digits | Self::Naf | Self::Single => 2.0,
        }
    }

    /// Spikes that a count takes, of either sign.
    #[inline(always)]
    pub fn spikes(self, count: i32) -> u32 {
        let n = count.unsigned_abs();
        match self {
            Self::Unary => n,
            Self::Digits => n.count_ones(),
            // The nonzero digits of the canonic form are the bits in which n and 3n differ.
            Self::Naf => (n ^ (3 * n)).count_ones(),
            Self::Single => u32::from(n != 0),
        }
    }

    /// The spikes of a count, step by step, of a window of `time_steps` steps: by arithmetic on the count, as the reference that
    /// [`DigitNeuron`] is tested against. Unary spikes come first of all here; where in its window a neuron sends them depends on
    /// its current.
    pub fn train(self, count: i32, time_steps: u32) -> impl Iterator<Item = i8> {
        let sign = count.signum() as i8;
        let n = count.unsigned_abs();
        (0..self.steps(time_steps)).rev().map(move |k| match self {
            Self::Unary => sign * i8::from(time_steps - 1 - k < n),
            Self::Digits | Self::Single => sign * (n >> k & 1) as i8,
            Self::Naf => {
                let (n, triple) = (u64::from(n), 3 * u64::from(n));
                sign * (((triple >> (k + 1) & 1) as i8) - ((n >> (k + 1) & 1) as i8))
            }
        })
    }
}

/// A neuron that hands on its count by digits, step by step.
///
/// Its potential `u` begins at the charge of the window and half a spike, clipped to what the window can count, in units of
/// `theta/T`; at step `k`, from the highest down to 0, it fires 1 if `u >= b + 1`, -1 if `u < -b`, and a spike takes `2^k` with its
/// sign. `b` is `2^k - 1` in [`Code::Digits`] and `floor(2^(k+1) / 3)` in [`Code::Naf`]. What is left after the last step is
/// the part that the count rounds away, in [0, 1).
///
/// In [`Code::Single`] its potential begins at the charge itself; it fires once at most, at the first step at which the magnitude is
/// at least `3/4 2^k`, unsigned neurons for a positive charge alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DigitNeuron {
    code: Code,
    /// Whether it may fire yet.
    waits: bool,
    potential: f64,
}

impl DigitNeuron {
    /// A neuron whose window brought `charge` spikes ([`super::Equilibrium::charge`]), of which it counts `low` to `high`.
    ///
    /// # Panics
    /// If `code` is [`Code::Unary`].
    pub fn new(code: Code, charge: f64, (low, high): (i32, i32)) -> Self {
        assert_ne!(code, Code::Unary, "a neuron of digits");
        if code == Code::Single {
            // A current that is not counted is none.
            return Self { code, waits: low < 0 || charge > 0.0, potential: charge };
        }
        // The largest potential that still rounds to `high`.
        let highest = (f64::from(high) + 1.0).next_down();
        Self { code, waits: true, potential: (charge + 0.5).clamp(f64::from(low), highest) }
    }

    /// The spike of weight `2^k`, for `k` from `steps - 1` down to 0.
    #[inline(always)]
    pub fn fire(&mut self, k: u32) -> i8 {
        let weight = f64::from(1u32 << k);
        if self.code == Code::Single {
            let spike = match self.waits && self.potential.abs() >= 0.75 * weight {
                true if self.potential > 0.0 => 1,
                true => -1,
                false => 0,
            };
            self.waits &= spike == 0;
            self.potential -= weight * f64::from(spike);
            return spike;
        }
        let bound = match self.code {
            Code::Naf => f64::from((1u32 << (k + 1)) / 3),
            Code::Unary | Code::Digits | Code::Single => weight - 1.0,
        };
        let spike = i8::from(self.potential >= bound + 1.0) - i8::from(self.potential < -bound);
        self.potential -= weight * f64::from(spike);
        spike
    }

    /// What it holds, in units of `theta/T`.
    pub fn potential(&self) -> f64 {
        self.potential
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::{Equilibrium, Levels, NeuronConfig};

    /// `sum of 2^k s[k]`, by Horner's rule.
    fn value(code: Code, train: impl IntoIterator<Item = i8>) -> i32 {
        train.into_iter().fold(0, |sum, spike| code.keep() as i32 * sum + i32::from(spike))
    }

    #[test]
    fn every_count_of_every_window_is_sent_whole_by_every_code_in_its_steps_and_spikes() {
        for time_steps in (1u32..=130).chain([255, 256, 1000]) {
            for n in -(time_steps as i32)..=time_steps as i32 {
                for &code in Code::ALL.iter().filter(|&&code| code != Code::Single || Levels::Single.has(n)) {
                    if code == Code::Single && !time_steps.is_power_of_two() {
                        continue;
                    }
                    let train: Vec<i8> = code.train(n, time_steps).collect();
                    assert_eq!(train.len(), code.steps(time_steps) as usize, "{code}, T={time_steps}");
                    assert_eq!(value(code, train.iter().copied()), n, "{code}, T={time_steps}");
                    let sent = train.iter().filter(|&&spike| spike != 0).count();
                    assert_eq!(sent, code.spikes(n) as usize, "{code}, {n}");
                    if code == Code::Naf {
                        assert!(train.windows(2).all(|pair| pair[0] == 0 || pair[1] == 0), "{n}: neighbours {train:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_neuron_of_a_single_spike_fires_once_at_the_step_of_its_equilibrium_count() {
        for (time_steps, signed) in [(1, true), (2, false), (4, true), (8, true), (16, false), (16, true)] {
            let config = NeuronConfig { levels: Levels::Single, time_steps, signed, theta: 0.7 };
            let neuron = Equilibrium::new(config).unwrap();
            let range = (if signed { -(time_steps as i32) } else { 0 }, time_steps as i32);
            let mut seen = std::collections::BTreeSet::new();
            for i in -6000..=6000 {
                // Every threshold and its neighbours among them.
                let tie = i as f32 * 0.75 * 0.7 / time_steps as f32;
                for current in [i as f32 * 0.7 / 2000.0, tie, tie.next_up(), tie.next_down()] {
                    let mut sender = DigitNeuron::new(Code::Single, neuron.charge(current), range);
                    let fired: Vec<i8> = (0..Code::Single.steps(time_steps)).rev().map(|k| sender.fire(k)).collect();
                    let count = neuron.count(current);
                    let expected: Vec<i8> = Code::Single.train(count, time_steps).collect();
                    assert_eq!(fired, expected, "T={time_steps}, signed {signed}, I={current}");
                    assert!(Levels::Single.has(count), "{count}");
                    seen.insert(count);
                }
            }
            let magnitudes = Levels::Single.weights(time_steps) as usize;
            assert_eq!(seen.len(), 1 + magnitudes * if signed { 2 } else { 1 }, "{seen:?}");
        }
    }

    #[test]
    fn no_signed_digits_are_fewer_than_the_canonic_ones() {
        // Every train of six signed digits, by brute force.
        for n in 0..=21 {
            let fewest = (0..3i32.pow(6))
                .map(|train| (0..6).map(move |k| train / 3i32.pow(k) % 3 - 1))
                .filter(|digits| digits.clone().enumerate().map(|(k, digit)| digit << k).sum::<i32>() == n)
                .map(|digits| digits.filter(|&digit| digit != 0).count())
                .min();
            assert_eq!(fewest, Some(Code::Naf.spikes(n) as usize), "{n}");
        }
    }

    #[test]
    fn the_neuron_of_digits_fires_the_digits_of_its_equilibrium_count() {
        for (time_steps, signed) in [(1, true), (7, true), (16, true), (16, false), (100, true), (127, false)] {
            let neuron =
                Equilibrium::new(NeuronConfig { levels: Levels::Unary, time_steps, signed, theta: 0.75 }).unwrap();
            let range = (if signed { -(time_steps as i32) } else { 0 }, time_steps as i32);
            for code in [Code::Digits, Code::Naf] {
                for i in -4000..=4000 {
                    // Ties and saturation included.
                    for current in [i as f32 * 0.75 / 2000.0, (i as f32 - 0.5) * 0.75 / time_steps as f32] {
                        let mut digits = DigitNeuron::new(code, neuron.charge(current), range);
                        let fired: Vec<i8> = (0..code.steps(time_steps)).rev().map(|k| digits.fire(k)).collect();
                        let expected: Vec<i8> = code.train(neuron.count(current), time_steps).collect();
                        assert_eq!(fired, expected, "{code}, T={time_steps}, I={current}");
                        assert!((0.0..1.0).contains(&digits.potential()), "{code}: {} is left", digits.potential());
                    }
                }
            }
        }
    }
}

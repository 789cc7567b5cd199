//! The counts that a population can have.

use serde::{Deserialize, Serialize};

use super::{Code, MAX_COUNT};
use crate::error::{Error, Result};

/// Largest `K`: a neuron of [`Levels::Single`] counts at most `2^(K-1) = 16`.
pub const MAX_WEIGHTS: u32 = 5;

/// A spike weighs `2^k` where the charge is at least this many times as much.
const SHARE: f32 = 0.75;

/// Which counts the neurons of a student can have.
///
/// | levels | counts of a window of `T` |
/// |---|---|
/// | [`Levels::Unary`] | 0, +-1, +-2, +-3, ... +-T |
/// | [`Levels::Single`] | 0, +-1, +-2, +-4, ... +-T, with `T = 2^(K-1)` and `K` 1 to [`MAX_WEIGHTS`] |
///
/// A neuron of the second kind sends at most one spike, whose step says its weight: at step `k`, from the highest to 0, it fires
/// if it has not fired and the magnitude of its charge `x = T I / theta` is at least `3/4 2^k`. Its threshold halves from step to step.
///
/// ```
/// use bitspike::neuron::{Equilibrium, Levels, NeuronConfig};
/// let config = NeuronConfig { levels: Levels::Single, time_steps: 4, signed: true, theta: 4.0 };
/// let neuron = Equilibrium::new(config)?;
/// let counts = [0.74, 0.75, 1.49, 1.5, -2.9, -3.0, 100.0].map(|charge| neuron.count(charge));
/// assert_eq!(counts, [0, 1, 1, 2, -2, -4, 4]);
/// # Ok::<(), bitspike::Error>(())
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
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown)]
pub enum Levels {
    /// Every integer up to `T`: so many equal spikes.
    #[default]
    Unary,
    /// 0 and powers of two: one spike at most.
    Single,
}

fn unknown(name: &str) -> Error {
    Error::invalid("code", "unary or single", format!("`{name}`"))
}

impl Levels {
    /// How a student of these levels hands on its counts unless another code is asked for.
    pub fn code(self) -> Code {
        match self {
            Self::Unary => Code::Unary,
            Self::Single => Code::Single,
        }
    }

    /// The name in recipes.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether they are those of every student of old.
    pub fn is_unary(&self) -> bool {
        *self == Self::Unary
    }

    /// Checks the largest count of a student of these levels.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `time_steps` is 0 or above [`MAX_COUNT`], with [`Levels::Single`] if it is not 1, 2, 4, 8 or 16.
    pub fn check(self, time_steps: u32) -> Result<()> {
        match self {
            Self::Unary if !(1..=MAX_COUNT).contains(&time_steps) => {
                Err(Error::invalid("time_steps", format!("1 to {MAX_COUNT}"), time_steps))
            }
            Self::Single if !time_steps.is_power_of_two() || time_steps >= 1 << MAX_WEIGHTS => {
                let expected =
                    format!("with code `single` the largest weight 2^(K-1) for K 1 to {MAX_WEIGHTS}: 1, 2, 4, 8 or 16");
                Err(Error::invalid("time_steps", expected, time_steps))
            }
            _ => Ok(()),
        }
    }

    /// Neurons of these levels in a few words: `signed neurons, T = 16`, `signed neurons, one spike of weight 1, 2 or 4`.
    pub fn describe(self, signed: bool, time_steps: u32) -> String {
        let signs = if signed { "signed" } else { "unsigned" };
        match (self, time_steps) {
            (Self::Unary, _) => format!("{signs} neurons, T = {time_steps}"),
            (Self::Single, 1) => format!("{signs} neurons, one spike"),
            (Self::Single, _) => {
                let below: Vec<String> = (0..self.weights(time_steps) - 1).map(|k| (1u32 << k).to_string()).collect();
                format!("{signs} neurons, one spike of weight {} or {time_steps}", below.join(", "))
            }
        }
    }

    /// `K`: the weights that a spike can have; 1 for [`Levels::Unary`].
    pub fn weights(self, time_steps: u32) -> u32 {
        match self {
            Self::Unary => 1,
            Self::Single => time_steps.max(1).ilog2() + 1,
        }
    }

    /// Whether a neuron of these levels can count `n`, apart from how far it counts.
    pub fn has(self, n: i32) -> bool {
        self.is_unary() || n == 0 || n.unsigned_abs().is_power_of_two()
    }

    /// The count of [`Levels::Single`] of a charge `x = T I / theta` within `low..=high`, which are 0 or powers of two but for their
    /// sign, in `f32`; NaN stays NaN.
    #[inline(always)]
    pub fn single(charge: f32, low: f32, high: f32) -> f32 {
        let magnitude = charge.abs();
        let mut weight = 0.0;
        let mut level = 1.0;
        for _ in 0..MAX_WEIGHTS {
            if magnitude >= SHARE * level {
                weight = level;
            }
            level *= 2.0;
        }
        // The sign of the charge, and its NaN.
        let count = if charge.is_nan() { charge } else { f32::copysign(weight, charge) };
        count.clamp(low, high) + 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_spike_weighs_the_power_of_two_whose_share_the_charge_reaches() {
        for (charge, count) in
            [(0.0, 0.0), (-0.0, 0.0), (0.75, 1.0), (-0.75, -1.0), (5.999, 4.0), (6.0, 8.0), (12.0, 16.0)]
        {
            assert_eq!(Levels::single(charge, -16.0, 16.0), count, "{charge}");
            assert!(Levels::single(charge.next_down().min(charge), 0.0, 16.0) >= 0.0, "{charge}");
        }
        assert_eq!(Levels::single(f32::INFINITY, -4.0, 4.0), 4.0);
        assert_eq!(Levels::single(f32::NEG_INFINITY, -4.0, 4.0), -4.0);
        assert_eq!(Levels::single(-9.0, 0.0, 4.0), 0.0, "unsigned neurons send nothing below");
        assert!(Levels::single(f32::NAN, -4.0, 4.0).is_nan());
        assert!(Levels::single(-0.1, -4.0, 4.0).is_sign_positive(), "no count is a negative zero");
    }

    #[test]
    fn a_single_code_of_no_power_of_two_or_of_more_than_five_weights_is_refused() {
        for time_steps in [1, 2, 4, 8, 16] {
            Levels::Single.check(time_steps).unwrap();
        }
        for time_steps in [0, 3, 12, 32, 64] {
            let error = Levels::Single.check(time_steps).unwrap_err().to_string();
            assert!(error.contains("K 1 to 5") && error.contains(&time_steps.to_string()), "{error}");
        }
        assert_eq!(Levels::Single.describe(true, 4), "signed neurons, one spike of weight 1, 2 or 4");
        assert_eq!(Levels::Single.describe(false, 2), "unsigned neurons, one spike of weight 1 or 2");
        assert_eq!(Levels::Unary.describe(true, 16), "signed neurons, T = 16");
        assert!("morse".parse::<Levels>().unwrap_err().to_string().contains("unary or single"));
    }
}

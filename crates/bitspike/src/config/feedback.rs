//! The top-to-bottom connection and how its fixed point is found.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// `x0 = N_emb(LN(..) + W_fb x_N)`: the connection that makes a student's equilibrium a fixed point, and the solvers for it
/// (`docs/model.md`, "Feedback").
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Feedback {
    /// `c`: largest singular value of `W_fb`; a larger one is scaled down to it.
    pub spectral_norm: f32,
    /// How the fixed point is found.
    pub forward: Solver,
    /// How the vector-Jacobian equation of the gradient is solved.
    pub backward: Solver,
    /// Relative residual at which the fixed point counts as found.
    pub tolerance: f32,
    /// Relative residual at which the gradient's equation counts as solved.
    pub backward_tolerance: f32,
    /// Most evaluations of either solver.
    pub max_iterations: u32,
    /// Earlier iterates that a solver combines.
    pub memory: usize,
}

impl Default for Feedback {
    fn default() -> Self {
        Self {
            spectral_norm: 0.5,
            forward: Solver::Anderson,
            backward: Solver::Anderson,
            tolerance: 1e-3,
            backward_tolerance: 1e-3,
            max_iterations: 20,
            memory: 5,
        }
    }
}

/// A method for `x = G(x)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// `x <- G(x)`
    Plain,
    /// Anderson acceleration.
    Anderson,
    /// Broyden's first method on `G(x) - x`.
    Broyden,
}

impl Feedback {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the first key that is wrong.
    pub fn validate(&self) -> Result<()> {
        for (key, value, high) in [
            ("feedback.spectral_norm", self.spectral_norm, 100.0),
            ("feedback.tolerance", self.tolerance, 1.0),
            ("feedback.backward_tolerance", self.backward_tolerance, 1.0),
        ] {
            if !(value > 0.0 && value <= high) {
                return Err(Error::invalid(key, format!("a number above 0, to {high}"), value));
            }
        }
        if !(1..=10_000).contains(&self.max_iterations) {
            return Err(Error::invalid("feedback.max_iterations", "1 to 10000", self.max_iterations));
        }
        if !(1..=32).contains(&self.memory) {
            return Err(Error::invalid("feedback.memory", "1 to 32", self.memory));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_settings_are_named() {
        let good = Feedback::default();
        assert!(good.validate().is_ok());
        for (bad, key) in [
            (Feedback { spectral_norm: 0.0, ..good }, "spectral_norm"),
            (Feedback { spectral_norm: f32::NAN, ..good }, "spectral_norm"),
            (Feedback { tolerance: -1.0, ..good }, "tolerance"),
            (Feedback { backward_tolerance: 2.0, ..good }, "backward_tolerance"),
            (Feedback { max_iterations: 0, ..good }, "max_iterations"),
            (Feedback { memory: 33, ..good }, "memory"),
        ] {
            assert!(bad.validate().unwrap_err().to_string().contains(key), "{bad:?}");
        }
    }
}

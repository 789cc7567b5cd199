//! How a model is run in time.

use serde::{Deserialize, Serialize};

use crate::config::StudentConfig;
use crate::error::{Error, Result};
use crate::neuron::{Code, MAX_COUNT, MAX_TIME_STEPS, Membrane, Reset};

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
///
/// ```
/// use bitspike::forward::{Dynamics, Simulation};
/// let leaky = Simulation { beta: 0.9, ..Simulation::new(Dynamics::Accumulated, 3) };
/// leaky.validate()?;
/// assert!((leaky.weight(3) - (1.0 + 0.9 + 0.81)).abs() < 1e-6);
/// assert!(Simulation { time_steps: 0, ..leaky }.validate().is_err());
/// # Ok::<(), bitspike::Error>(())
/// ```
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
    /// How a population of `phased` hands on the counts of its window. Answers do not depend on it.
    #[serde(default)]
    pub code: Code,
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
        Self { dynamics, time_steps, beta: 1.0, reset: Reset::Soft, hysteresis: 0.0, retract: true, code: Code::Unary }
    }

    /// What a student is trained for: `phased` at its own `T`, in its own code.
    pub fn of(student: &StudentConfig) -> Self {
        Self { code: student.code.code(), ..Self::new(Dynamics::Phased, student.time_steps) }
    }

    /// Whether a student can be run so: one whose counts are powers of two in `phased` at its own `T` and in its own code alone,
    /// any other in every code but that.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names what does not fit.
    pub fn fits(&self, student: &StudentConfig) -> Result<()> {
        let what = |what: &str| format!("{what} of a student with code {}", student.code);
        if student.code.is_unary() {
            return match self.code {
                Code::Single => Err(Error::invalid(what("code"), "unary, digits or naf", "single")),
                _ => Ok(()),
            };
        }
        if self.dynamics != Dynamics::Phased || !self.is_exact() {
            let expected =
                "phased, without leak and with soft reset: a spike says its weight by its step in a finished window";
            let found = format!("{}, beta {}, {:?} reset", self.dynamics, self.beta, self.reset);
            return Err(Error::invalid(what("dynamics"), expected, found.to_lowercase()));
        }
        if self.time_steps != student.time_steps {
            let expected = format!("{}, its largest weight", student.time_steps);
            return Err(Error::invalid(what("time_steps"), expected, self.time_steps));
        }
        if self.code != Code::Single {
            return Err(Error::invalid(what("code"), "single", self.code));
        }
        Ok(())
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `T` is 0 or above [`MAX_TIME_STEPS`], `beta` is not in (0, 1], the hysteresis is not in [0, 16], or
    /// there is a code although no window is ever finished or its count is not exact.
    pub fn validate(&self) -> Result<()> {
        if !(1..=MAX_TIME_STEPS).contains(&self.time_steps) {
            return Err(Error::invalid("time_steps", format!("1 to {MAX_TIME_STEPS}"), self.time_steps));
        }
        if !(0.0..=16.0).contains(&self.hysteresis) {
            return Err(Error::invalid("hysteresis", "0 to 16 thresholds", self.hysteresis));
        }
        if self.code != Code::Unary && !(self.dynamics == Dynamics::Phased && self.is_exact()) {
            let expected = "phased dynamics without leak and with soft reset, whose windows end in a count";
            let found = format!("{}, beta {}, {:?} reset", self.dynamics, self.beta, self.reset);
            return Err(Error::invalid(format!("code {}", self.code), expected, found.to_lowercase()));
        }
        Membrane { theta: 1.0, beta: self.beta, signed: true, reset: self.reset }.validate()
    }

    /// How many numbers a window of a neuron, signed or not, can end in; none where no count says what was sent: in other dynamics
    /// than `phased`, with a leak or a hard reset.
    pub fn counts(&self, signed: bool) -> Option<u64> {
        let levels = u64::from(if self.code == Code::Single { self.steps() } else { self.time_steps });
        let exact = self.dynamics == Dynamics::Phased && self.is_exact();
        exact.then(|| if signed { 2 * levels + 1 } else { levels + 1 })
    }

    /// Steps that a sentence takes unless an exit rule ends it: `T`, or those of the code.
    pub fn steps(&self) -> u32 {
        self.code.steps(self.time_steps)
    }

    /// `W[T] = sum of beta^k` for `k < T`: what a neuron that fires at every step accumulates.
    pub fn weight(&self, time_steps: u32) -> f32 {
        (0..time_steps).fold(0.0, |weight, _| self.beta * weight + 1.0)
    }

    /// Whether its neurons are those of the count identity: no leak, soft reset.
    pub(crate) fn is_exact(&self) -> bool {
        self.beta == 1.0 && self.reset == Reset::Soft
    }

    /// Whether it is `phased`, and a whole window is a count that fits a signed byte.
    pub(crate) fn is_counts(&self) -> bool {
        self.dynamics == Dynamics::Phased && self.is_exact() && self.time_steps <= MAX_COUNT
    }
}

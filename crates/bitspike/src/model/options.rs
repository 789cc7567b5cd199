//! How a model is to be run.

use crate::config::StudentConfig;
use crate::error::{Error, Result};
use crate::forward::{Dynamics, ExitRule, Simulation};
use crate::kernels::Kernels;
use crate::neuron::Code;

/// How a model is to be run: `phased` at its own `T` on the best kernels of the machine, unless told otherwise.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
/// use bitspike::{Dynamics, ExitRule, Options};
/// let early = ExitRule { margin: 1.0, ..ExitRule::default() };
/// let options = Options::new().dynamics(Dynamics::Accumulated).time_steps(64).exit(early);
/// let answers = options.load(path)?.classify(["a fine film"])?;
/// assert!(answers[0].steps < 64);
/// // Options are checked when a model is made of them.
/// assert!(Options::new().exit(early).load(path).is_err()); // `phased` has an answer at its end alone
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// But for the number of steps and the code.
    simulation: Simulation,
    /// The model's own, unless given.
    time_steps: Option<u32>,
    /// The model's own, unless given.
    code: Option<Code>,
    exit: Option<ExitRule>,
    kernels: Option<Kernels>,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Those that a model is trained for.
    pub fn new() -> Self {
        Self {
            simulation: Simulation::new(Dynamics::Phased, 1),
            time_steps: None,
            code: None,
            exit: None,
            kernels: None,
        }
    }

    /// What operators see of the spikes.
    #[must_use]
    pub fn dynamics(mut self, dynamics: Dynamics) -> Self {
        self.simulation.dynamics = dynamics;
        self
    }

    /// `T`: steps of a window, or of the whole simulation.
    #[must_use]
    pub fn time_steps(mut self, time_steps: u32) -> Self {
        self.time_steps = Some(time_steps);
        self
    }

    /// How populations of `phased` hand on their counts; answers do not depend on it, what is counted does.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// Dynamics, `T`, leak, reset and hysteresis at once.
    #[must_use]
    pub fn simulation(self, simulation: Simulation) -> Self {
        Self { simulation, ..self }.time_steps(simulation.time_steps).code(simulation.code)
    }

    /// When a sentence of `accumulated` or `instantaneous` may end early.
    #[must_use]
    pub fn exit(mut self, rule: ExitRule) -> Self {
        self.exit = Some(rule);
        self
    }

    /// The instruction set of the products.
    #[must_use]
    pub fn kernels(mut self, kernels: Kernels) -> Self {
        self.kernels = Some(kernels);
        self
    }

    /// These options with nothing left open, for `student`: the one place where they are checked.
    pub(super) fn settle(self, student: &StudentConfig) -> Result<(Simulation, Option<ExitRule>, Kernels)> {
        let Self { simulation, time_steps, code, exit, kernels } = self;
        let own = Simulation::of(student);
        let time_steps = time_steps.unwrap_or(own.time_steps);
        let simulation = Simulation { time_steps, code: code.unwrap_or(own.code), ..simulation };
        simulation.validate()?;
        simulation.fits(student)?;
        if let Some(rule) = exit {
            rule.check(simulation.dynamics)?;
            check_exit(student)?;
        }
        Ok((simulation, exit, kernels.map_or_else(|| Ok(Kernels::detect()), Kernels::check)?))
    }
}

/// Refuses an exit rule for a student that embeds: no value of a vector leads the others.
pub(super) fn check_exit(student: &StudentConfig) -> Result<()> {
    match student.pooling {
        Some(_) => Err(Error::invalid("exit rule", "a model that gives classes or scores", "one that embeds")),
        None => Ok(()),
    }
}

//! A student that spikes, over time.

pub mod trace;

use std::fmt;

/// What the operators of a spiking model see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamics {
    /// Finished windows, population after population.
    Phased,
    /// Running rates, all populations at every step.
    Accumulated,
    /// The spikes of the step.
    Instantaneous,
}

impl Dynamics {
    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phased => "phased",
            Self::Accumulated => "accumulated",
            Self::Instantaneous => "instantaneous",
        }
    }
}

impl fmt::Display for Dynamics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

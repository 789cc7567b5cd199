//! A student that spikes: the three dynamics of the whole model in time (`docs/model.md`, "Dynamics").
//!
//! | | what an operator (layer norm, softmax, GELU) sees at step `t` |
//! |---|---|
//! | `phased` | the rates of the finished window of the populations below; then its neurons fire for `T` steps |
//! | `accumulated` | the rates up to `t`; it emits the difference `W[t] f(rates[t]) - beta W[t-1] f(rates[t-1])` |
//! | `instantaneous` | the spikes of step `t` alone |
//!
//! with `W[t] = beta W[t-1] + 1`, which is `t` for integrate-and-fire neurons. Sentences are independent of each other and run
//! in parallel; all state is made for a call and dropped with it.

mod exit;
mod neurons;
pub(crate) mod packs;
mod phased;
mod readout;
mod record;
mod sentence;
mod simulate;
mod simulation;
mod stepped;
mod timing;
mod watch;
pub(crate) mod windows;

pub use exit::ExitRule;
pub use record::Record;
pub use sentence::{Rows, Sent, SentenceRun, Sentences, Wanted};
pub use simulate::{simulate, simulate_recorded};
pub use simulation::{Dynamics, Simulation};
pub use timing::{Operator, Timing};

#[cfg(test)]
mod code_tests;
#[cfg(test)]
mod long_tests;
#[cfg(test)]
pub(crate) mod tests;

//! Training, the same for fine-tuning and distillation: the [`train`] loop over a [`Learner`], whose business it is what a step
//! computes; what a run is asked for ([`Controls`]) and how it ended ([`Outcome`]); its log ([`train_logged`]).

mod controls;
mod learner;
mod logged;
mod session;
mod throughput;

pub use controls::{Controls, EndReason, Outcome, stage_steps};
pub(crate) use learner::finite;
pub use learner::{Evaluation, Learner, Sizes, StepReport};
pub use logged::{LastEnd, Log, Logged, last_end, train_logged};
pub use session::train;

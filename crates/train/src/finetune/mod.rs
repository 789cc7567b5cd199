//! Fine-tuning a BERT teacher on a task.
//!
//! [`finetune`] is one fine-tuning from what it reads to its end; [`Finetuner`] is the teacher within it.

mod finetuner;
mod plan;

pub use finetuner::{Finetuner, Settings, Setup};
pub use plan::{Job, Plan, finetune};

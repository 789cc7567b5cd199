//! Training: a full-precision BERT teacher, fine-tuned and distilled into a spiking student of 1- or 1.58-bit weights.
//!
//! | to | call |
//! |---|---|
//! | fine-tune a teacher | [`finetune::finetune`] |
//! | distil a student | [`distill::Inputs::distil`] |
//! | learn from answers in a table | [`distill::Inputs::with_soft_labels`], [`soft`] |
//! | distil one for every cell of a grid | [`sweep::Sweep::run`] |
//! | do all of it on a corpus made on the spot | [`quickstart::Quickstart::run`] |
//! | score what came of it | [`evaluate::score`], [`trained::Trained`] |
//! | hold a packed model against its student | [`parity::compare`] |
//!
//! Each reports to one [observer](bitspike_run::progress::Observer), looks at one flag that stops it, and prints nothing.
//! `examples/distil.rs` goes the whole way in some ten seconds.

pub mod batches;
mod checkpoint;
mod digest;
pub mod distill;
pub mod equilibrium;
pub mod error;
pub mod evaluate;
pub mod feedback;
pub mod finetune;
pub mod layers;
pub mod loss;
pub mod neuron;
pub mod ops;
pub mod optimizer;
mod parameters;
pub mod parity;
mod predecessor;
pub mod quickstart;
mod resume;
pub mod simulation;
pub mod soft;
pub mod sparsity;
pub mod student;
pub mod sweep;
mod symmetric;
pub mod teacher;
pub mod texts;
pub mod trained;
pub mod training;
pub mod vectors;

pub use burn::tensor::Device;
pub use error::{Error, Result};

//! Training: a full-precision BERT teacher, fine-tuned and distilled into a spiking student of 1- or 1.58-bit weights.

pub mod batches;
mod checkpoint;
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
pub mod quickstart;
pub mod simulation;
pub mod student;
pub mod sweep;
mod symmetric;
pub mod teacher;
pub mod texts;
pub mod training;

pub use error::{Error, Result};

//! What a bitspike model *is*: tasks and metrics, tokenisation, configuration, the spiking neuron and the low-bit weight
//! quantisers, written to be read. No training framework, no async runtime.
//!
//! Symbols follow `docs/model.md`: `T` time steps, `theta` firing threshold, `a` firing rate, `n` spike count.

pub mod arithmetic;
pub mod atomic_file;
pub mod config;
pub mod count;
pub mod encoder;
pub mod error;
pub mod format;
pub mod forward;
pub mod kernels;
pub mod model;
pub mod neuron;
pub mod quantize;
pub mod tokenizer;
pub mod trace;

pub use config::{Target, Task};
pub use error::{Error, Result};

//! Spiking language models with weights of 1 and 1.58 bits: what such a model is, and how it runs.
//!
//! ```
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
//! let model = bitspike::Model::load(path)?;
//! let answers = model.classify(["a fine film", "dull from start to finish"])?;
//! assert_eq!(answers[0].label(), Some("positive"));
//! assert!(answers[1].probabilities()[0] > 0.5); // of the model's first class, which is `negative`
//! # Ok::<(), bitspike::Error>(())
//! ```
//!
//! A [`Model`] answers in one pass with integer products ([`Dynamics::Phased`]), or spike by spike in the other [`Dynamics`],
//! where an [`ExitRule`] ends a sentence whose answer is settled; [`Options`] say which. A task on pairs of texts takes
//! `("first", "second")`, a regression answers with [`Answer::score`].
//!
//! ```
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/rte-ternary/model.safetensors");
//! use bitspike::{Dynamics, ExitRule, Options};
//! let options = Options::new().dynamics(Dynamics::Accumulated).time_steps(48).exit(ExitRule::default());
//! let answers = options.load(path)?.classify([("All birds sing.", "This bird sings.")])?;
//! println!("{:?} after {} steps", answers[0].label(), answers[0].steps);
//! # Ok::<(), bitspike::Error>(())
//! ```
//!
//! # Parts
//!
//! | module | what |
//! |---|---|
//! | [`config`], [`format`](mod@format), [`tokenizer`] | what a model is: sizes, task, the packed file, words |
//! | [`neuron`], [`quantize`] | the spiking neuron and the low-bit weights, written to be read |
//! | [`arithmetic`], [`kernels`], [`encoder`] | what both training and running compute, the integer products of every instruction set, the layers |
//! | [`forward`] | a sentence through the layers, in three dynamics |
//! | [`trace`], [`count`](mod@count) | every spike of a sentence, and what it costs in operations |
//!
//! Symbols follow `docs/model.md`: `T` time steps, `theta` firing threshold, `a` firing rate, `n` spike count.
//!
//! # Features
//!
//! `threads` spreads work over the threads of rayon's current pool, `mmap` maps files instead of reading them; both are on
//! unless `default-features = false`. Without them the crate needs no more than an allocator and, to open files, a file system,
//! and compiles for WebAssembly and for machines of 32 bits.

pub mod arithmetic;
pub mod atomic_file;
pub mod config;
pub mod count;
pub mod encoder;
pub mod error;
pub mod format;
pub mod forward;
pub mod kernels;
pub mod mapping;
pub mod model;
pub mod neuron;
mod order;
mod parallel;
pub mod pointer;
pub mod quantize;
pub mod tokenizer;
pub mod trace;
pub mod vector;

pub use config::{Target, Task};
pub use error::{Error, Result};
pub use forward::{Dynamics, ExitRule, Simulation};
pub use kernels::Kernels;
pub use model::{Answer, Input, Model, Options, Output, Traced};
pub use tokenizer::Encoding;
pub use vector::Vector;

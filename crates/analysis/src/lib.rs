//! What a model does and costs, measured without the trainer: whatever is asked of a `bitspike::Model` beyond its answers.
//!
//! ```
//! use bitspike::{Dynamics, Options, Simulation};
//! use bitspike_analysis::trace::{TraceOptions, trace};
//! use bitspike_hub::Subject;
//!
//! let subject = Subject::builtin();
//! let options = TraceOptions { simulation: Simulation::new(Dynamics::Accumulated, 32), neurons: Vec::new() };
//! let traced = trace(&subject.model(&Options::new())?, &subject.name(), "a gripping, funny film", &options)?;
//! assert_eq!(traced.summary.answer.label.as_deref(), Some("positive"));
//! // Rates after 32 steps are near those of the quantised equilibrium.
//! assert!(traced.summary.populations.iter().all(|population| population.rms_distance < 0.1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`score`], [`in_time`] | metrics of a model on a split, at its end and along simulations |
//! | [`predict`](mod@predict), [`tokens`](mod@tokens) | answers to examples, with firing rates; the tokens of a text |
//! | [`counts`], [`cost`], [`energy`] | operations counted, and priced by named constants beside baselines |
//! | [`timing`], [`bench`](mod@bench) | how long answers take, and what the machine could do |
//! | [`trace`](mod@trace) | every spike of a text, as tables and as a picture |
//! | [`report`] | all of it as one page |
//! | [`shipped`], [`inspect`](mod@inspect) | folders of models: figures, cards, whether they still hold; what is in a file |
//! | [`draw`], [`chart`] | pictures as plain SVG |
//! | [`examples`], [`teacher`], [`number`] | what several of them take and print |
//!
//! Every function takes a model and plain options and gives a value that is `serde::Serialize`. The feature `arrow` (default) adds
//! traces as Arrow tables.

pub mod bench;
pub mod chart;
pub mod cost;
pub mod counts;
pub mod digest;
pub mod doctor;
pub mod draw;
pub mod energy;
pub mod error;
pub mod examples;
#[cfg(test)]
mod fixture;
pub mod in_time;
pub mod inspect;
pub mod number;
pub mod predict;
pub mod report;
pub mod score;
pub mod shipped;
pub mod teacher;
pub mod timing;
pub mod tokens;
pub mod trace;

pub use error::{Error, Result};

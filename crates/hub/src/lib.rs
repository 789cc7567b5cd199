//! What the name of a model means, where models are, and how they get there.
//!
//! [`Subject::resolve`] takes what a user calls a model (a name, a file, the folder of a model, of a run or of a teacher) and gives a
//! value that says what can be done with it. [`Registry`] knows the models that have names, [`PackedModel::builtin`] is in the
//! program itself. With the feature `download` (a default), [`Hub`] fetches models and tasks from the Hugging Face hub, and
//! [`fetch`] says how; without it, what the hub's cache holds is still found.
//!
//! A folder to ship holds
//!
//! | file | what |
//! |---|---|
//! | `model.safetensors` | the packed model |
//! | `tokenizer.json` | its tokeniser |
//! | `recipe.toml` | the recipe of its run |
//! | `metrics.json` | everything that was measured |
//! | `README.md` | the card |

mod config;
mod error;
#[cfg(feature = "download")]
pub mod fetch;
mod names;
mod packed_model;
mod registry;
mod size;
mod subject;

pub use config::HubConfig;
pub use error::{Error, Result};
#[cfg(feature = "download")]
pub use fetch::{FetchError, Fetched, Hub, Progress};
pub use names::{is_name, split_revision};
pub use packed_model::{ModelFile, PackedModel};
pub use registry::Registry;
pub use size::bytes;
pub use subject::Subject;

/// The packed model.
pub const MODEL: &str = "model.safetensors";
/// The tokeniser, beside it.
pub const TOKENIZER: &str = "tokenizer.json";
/// What was measured.
pub const METRICS: &str = "metrics.json";
/// The recipe of the run.
pub const RECIPE: &str = "recipe.toml";
/// The card.
pub const CARD: &str = "README.md";

//! Models to download and to ship: folders with a packed model, what it scores, and how it was made.
//!
//! | file | what |
//! |---|---|
//! | `model.safetensors` | the packed model |
//! | `tokenizer.json` | its tokeniser |
//! | `recipe.toml` | the recipe of its run |
//! | `metrics.json` | everything that was measured ([`Metrics`]) |
//! | `README.md` | the card, made of `metrics.json` and a few lines about origins |

mod builtin;
mod card;
mod energy;
mod find;
mod latency;
mod measure;
mod metrics;
mod origins;
mod seeds;
mod table;

pub(crate) use card::card;
pub(crate) use energy::Energy;
pub(crate) use find::{Found, all, default, find, is_name};
pub(crate) use latency::measure as measure_latency;
pub(crate) use measure::{Subject, measure, sha256};
pub(crate) use metrics::{Difference, Made, Measured, Metrics, Teacher, difference};
pub(crate) use origins::Origins;
pub(crate) use seeds::{Run, Seeds};
pub(crate) use table::{Row, markdown, print};

/// The packed model.
pub(crate) const MODEL: &str = "model.safetensors";
/// The tokeniser, beside it.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// What was measured.
pub(crate) const METRICS: &str = "metrics.json";
/// The recipe of the run.
pub(crate) const RECIPE: &str = "recipe.toml";
/// The card.
pub(crate) const CARD: &str = "README.md";

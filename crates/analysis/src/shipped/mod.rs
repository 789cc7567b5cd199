//! Models to download and to ship: folders with a packed model, what it scores, and how it was made.
//!
//! | file | what |
//! |---|---|
//! | `model.safetensors` | the packed model |
//! | `tokenizer.json` | its tokeniser, where the model does not hold its own |
//! | `recipe.toml` | the recipe of its run |
//! | `metrics.json` | everything that was measured ([`Metrics`]) |
//! | `README.md` | the card, made of `metrics.json` and a few lines about origins |

mod add;
mod card;
mod difference;
mod estimates;
mod files;
mod finished;
mod list;
mod measure;
mod metrics;
mod origins;
mod seeds;
mod verify;

pub use add::{AddOptions, Addition};
pub use card::card;
pub use difference::{Difference, difference};
pub use estimates::{EnergyEstimates, EstimatedEnergy};
pub use files::{CARD, METRICS, MODEL, RECIPE, TOKENIZER};
pub use list::Listed;
pub use measure::{ModelFiles, measure};
pub use metrics::{
    FileFacts, Made, MeasuredData, MeasuredModel, MeasuredPopulation, MeasuredSpikes, Metrics, ModelShape,
};
pub use origins::{Origin, Origins, OriginsOf};
pub use seeds::Seeds;
pub use verify::{Verified, verify};

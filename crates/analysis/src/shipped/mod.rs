//! Models to download and to ship, whose folders [`bitspike_hub`] describes: what they score ([`Metrics`]), whether they still do
//! ([`verify`]), how they are made of a run ([`Addition`]), and the [`card`], made of `metrics.json` and a few lines about origins.

mod add;
mod card;
mod difference;
mod estimates;
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
pub use list::{Listed, list};
pub use measure::{ModelFiles, measure};
pub use metrics::{
    FileFacts, Made, MeasuredData, MeasuredModel, MeasuredPopulation, MeasuredSpikes, Metrics, ModelShape,
};
pub use origins::{Origin, Origins, OriginsOf};
pub use seeds::Seeds;
pub use verify::{Verified, verify};

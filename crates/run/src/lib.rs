//! What a run of `bitspike distil` is on disk: its recipe, its log, its checkpoints, and the packed model that it gives.
//!
//! Nothing here trains: `bitspike-train` writes runs, and whoever classifies, counts or reports reads them without it.

pub mod error;
pub mod origin;
pub mod pack;
pub mod progress;
pub mod recipe;
pub mod run;
pub mod weights;

pub use error::{Error, Result};
pub use origin::Origin;
pub use pack::FromRun;
pub use run::{Checkpoint, Counters, Description, RunFolder};

//! Flags that several commands have.

pub(crate) mod checkpoint;
pub(crate) mod embedder;
pub(crate) mod limit;
pub(crate) mod packing;
pub(crate) mod place;
pub(crate) mod profile;
pub(crate) mod simulation;
mod split;
pub(crate) mod task;
pub(crate) mod threads;
mod usage;
mod verbosity;

pub(crate) use checkpoint::{CheckpointArgs, CheckpointName};
pub(crate) use embedder::EmbedderArgs;
pub(crate) use packing::PackingArgs;
pub(crate) use place::vacant;
pub(crate) use profile::profile;
pub(crate) use split::SplitName;
pub(crate) use task::{ClassArgs, TaskArgs};
pub(crate) use threads::Threads;
pub(crate) use usage::{Usage, usage, wrong_value};
pub(crate) use verbosity::Verbosity;

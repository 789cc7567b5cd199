//! Flags that several commands have.

pub(crate) mod checkpoint;
pub(crate) mod packing;
pub(crate) mod profile;
pub(crate) mod simulation;
mod split;
pub(crate) mod task;
pub(crate) mod threads;

pub(crate) use checkpoint::CheckpointName;
pub(crate) use packing::PackingArgs;
pub(crate) use profile::profile;
pub(crate) use split::SplitName;
pub(crate) use task::TaskArgs;
pub(crate) use threads::Threads;

//! `--checkpoint`

use bitspike_run::Checkpoint;

/// Which student of a run is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CheckpointName {
    /// The student that scored best on the dev set
    #[default]
    Best,
    /// The student at the last step
    Last,
}

impl From<CheckpointName> for Checkpoint {
    fn from(name: CheckpointName) -> Self {
        match name {
            CheckpointName::Best => Self::Best,
            CheckpointName::Last => Self::Last,
        }
    }
}

//! `--checkpoint`: which student of a run is meant.

use std::path::Path;

use bitspike_hub::Subject;
use bitspike_run::Checkpoint;

use crate::output::detail;

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

/// The flag of every command that takes a run.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct CheckpointArgs {
    /// Which student, where the model is a run
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    pub(crate) checkpoint: CheckpointName,
}

impl CheckpointArgs {
    /// What `argument` means; of a run this student.
    ///
    /// # Errors
    /// As [`Subject::resolve`].
    pub(crate) fn resolve(self, argument: &Path) -> bitspike_hub::Result<Subject> {
        let subject = Subject::resolve(argument)?.at(self.checkpoint.into());
        detail(format_args!("model {}: {subject}", argument.display()));
        Ok(subject)
    }
}

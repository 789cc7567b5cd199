//! The one error type of this crate.

use std::path::Path;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can stop a training or an evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Tokeniser, model or configuration.
    #[error(transparent)]
    Model(#[from] bitspike::Error),
    /// Data or task.
    #[error(transparent)]
    Data(#[from] bitspike_data::Error),
    /// A run's files, a checkpoint, a recipe.
    #[error(transparent)]
    Run(#[from] bitspike_run::Error),
    /// Two things that were given do not fit together.
    #[error("{0}")]
    Mismatch(String),
    /// The loss or a gradient stopped being a number.
    #[error(
        "training diverged at step {step}: {what} is {value}. The last good checkpoint is kept; lower `learning_rate` or \
         `clip_norm` in the recipe and start again, or `--resume` with them changed"
    )]
    Diverged {
        /// 1-based step of the whole run.
        step: u64,
        /// Which quantity.
        what: String,
        /// Its value.
        value: f64,
    },
}

impl Error {
    /// That `path` could not be read or written.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        bitspike_run::Error::io(action, path, source).into()
    }

    /// That the checkpoint at `path` is missing, damaged or of another model.
    pub fn checkpoint(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        bitspike_run::Error::checkpoint(path, message).into()
    }
}

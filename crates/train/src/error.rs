//! The one error type of this crate.

use std::error::Error as Cause;
use std::path::{Path, PathBuf};

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
    /// What a name of a model means.
    #[error(transparent)]
    Hub(Box<bitspike_hub::Error>),
    /// What a model takes and costs.
    #[error(transparent)]
    Analysis(Box<bitspike_analysis::Error>),
    /// Two things that were given do not fit together.
    #[error("{0}")]
    Mismatch(String),
    /// A grid, or what was asked of a sweep, says something that no sweep can do.
    #[error("{0}")]
    Grid(String),
    /// The file of a grid is not what its name says.
    #[error("grid {}: {source}", path.display())]
    GridFile {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        source: Box<toml::de::Error>,
    },
    /// A folder holds what it should not, or lacks what it should hold.
    #[error("{} {message}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What it holds or lacks, and what to do.
        message: String,
    },
    /// A file that an earlier session wrote is not what it was.
    #[error("{} is damaged: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        source: Box<dyn Cause + Send + Sync>,
    },
    /// The log of a run could not be read or written, or nobody who follows it be told.
    #[error("{action}: {source}")]
    Log {
        /// What was being done.
        action: &'static str,
        /// The reason.
        source: std::io::Error,
    },
    /// Something failed as part of something larger.
    #[error("{what}: {source}")]
    During {
        /// The larger thing: a phase, a cell of a sweep, a file.
        what: String,
        /// What failed.
        source: Box<Error>,
    },
    /// The loss or a gradient stopped being a number.
    #[error("training diverged at step {step}: {what} is {value}{advice}")]
    Diverged {
        /// 1-based step of the whole run.
        step: u64,
        /// Which quantity.
        what: String,
        /// Its value.
        value: f64,
        /// What to do, with what leads to it.
        advice: String,
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

    /// An [`Error::Folder`] for `path`.
    pub fn folder(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Folder { path: path.as_ref().to_path_buf(), message: message.into() }
    }

    /// An [`Error::Damaged`] for `path`.
    pub fn damaged(path: impl AsRef<Path>, source: impl Into<Box<dyn Cause + Send + Sync>>) -> Self {
        Self::Damaged { path: path.as_ref().to_path_buf(), source: source.into() }
    }

    /// This error with what to do about it, if it is a divergence.
    #[must_use]
    pub(crate) fn advising(self, advise: impl FnOnce(u64) -> String) -> Self {
        match self {
            Self::Diverged { step, what, value, .. } => Self::Diverged { step, what, value, advice: advise(step) },
            other => other,
        }
    }

    /// This error as part of `what`.
    #[must_use]
    pub fn during(self, what: impl Into<String>) -> Self {
        Self::During { what: what.into(), source: Box::new(self) }
    }
}

impl From<bitspike_analysis::Error> for Error {
    fn from(error: bitspike_analysis::Error) -> Self {
        Self::Analysis(Box::new(error))
    }
}

impl From<bitspike_hub::Error> for Error {
    fn from(error: bitspike_hub::Error) -> Self {
        Self::Hub(Box::new(error))
    }
}

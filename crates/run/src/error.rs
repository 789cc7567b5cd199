//! The one error type of this crate.

use std::path::{Path, PathBuf};

use crate::recipe::error::RecipeError;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with a run's files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Tokeniser, model or configuration.
    #[error(transparent)]
    Core(#[from] bitspike::Error),
    /// Data or task.
    #[error(transparent)]
    Data(#[from] bitspike_data::Error),
    /// The operating system refused a file or folder.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb: "read", "write", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A checkpoint is missing, damaged or of another model.
    #[error("{}: {message}", path.display())]
    Checkpoint {
        /// The checkpoint's file or folder.
        path: PathBuf,
        /// Expected and found, and what to do.
        message: String,
    },
    /// A file, or what a checkpoint carries, is not the JSON that it should be.
    #[error("{}: {what}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What it is not, or what of it is damaged.
        what: &'static str,
        /// Where the JSON is wrong.
        source: serde_json::Error,
    },
    /// A line of a log is no event.
    #[error("{}, line {line}: not an event: {source}; remove the line", path.display())]
    Event {
        /// The log.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// Where the JSON is wrong.
        source: serde_json::Error,
    },
    /// A checkpoint is no safetensors file.
    #[error("{}: not a safetensors file: {source}; download or export the checkpoint again", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
    },
    /// A recipe does not say something a training can do.
    #[error("recipe{}: {source}", origin(path))]
    Recipe {
        /// The recipe's file, if it came from one.
        path: Option<PathBuf>,
        /// Key, expected and found.
        source: RecipeError,
    },
    /// A run's student cannot be packed.
    #[error("pack {}: {source}", path.display())]
    Unpackable {
        /// The run's folder or checkpoint.
        path: PathBuf,
        /// Why not.
        source: Box<Error>,
    },
}

fn origin(path: &Option<PathBuf>) -> String {
    path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default()
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), source }
    }

    /// An [`Error::Checkpoint`] for `path`.
    pub fn checkpoint(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Checkpoint { path: path.as_ref().to_path_buf(), message: message.into() }
    }
}

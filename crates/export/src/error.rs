//! What can go wrong with an export.

use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was expected, what was found, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model that is damaged, or a value out of its range.
    #[error(transparent)]
    Model(#[from] bitspike::Error),
    /// A format that cannot carry something of the model.
    #[error("{target} cannot carry {what}: {instead}")]
    Unfit {
        /// The format.
        target: &'static str,
        /// What would be lost.
        what: String,
        /// What would fit.
        instead: String,
    },
    /// The folder of an export that is there already.
    #[error("{}: exists; give --force to replace it, or another name", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that would be replaced and is no export.
    #[error("{}: expected the folder of an earlier export, which has a {MANIFEST}; choose another name or remove it", path.display())]
    NoExport {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system refused a file, folder or program.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file, folder or program.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file that is no model of ours.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        message: String,
    },
    /// The runtime that an export is for did not answer.
    #[error("{runtime}: {message}")]
    Runtime {
        /// Its name.
        runtime: &'static str,
        /// What it said, and what to do.
        message: String,
    },
}

/// The file that says what an export is.
pub(crate) const MANIFEST: &str = "bitspike.json";

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

//! The one error type of this crate: what went wrong, what was expected, what was found, and where.

use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a user's files and a model's input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file or folder.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb: "read", "write", "open".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is not what its name or place says.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Expected and found, and what to do.
        message: String,
    },
    /// A value that a caller or a config gave is outside its range.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid {
        /// Name of the setting.
        what: String,
        /// What would have been accepted.
        expected: String,
        /// What was given.
        found: String,
    },
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), source }
    }

    /// An [`Error::Malformed`] for `path`.
    pub fn malformed(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Malformed { path: path.as_ref().to_path_buf(), message: message.into() }
    }

    /// An [`Error::Invalid`] for the setting `what`.
    pub fn invalid(what: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Invalid { what: what.into(), expected: expected.into(), found: found.to_string() }
    }
}

//! The one error type of this crate: what, expected, found, where.

use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with an index, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is no index, or a damaged one.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Expected and found, and what to do.
        message: String,
    },
    /// Bytes in memory are no index, or a damaged one.
    #[error("index in memory: {message}")]
    Bytes {
        /// Expected and found.
        message: String,
    },
    /// The vectors of an index are another model's.
    #[error(
        "the index holds vectors of {} (SHA-256 {}), found the model {} (SHA-256 {}); vectors of different models cannot be compared: \
         name that model, or build the index anew",
        expected.0.escape_debug(), expected.1.escape_debug(), found.0.escape_debug(), found.1
    )]
    OtherModel {
        /// Name and SHA-256 of the index's model.
        expected: (String, String),
        /// Name and SHA-256 of the one that was given.
        found: (String, String),
    },
    /// Somebody else wrote the index while texts were added to it.
    #[error("{}: it was changed meanwhile, and stays as it is now; add the texts again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A value that a caller gave is outside its range.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid {
        /// Name of the setting.
        what: String,
        /// What would have been accepted.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A text of a table cannot be kept.
    #[error("{place}, line {line}: {message}")]
    Record {
        /// Where the table comes from.
        place: String,
        /// 1-based line, or number of a record of Parquet.
        line: usize,
        /// Expected and found.
        message: String,
    },
    /// What the reader of tables reported.
    #[error(transparent)]
    Data(#[from] bitspike_data::Error),
    /// What the model's own crate reported, files that cannot be read or written among it.
    #[error(transparent)]
    Model(#[from] bitspike::Error),
}

impl Error {
    pub(crate) fn invalid(what: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Invalid { what: what.into(), expected: expected.into(), found: found.to_string() }
    }

    pub(crate) fn malformed(path: Option<&Path>, message: impl Into<String>) -> Self {
        let message = message.into();
        match path {
            Some(path) => Self::Malformed { path: path.to_owned(), message },
            None => Self::Bytes { message },
        }
    }
}

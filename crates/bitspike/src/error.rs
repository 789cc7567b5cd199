//! The one error type of this crate: what went wrong, what was expected, what was found, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a library reported.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

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
        /// What a library found wrong with the bytes, if it was one that did.
        source: Option<Cause>,
    },
    /// Bytes in memory are not what they are said to be.
    #[error("{what}: {message}")]
    Bytes {
        /// What they are said to be.
        what: &'static str,
        /// Expected and found.
        message: String,
        /// What a library found wrong with them, if it was one that did.
        source: Option<Cause>,
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

/// An error and its causes on one line. Many errors say their cause themselves; it is not said twice.
///
/// ```
/// let error = bitspike::Error::io("read", "model", std::io::Error::other("no such disk"));
/// assert_eq!(bitspike::error::explain(&error), "read model: no such disk");
/// ```
pub fn explain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), source }
    }

    /// An [`Error::Malformed`] for `path`.
    pub fn malformed(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Fault { message: message.into(), source: None }.at(path)
    }

    /// An [`Error::Invalid`] for the setting `what`.
    pub fn invalid(what: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Invalid { what: what.into(), expected: expected.into(), found: found.to_string() }
    }
}

/// What is wrong with some bytes, said by those who read them without knowing where they come from.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    source: Option<Cause>,
}

impl Fault {
    /// What a library reported, after what it was about.
    pub(crate) fn of(what: impl fmt::Display, source: impl Into<Cause>) -> Self {
        let source = source.into();
        Self { message: format!("{what}: {source}"), source: Some(source) }
    }

    /// `message`, because of what a library reported.
    pub(crate) fn because(message: String, source: impl Into<Cause>) -> Self {
        Self { message, source: Some(source.into()) }
    }

    /// The fault of the file `path`.
    pub(crate) fn at(self, path: impl AsRef<Path>) -> Error {
        Error::Malformed { path: path.as_ref().to_path_buf(), message: self.message, source: self.source }
    }

    /// The fault of bytes in memory.
    pub(crate) fn of_bytes(self, what: &'static str) -> Error {
        Error::Bytes { what, message: self.message, source: self.source }
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self { message, source: None }
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::from(message.to_owned())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { message: error.to_string(), source: Some(error.into()) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

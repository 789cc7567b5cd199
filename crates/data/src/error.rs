//! The one error type of this crate: what went wrong, what was expected, what was found, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use bitspike::config::steers;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What another library reported.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Everything that can be wrong with a task, its data or a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file, a folder or a stream.
    #[error("{action} {place}: {source}")]
    Io {
        /// What was being done, as a verb: "read", "open".
        action: &'static str,
        /// The file, folder or stream.
        place: Place,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A table could not be written.
    #[error("write the table: {source}")]
    Write {
        /// The reason: of the operating system, or of the format's library.
        source: Cause,
    },
    /// A line or record does not have the form that is needed.
    #[error("{place}, line {line}: {message}{}", because(source))]
    Record {
        /// Where the table comes from.
        place: Place,
        /// 1-based line (text formats) or record (Parquet) number.
        line: usize,
        /// Expected and found, and what to do.
        message: String,
        /// What the format's library found.
        source: Option<Cause>,
    },
    /// A file or folder is not what its name or place says.
    #[error("{place}: {message}{}", because(source))]
    Malformed {
        /// The file, folder or stream.
        place: Place,
        /// Expected and found, and what to do.
        message: String,
        /// What the format's library found.
        source: Option<Cause>,
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
    /// The outputs of a model are not the classes of a task, as far as their names say.
    #[error(
        "its classes are {model}, those of task {task} are {classes}, and nothing says which is which; state it with --map, such as \
         --map {example}, or choose a model of this task"
    )]
    Classes {
        /// Names of the model's outputs.
        model: String,
        /// The task.
        task: String,
        /// Names of its classes.
        classes: String,
        /// A map as it could be stated.
        example: String,
    },
    /// A model has not as many outputs as a task has classes.
    #[error("it has {outputs} outputs ({model}), task {task} has {wanted} ({classes}); choose a model of this task")]
    Outputs {
        /// How many outputs the model has.
        outputs: usize,
        /// Their names.
        model: String,
        /// The task.
        task: String,
        /// How many there should be.
        wanted: usize,
        /// Names of the task's classes.
        classes: String,
    },
    /// One of a model and a task is of vectors, the other is not.
    #[error("{found}; task {task} wants {wanted}: choose a model of this task")]
    Vectors {
        /// What the model is.
        found: String,
        /// The task.
        task: String,
        /// What it wants.
        wanted: String,
    },
    /// A model could not classify some of the texts of a table.
    #[error("lines {first} to {last}: {source}")]
    Unanswered {
        /// First line of the texts that were given to the model at once.
        first: usize,
        /// Last line of them.
        last: usize,
        /// What the model reported.
        source: bitspike::Error,
    },
    /// What the model's own crate reported.
    #[error(transparent)]
    Model(#[from] bitspike::Error),
}

/// Where data comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file or a folder.
    File(PathBuf),
    /// Standard input.
    StandardInput,
    /// A reader that a caller gave.
    Reader,
}

impl Place {
    /// The file or folder; none of a stream.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::StandardInput | Self::Reader => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::StandardInput => f.write_str("standard input"),
            Self::Reader => f.write_str("the input"),
        }
    }
}

impl<P: AsRef<Path>> From<P> for Place {
    fn from(path: P) -> Self {
        Self::File(path.as_ref().to_owned())
    }
}

/// What is wrong with a record or a file, before it is said where.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    source: Option<Cause>,
}

impl Fault {
    /// That `message`, because of `source`.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    pub(crate) fn new(message: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self { message: message.into(), source: Some(source.into()) }
    }
}

impl<T: Into<String>> From<T> for Fault {
    fn from(message: T) -> Self {
        Self { message: message.into(), source: None }
    }
}

fn because(source: &Option<Cause>) -> String {
    source.as_ref().map(|source| format!(": {source}")).unwrap_or_default()
}

impl Error {
    /// An [`Error::Io`] for `place`.
    pub(crate) fn io(action: &'static str, place: impl Into<Place>, source: std::io::Error) -> Self {
        Self::Io { action, place: place.into(), source }
    }

    /// An [`Error::Record`] for `line` of `place`.
    pub(crate) fn record(place: &Place, line: usize, fault: impl Into<Fault>) -> Self {
        let Fault { message, source } = fault.into();
        Self::Record { place: place.clone(), line, message, source }
    }

    /// An [`Error::Malformed`] for `place`.
    pub(crate) fn malformed(place: impl Into<Place>, fault: impl Into<Fault>) -> Self {
        let Fault { message, source } = fault.into();
        Self::Malformed { place: place.into(), message, source }
    }

    /// An [`Error::Invalid`] for the setting `what`.
    pub(crate) fn invalid(what: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Invalid { what: what.into(), expected: expected.into(), found: found.to_string() }
    }

    /// An [`Error::Write`].
    pub(crate) fn write(source: impl Into<Cause>) -> Self {
        Self::Write { source: source.into() }
    }

    /// Where in which file something is wrong, and what: the parts of the message for those who print them apart.
    pub(crate) fn parts(self) -> (Option<PathBuf>, Option<usize>, String) {
        let file = |place: Place| place.path().map(Path::to_owned);
        match self {
            Self::Record { place, line, message, source } => {
                (file(place), Some(line), format!("{message}{}", because(&source)))
            }
            Self::Malformed { place, message, source } => (file(place), None, format!("{message}{}", because(&source))),
            Self::Io { action, place, source } => (file(place), None, format!("cannot {action} it: {source}")),
            other => (None, None, other.to_string()),
        }
    }
}

/// `text` in quotes for a message, at most 40 characters of it; what would steer a terminal is escaped.
pub(crate) fn shorten(text: &str) -> String {
    let escape = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    let shown: String = text.chars().take(40).map(escape).collect();
    let more = if text.chars().nth(40).is_some() { "..." } else { "" };
    format!("`{shown}{more}`")
}

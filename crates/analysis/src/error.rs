//! The one error type of this crate.

use std::path::{Path, PathBuf};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can keep a model from being measured, drawn or described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub enum Error {
    /// Model or simulation.
    #[error(transparent)]
    Core(#[from] bitspike::Error),
    /// Task, data or scores.
    #[error(transparent)]
    Data(#[from] bitspike_data::Error),
    /// A model that was named, and its files.
    #[error(transparent)]
    Hub(#[from] bitspike_hub::Error),
    /// The folder of a run.
    #[error(transparent)]
    Run(#[from] bitspike_run::Error),
    /// The operating system refused a file or folder.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb: "read", "write", "create folder".
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    /// A JSON file is not what its name says.
    #[error("{}: {message}: {source}", path.display())]
    Json {
        path: PathBuf,
        /// What it should be, and what to do.
        message: String,
        source: serde_json::Error,
    },
    /// A TOML text is not what its name says.
    #[error("{what}: {}", source.to_string().trim_end())]
    Toml {
        /// What it should be, and where it comes from.
        what: String,
        source: Box<toml::de::Error>,
    },
    /// A file or folder holds what cannot be used.
    #[error("{}: {message}", path.display())]
    Unusable {
        path: PathBuf,
        /// Expected and found, and what to do.
        message: String,
    },
    /// A value that a caller or a config gave is outside its range.
    #[error("{what}: expected {expected}, found {found}")]
    Invalid { what: String, expected: String, found: String },
    /// Texts do not suit a task.
    #[error("{0}")]
    Texts(String),
    /// A model does not have the outputs that a task needs.
    #[error("{model} has {outputs} outputs, task {task} has {wanted}")]
    Outputs {
        /// What the model is called.
        model: String,
        outputs: usize,
        task: String,
        wanted: usize,
    },
    /// The processor's energy counters are not there.
    #[error("this machine shows no energy counters (RAPL) in {}", folder.display())]
    NoCounters {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// Threads to measure on could not be started.
    #[error("start the threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A model has no figures to compare with.
    #[error(
        "{model}: no metrics.json beside it, so there is nothing to compare with; `bitspike models add` writes one"
    )]
    NotMeasured { model: String },
    /// A shipped model does not open; its hashes may say why.
    #[error("{model}: {hashes}: {source}")]
    NotOpened {
        model: String,
        /// Which of its files do not have the hashes that were recorded.
        hashes: String,
        /// Why it does not open.
        source: bitspike::Error,
    },
}

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), source }
    }

    /// An [`Error::Unusable`] for `path`.
    pub fn unusable(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Unusable { path: path.as_ref().to_path_buf(), message: message.into() }
    }

    /// An [`Error::Invalid`] for the setting `what`.
    pub fn invalid(what: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Invalid { what: what.into(), expected: expected.into(), found: found.to_string() }
    }

    /// An [`Error::Invalid`] for data without examples, which were wanted `purpose`.
    pub(crate) fn no_examples(purpose: &str) -> Self {
        Self::invalid("data", format!("examples {purpose}"), "no examples")
    }
}

//! The error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "download")]
use crate::fetch::error::FetchError;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with a name, what it means, and how it is fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "a variant is what its message says, a field what its name says")]
pub enum Error {
    /// A file or folder, a model, its tokeniser, an option.
    #[error(transparent)]
    Model(#[from] bitspike::Error),
    /// A task.
    #[error(transparent)]
    Data(#[from] bitspike_data::Error),
    /// The folder of a run.
    #[error(transparent)]
    Run(#[from] bitspike_run::Error),
    /// A fetch.
    #[cfg(feature = "download")]
    #[error(transparent)]
    Fetch(#[from] Box<FetchError>),
    #[error("{variable}{problem}")]
    Variable { variable: &'static str, problem: String },
    #[error("no folder for the cache: HOME is not set; set HF_HUB_CACHE to a folder that can be written")]
    NoCache,
    #[error(
        "`{}` is not the name of a repository: expected OWNER/NAME as in sentence-transformers/all-MiniLM-L6-v2",
        id.escape_debug()
    )]
    Id { id: String },
    #[error("`{}` is not a revision: expected a branch, a tag or a commit, such as main", revision.escape_debug())]
    Revision { revision: String },
    #[error(
        "{}: no such file, and not the name of a model (letters, digits, `-`, `_` and `.`; of one from the hub OWNER/NAME); \
         {known}",
        argument.escape_debug()
    )]
    NoName { argument: String, known: String },
    #[error("{name}: no such file, and no model of that name in {}; {known}", looked.join(", "))]
    NotFound { name: String, looked: Vec<String>, known: String },
    #[error("{name}: the hub's cache has several models of that name, {}; give OWNER/NAME", repositories.join(", "))]
    Ambiguous { name: String, repositories: Vec<String> },
    #[error(
        "{name}: the hub's cache has several of its revisions and not `main`; give one of {}",
        revisions.iter().map(|revision| format!("{name}@{revision}")).collect::<Vec<_>>().join(", ")
    )]
    Revisions { name: String, revisions: Vec<String> },
    #[error(
        "{}: expected a file that `bitspike pack` wrote, found a folder that is neither a packed model, nor a run of \
         `bitspike distil` (model.json), nor a Hugging Face BERT folder (config.json)",
        path.display()
    )]
    NoModel { path: PathBuf },
    #[error("{}: {}", path.display(), bitspike::config::ADAPTER)]
    Adapter { path: PathBuf },
    #[error("{}: a teacher has no spikes; score it with `bitspike eval`, or distil it first (`bitspike distil`)", path.display())]
    NoSpikes { path: PathBuf },
}

#[cfg(feature = "download")]
impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        Self::Fetch(Box::new(error))
    }
}

/// The operating system's refusal of `path`, for `map_err`.
pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| bitspike::Error::io(action, path, source).into()
}

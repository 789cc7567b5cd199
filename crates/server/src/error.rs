//! Why a server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a server does not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model cannot be found or loaded.
    #[error(transparent)]
    Hub(#[from] bitspike_hub::Error),
    /// A model cannot be run as the options say.
    #[error(transparent)]
    Model(#[from] bitspike::Error),
    /// Two models have one name, by which requests could not tell them apart.
    #[error("two models are called `{name}`: put one into a folder of another name")]
    SameName {
        /// The name.
        name: String,
    },
    /// No model was given.
    #[error("expected at least one model, found none")]
    NoModel,
    /// The address cannot be listened on.
    #[error("listen on {address}: {source}; choose another --port, or stop the program that has it")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of keys or a certificate is not what it should be.
    #[error("{}: expected {expected}, found {found}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What it holds, or why it cannot be read.
        found: String,
    },
    /// The system refuses threads or signals.
    #[error("start the server: {0}")]
    System(#[from] std::io::Error),
    /// A setting that cannot be obeyed.
    #[error("{what}: expected {expected}, found {found}")]
    Setting {
        /// Its flag.
        what: &'static str,
        /// What would have been accepted.
        expected: &'static str,
        /// What was given.
        found: String,
    },
}

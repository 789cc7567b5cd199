//! Classifying a stream of texts: records come in in one form ([`input`]), answers go out in another ([`output`]), a chunk at a
//! time ([`stream`]), so that memory does not grow with the number of texts.

pub(crate) mod input;
pub(crate) mod output;
mod progress;
mod queue;
pub(crate) mod record;
pub(crate) mod stream;

use std::path::Path;

/// The form of records or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// A text a line; where the task is on pairs, two texts with a tab between
    Text,
    /// Comma-separated values with a header line (RFC 4180)
    Csv,
    /// Tab-separated values with a header line, without quotes
    Tsv,
    /// JSON Lines: an object a line
    Jsonl,
    /// Parquet
    Parquet,
}

impl Form {
    /// The form that the name of a file tells.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" | "text" => Some(Self::Text),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

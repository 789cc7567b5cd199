//! A split in memory.

use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::examples::{Entry, Example, Examples};
use super::locate;
use super::split::Split;
use super::task::TaskSpec;

/// The examples of one split.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Which part of the data this is.
    pub split: Split,
    /// The files it came from; several where the split is sharded.
    pub files: Vec<PathBuf>,
    /// The examples, in the files' order.
    pub examples: Vec<Example>,
    /// Records left out by a documented tolerance: MNLI pairs without an agreed label, broken lines of QQP.
    pub skipped: usize,
}

impl Dataset {
    /// Whether every example has a label.
    pub fn is_labelled(&self) -> bool {
        self.examples.iter().all(|example| example.target.is_some())
    }
}

/// Reads a split of `task` from a folder, or from the file `path` itself.
///
/// A folder may hold GLUE's official TSV files (`train.tsv`, `dev.tsv`, `dev_matched.tsv`, MRPC's `msr_paraphrase_*.txt`), the
/// Hugging Face hub's Parquet files (`validation-00000-of-00001.parquet`), or a user's own `train`, `dev` (or `validation`)
/// and `test` as `.tsv`, `.csv`, `.jsonl` or `.parquet`. Text is kept as it stands, of any length.
///
/// # Errors
/// If the split is missing or has no examples, a column is missing, or a record is bad: the first one, with its line. Labels
/// may be missing in test splits only.
pub fn load(task: &TaskSpec, path: &Path, split: Split) -> Result<Dataset> {
    task.validate()?;
    let files = locate::require(task, path, split)?;
    let (mut examples, mut skipped) = (Vec::new(), 0);
    for entry in Examples::new(task, files.clone(), split) {
        match entry? {
            Entry::Example(example) => examples.push(example),
            Entry::Skipped => skipped += 1,
        }
    }
    if examples.is_empty() {
        let but = if skipped > 0 { format!(" ({skipped} records were skipped as unusable)") } else { String::new() };
        let file = files.first().map_or(path, PathBuf::as_path);
        return Err(Error::malformed(file, format!("no examples{but}; expected a record a line below the header")));
    }
    Ok(Dataset { split, files, examples, skipped })
}

#[cfg(test)]
mod tests;

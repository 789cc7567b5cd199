//! A run's student as a packed file in memory.

use anyhow::{Context, Result};
use bitspike_core::format::{Header, Packing, pack};
use bitspike_core::tokenizer::Tokenizer;
use bitspike_train::Error;
use bitspike_train::run::{Checkpoint, RunFolder};

/// What packing a run gives.
pub(crate) struct FromRun {
    pub(crate) header: Header,
    /// The packed file.
    pub(crate) file: Vec<u8>,
    pub(crate) tokenizer: Tokenizer,
    /// `tokenizer.json`
    pub(crate) tokenizer_json: String,
}

impl FromRun {
    /// Packs a student of `run`.
    ///
    /// # Errors
    /// If the run has no such student, its files are damaged or do not fit each other, or it has feedback.
    pub(crate) fn pack(run: &RunFolder, checkpoint: Checkpoint, packing: Packing) -> Result<Self> {
        let description = run.description()?;
        let header =
            Header { student: description.student, task: description.task, max_length: description.max_length };
        header.validate().with_context(|| run.path().display().to_string())?;
        let tokenizer = run.tokenizer()?;
        tokenizer.check_vocab(header.student.vocab_size)?;
        let tokenizer_json = tokenizer.to_json()?;
        let mut weights = run.weights_of(checkpoint)?;
        let origin = weights.origin().to_path_buf();
        let file = pack(&header, &tokenizer, packing, |name| match weights.remove(name) {
            Some(array) => Ok(array.values),
            None => Err(Error::checkpoint(&origin, format!("tensor `{name}` is missing"))),
        })
        .with_context(|| format!("pack {}", origin.display()))?;
        Ok(Self { header, file, tokenizer, tokenizer_json })
    }
}

//! A run's student as a packed file in memory.

use bitspike::format::{Header, Packed, Packing, pack};
use bitspike::{Model, Options};

use crate::error::{Error, Result};
use crate::run::{Checkpoint, RunFolder};

/// What packing a run gives.
pub struct FromRun {
    /// What the file says of itself.
    pub header: Header,
    /// The packed file.
    pub file: Vec<u8>,
}

impl FromRun {
    /// Packs a student of `run`.
    ///
    /// # Errors
    /// If the run has no such student, its files are damaged or do not fit each other, or it has feedback.
    pub fn pack(run: &RunFolder, checkpoint: Checkpoint, packing: Packing) -> Result<Self> {
        let description = run.description()?;
        let header = Header {
            student: description.student,
            task: description.task.for_model(),
            max_length: packing.max_length.unwrap_or(description.max_length),
        };
        header.validate().map_err(|e| Error::Unpackable { path: run.path().into(), source: Box::new(e.into()) })?;
        let tokenizer = run.tokenizer()?;
        tokenizer.check_vocab(header.student.vocab_size)?;
        let mut weights = run.weights_of(checkpoint)?;
        let origin = weights.origin().to_path_buf();
        let file = pack(&header, &tokenizer, packing, |name| match weights.remove(name) {
            Some(array) => Ok(array.values),
            None => Err(Error::checkpoint(&origin, format!("tensor `{name}` is missing"))),
        })
        .map_err(|e| Error::Unpackable { path: origin.clone(), source: Box::new(e) })?;
        Ok(Self { header, file })
    }

    /// The model of the file.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn load(self, options: &Options) -> Result<Model> {
        Ok(options.build(Packed::from_bytes(self.file)?, None)?)
    }
}

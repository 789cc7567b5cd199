//! What a student or a teacher learns from.

use std::path::Path;

use bitspike::tokenizer::Tokenizer;
use bitspike_data::{Encoded, Split, TaskSpec, choose, encode, load};

use crate::error::Result;

/// The texts of a training.
#[derive(Debug, Default)]
pub struct Texts {
    /// The task's training examples.
    pub train: Vec<Encoded>,
    /// The task's dev examples.
    pub dev: Vec<Encoded>,
    /// Unlabelled windows for `general` stages.
    pub corpus: Vec<Encoded>,
}

impl Texts {
    /// Reads and tokenises the training and dev examples of `task` from `data`, of each at most `max_length` tokens.
    ///
    /// # Errors
    /// If a split is missing or bad.
    pub fn of_task(task: &TaskSpec, data: &Path, tokenizer: &Tokenizer, max_length: usize) -> Result<Self> {
        let read = |split| -> Result<Vec<Encoded>> { Ok(encode(&load(task, data, split)?, tokenizer, max_length)) };
        Ok(Self { train: read(Split::Train)?, dev: read(Split::Dev)?, corpus: Vec::new() })
    }

    /// These with `limit` training examples that `seed` chooses; all of them where `limit` is 0.
    #[must_use]
    pub fn limited(self, limit: usize, seed: u64) -> Self {
        Self { train: choose(self.train, limit, seed), ..self }
    }
}

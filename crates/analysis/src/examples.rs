//! A split of a task, read and encoded for one model.

use std::collections::BTreeMap;
use std::path::Path;

use bitspike::Encoding;
use bitspike::Model;
use bitspike_data::{Dataset, Encoded, Predictions, Split, TaskSpec, encode};

use crate::error::{Error, Result};

/// The examples that a model is measured on.
#[derive(Debug, Clone)]
pub struct EncodedSplit {
    /// What they are of.
    pub task: TaskSpec,
    /// Their texts.
    pub dataset: Dataset,
    /// Their tokens, in the same order.
    pub examples: Vec<Encoded>,
}

impl EncodedSplit {
    /// The dev set in `data` of the task that `model` was trained for, cut to as many tokens as the model reads.
    ///
    /// # Errors
    /// If it is missing, bad, or has no labels.
    pub fn dev_of(model: &Model, data: &Path) -> Result<Self> {
        let split = Self::read(model, &TaskSpec::of_model(&model.header().task)?, data, Split::Dev)?;
        if !split.dataset.is_labelled() {
            return Err(Error::unusable(data, "the dev set has no labels; nothing can be scored"));
        }
        Ok(split)
    }

    /// A split of `task` in `data`, cut to as many tokens as the model reads.
    ///
    /// # Errors
    /// If it is missing or bad, or the task has other outputs than the model.
    pub fn read(model: &Model, task: &TaskSpec, data: &Path, split: Split) -> Result<Self> {
        let header = model.header();
        if task.num_outputs() != header.student.num_labels {
            return Err(Error::Outputs {
                model: "the model".into(),
                outputs: header.student.num_labels,
                task: task.name.clone(),
                wanted: task.num_outputs(),
            });
        }
        let dataset = bitspike_data::load(task, data, split)?;
        let examples = encode(&dataset, model.tokenizer(), header.max_length);
        Ok(Self { task: task.clone(), dataset, examples })
    }

    /// Keeps the first `limit` examples.
    pub fn truncate(&mut self, limit: usize) {
        self.dataset.examples.truncate(limit);
        self.examples.truncate(limit);
    }

    /// The metrics of answers to the examples; none where an example has no label.
    ///
    /// # Errors
    /// If an answer is not a number.
    pub fn metrics(&self, predictions: &Predictions) -> Result<BTreeMap<String, f64>> {
        let labelled = self.examples.iter().all(|example| example.target.is_some());
        Ok(if labelled { predictions.score(&self.task, &self.examples)? } else { BTreeMap::new() })
    }

    /// Tokens of each example.
    pub fn lengths(&self) -> Vec<usize> {
        self.examples.iter().map(|example| example.ids.len()).collect()
    }

    /// Tokens of all examples.
    pub fn tokens(&self) -> u64 {
        self.examples.iter().map(|example| example.ids.len() as u64).sum()
    }

    /// The examples as the engine takes them.
    pub fn encodings(&self) -> Vec<Encoding> {
        self.examples.iter().map(Encoded::encoding).collect()
    }
}

//! A split of a task, read and encoded for one model.

use std::collections::BTreeMap;
use std::path::Path;

use bitspike::Encoding;
use bitspike::Model;
use bitspike_data::{
    Dataset, DevShare, Encoded, Labels, Predictions, Split, TaskSpec, encode, load_dev, load_for_training,
};
use bitspike_hub::Subject;

use crate::digest::of_examples;
use crate::error::{Error, Result};

/// The examples that a model is measured on.
#[derive(Debug, Clone)]
pub struct EncodedSplit {
    /// What they are of.
    pub task: TaskSpec,
    /// Their texts.
    pub dataset: Dataset,
    /// Their tokens, in the same order; of texts that are read apart two in a row.
    pub examples: Vec<Encoded>,
}

impl EncodedSplit {
    /// The dev set in `data` of the task that `model` was trained for, cut to as many tokens as the model reads.
    ///
    /// # Errors
    /// If it is missing, bad, or has no labels.
    pub fn dev_of(model: &Model, data: &Path) -> Result<Self> {
        Self::dev_share_of(model, data, None)
    }

    /// The same, of data that has no dev split and of which `share` was set aside ([`dev_share`]).
    ///
    /// # Errors
    /// As [`EncodedSplit::dev_of`]; if `share` is given and there is a dev split.
    pub fn dev_share_of(model: &Model, data: &Path, share: Option<DevShare>) -> Result<Self> {
        let split = Self::dev(model, &TaskSpec::of_model(&model.header().task)?, data, share)?;
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
        Self::encoded(model, task, |task| bitspike_data::load(task, data, split))
    }

    /// The dev examples of `task` in `data`, or those that `share` sets aside, cut to as many tokens as the model reads.
    ///
    /// # Errors
    /// As [`EncodedSplit::read`]; if `share` is given and there is a dev split.
    pub fn dev(model: &Model, task: &TaskSpec, data: &Path, share: Option<DevShare>) -> Result<Self> {
        Self::encoded(model, task, |task| load_dev(task, data, share))
    }

    fn encoded(
        model: &Model,
        task: &TaskSpec,
        load: impl FnOnce(&TaskSpec) -> bitspike_data::Result<Dataset>,
    ) -> Result<Self> {
        let header = model.header();
        if task.target.is_embedding() != model.is_embedder() {
            let (does, wants) =
                if model.is_embedder() { ("embeds", "classes or scores") } else { ("does not embed", "vectors") };
            return Err(Error::Texts(format!("the model {does}, and task {} wants {wants}", task.name)));
        }
        if task.num_outputs() != header.student.classes() {
            return Err(Error::Outputs {
                model: "the model".into(),
                outputs: header.student.classes(),
                task: task.name.clone(),
                wanted: task.num_outputs(),
            });
        }
        let dataset = load(task)?;
        let examples = encode(&dataset, model.tokenizer(), header.max_length);
        Ok(Self { task: task.clone(), dataset, examples })
    }

    /// Keeps the first `limit` examples.
    pub fn truncate(&mut self, limit: usize) {
        self.dataset.examples.truncate(limit);
        self.examples.truncate(limit.saturating_mul(self.dataset.sequences()));
    }

    /// The metrics of answers to the examples; none where an example has no label.
    ///
    /// # Errors
    /// If an answer is not a number.
    pub fn metrics(&self, predictions: &Predictions) -> Result<BTreeMap<String, f64>> {
        let labelled = self.dataset.is_labelled();
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

/// The share of `data` that is dev to `subject`: the one that its training set aside, where `data` is the very data that was split. None
/// where it is other data, or the model was trained with a dev split or does not say.
///
/// # Errors
/// If the model's folder is damaged.
pub fn dev_share(subject: &Subject, data: &Path) -> Result<Option<DevShare>> {
    let Some(aside) = subject.set_aside()? else { return Ok(None) };
    let Ok((_, dev)) = load_for_training(&aside.task, data, Labels::Optional, Some(aside.share)) else {
        return Ok(None);
    };
    let examples = of_examples(&encode(&dev, &subject.tokenizer()?, aside.max_length));
    Ok((examples == aside.dev).then_some(aside.share))
}

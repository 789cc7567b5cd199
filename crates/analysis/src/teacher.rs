//! A teacher as far as it is known without running it: its shape, and what it answered.

use std::collections::BTreeMap;

use bitspike::config::BertConfig;
use bitspike::count::DenseShape;
use bitspike_data::Predictions;
use serde::{Deserialize, Serialize};

use crate::energy::Int8Products;
use crate::error::Result;
use crate::examples::EncodedSplit;

/// The teacher on the same examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct TeacherFacts {
    /// Value of each of the task's metrics.
    pub scores: BTreeMap<String, f64>,
    pub layers: usize,
    pub hidden: usize,
    pub intermediate: usize,
    pub heads: usize,
    /// In `f32`.
    pub bytes: u64,
}

/// What a teacher answered, for whoever can run one to compute.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct TeacherAnswers<'a> {
    pub config: &'a BertConfig,
    /// All its values.
    pub parameters: u64,
    /// Its answers to the dev set, in the order of the examples, tokenised by its own tokeniser and cut to as many tokens as the
    /// student reads.
    pub predictions: Predictions,
    /// What it multiplies in INT8 on the same examples, where that was counted.
    pub int8: Option<Int8Products>,
}

impl TeacherAnswers<'_> {
    /// What it multiplies.
    pub fn shape(&self) -> DenseShape {
        shape(self.config)
    }

    /// Scores the answers to `split`.
    ///
    /// # Errors
    /// If an answer is not a number.
    pub fn score(&self, split: &EncodedSplit) -> Result<TeacherFacts> {
        Ok(TeacherFacts {
            scores: split.metrics(&self.predictions)?,
            layers: self.config.num_hidden_layers,
            hidden: self.config.hidden_size,
            intermediate: self.config.intermediate_size,
            heads: self.config.num_attention_heads,
            bytes: 4 * self.parameters,
        })
    }
}

/// What a BERT of this configuration multiplies, with a classifier of two outputs.
pub fn shape(config: &BertConfig) -> DenseShape {
    DenseShape {
        hidden: config.hidden_size,
        intermediate: config.intermediate_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        num_labels: 2,
        distances: config.family().has_distances(),
    }
}

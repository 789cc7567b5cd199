//! What a model said of examples, and how good that is.

use std::collections::BTreeMap;

use bitspike::Target;
use bitspike::vector::cosine;

use crate::encoded::Encoded;
use crate::error::Result;
use crate::metrics::MetricValues;
use crate::task::TaskSpec;

/// Logits of every example, in the examples' order.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// One row an example: a value a class, one score, or a vector.
    pub logits: Vec<Vec<f32>>,
    /// Firing rate of each population over all tokens, by name; empty for a teacher.
    pub rates: BTreeMap<String, f64>,
}

impl Predictions {
    /// The class of each example, or its score; of vectors, the cosine of every two in a row.
    pub fn answers(&self, task: &TaskSpec) -> Vec<f32> {
        let class = |row: &Vec<f32>| {
            let best = row
                .iter()
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |best, (i, &x)| if x > best.1 { (i, x) } else { best });
            best.0 as f32
        };
        match task.target {
            Target::Regression { .. } => self.logits.iter().map(|row| row[0]).collect(),
            Target::Classification { .. } => self.logits.iter().map(class).collect(),
            Target::Embedding { .. } => self.logits.chunks_exact(2).map(|pair| cosine(&pair[0], &pair[1])).collect(),
        }
    }

    /// Why the metric that decides is undefined for these answers, where it is: [`Metric::undefined`](crate::Metric::undefined).
    ///
    /// # Errors
    /// If an example has no label.
    pub fn undefined(&self, task: &TaskSpec, examples: &[Encoded]) -> Result<Option<&'static str>> {
        let targets = targets(task, examples)?;
        Ok(task.primary().undefined(&self.answers(task), &targets))
    }

    /// The task's metrics.
    ///
    /// # Errors
    /// If an example has no label, or an answer is not a number.
    pub fn score(&self, task: &TaskSpec, examples: &[Encoded]) -> Result<MetricValues> {
        let targets = targets(task, examples)?;
        task.score(&self.answers(task), &targets)
    }
}

/// What the answers are compared with: of vectors, the score of every two examples in a row.
fn targets(task: &TaskSpec, examples: &[Encoded]) -> Result<Vec<f32>> {
    examples.iter().step_by(task.sequences()).map(Encoded::label).collect()
}

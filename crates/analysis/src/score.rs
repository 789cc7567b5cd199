//! What a model answers on examples, how good that is, and what it took.

use std::collections::BTreeMap;

use bitspike::Model;
use bitspike_data::Predictions;
use serde::Serialize;

use crate::counts::{Counted, Counts};
use crate::error::{Error, Result};
use crate::examples::EncodedSplit;
use crate::in_time::TimeScore;
use crate::predict::predict;

/// The score of one split, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Score {
    pub model: String,
    pub task: String,
    pub split: &'static str,
    /// How many examples it has.
    pub examples: usize,
    /// Empty where the split has no labels.
    pub metrics: BTreeMap<String, f64>,
    /// Mean firing rate over the populations; none for a teacher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_rate: Option<f64>,
    /// Firing rate of each population; empty for a teacher.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, f64>,
    /// The step of training at which a run's best student was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_step: Option<u64>,
    /// Seconds that reading and answering took.
    pub seconds: f64,
    /// Where operations were to be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// Along simulations, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dynamics: Vec<TimeScore>,
}

impl Score {
    /// The score of answers to `split`, whoever gave them; without seconds, counts and simulations.
    ///
    /// # Errors
    /// If an answer is not a number.
    pub fn of(model: &str, split: &EncodedSplit, predictions: &Predictions) -> Result<Self> {
        let rates = predictions.rates.clone();
        Ok(Self {
            model: model.to_owned(),
            task: split.task.name.clone(),
            split: split.dataset.split.name(),
            examples: split.dataset.examples.len(),
            metrics: split.metrics(predictions)?,
            mean_rate: (!rates.is_empty()).then(|| rates.values().sum::<f64>() / rates.len() as f64),
            rates,
            best_step: None,
            seconds: 0.0,
            counted: None,
            dynamics: Vec::new(),
        })
    }
}

/// Scores `model`, called `name`, on `split`, with its operations counted where `count`.
///
/// # Errors
/// If there are no examples, one does not fit the model, or a current is not finite.
pub fn score(model: &Model, name: &str, split: &EncodedSplit, count: bool) -> Result<(Score, Predictions)> {
    if split.examples.is_empty() {
        return Err(Error::no_examples("to score"));
    }
    let started = std::time::Instant::now();
    let (predictions, counted) = if count {
        let counts = Counts::new(model, &split.examples)?;
        let counted = counts.counted(model.simulation());
        (counts.predictions, Some(counted))
    } else {
        (predict(model, &split.examples)?, None)
    };
    let seconds = started.elapsed().as_secs_f64();
    Ok((Score { seconds, counted, ..Score::of(name, split, &predictions)? }, predictions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{dev_of, model};

    #[test]
    fn counting_changes_no_answer_and_no_rate() {
        let model = model();
        let split = dev_of(&model);
        let (plain, answers) = score(&model, "small", &split, false).unwrap();
        let (counted, same) = score(&model, "small", &split, true).unwrap();
        assert_eq!((answers, plain.metrics, plain.mean_rate), (same, counted.metrics, counted.mean_rate));
        let total = counted.counted.unwrap().total;
        assert!(plain.counted.is_none() && total.spikes > 0);
        assert_eq!((plain.examples, plain.split, plain.rates.len()), (4, "dev", 13));
        let mut none = split;
        none.truncate(0);
        assert!(score(&model, "small", &none, false).unwrap_err().to_string().contains("no examples"));
    }
}

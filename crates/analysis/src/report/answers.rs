//! Answers beside the truth: which classes are confused, which mistakes are worst.

use bitspike_data::Predictions;
use serde::Serialize;

use crate::examples::EncodedSplit;

/// Mistakes that are shown.
const MISTAKES: usize = 12;

/// An example that was answered wrongly.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Mistake {
    pub text: String,
    /// The true class or score.
    pub expected: String,
    pub answer: String,
    /// Probability of the answer, or distance of the score.
    pub size: f64,
}

/// Rows: the true class, columns: the answer. Empty for a score.
pub(super) fn confusion(split: &EncodedSplit, predictions: &Predictions) -> Vec<Vec<u64>> {
    let EncodedSplit { task, examples, .. } = split;
    let classes = task.labels().len();
    let mut table = vec![vec![0; classes]; classes];
    for (answer, example) in predictions.answers(task).into_iter().zip(examples) {
        let cell = example.target.and_then(|target| table.get_mut(target as usize));
        if let Some(count) = cell.and_then(|row| row.get_mut(answer as usize)) {
            *count += 1;
        }
    }
    table
}

/// Those that were answered wrongly with the greatest confidence, or are furthest off.
pub(super) fn mistakes(split: &EncodedSplit, predictions: &Predictions) -> Vec<Mistake> {
    let EncodedSplit { task, dataset, .. } = split;
    let labels = task.labels();
    let label = |index: f32| match labels.get(index as usize) {
        Some(label) => label.clone(),
        None => format!("{index:.2}"),
    };
    let answers = predictions.answers(task);
    let mut all: Vec<Mistake> = Vec::new();
    for ((example, answer), logits) in dataset.examples.iter().zip(answers).zip(&predictions.logits) {
        let Some(target) = example.target else { continue };
        let size = match labels.is_empty() {
            true => f64::from((answer - target).abs()),
            false if answer == target => continue,
            false => {
                let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                1.0 / logits.iter().map(|x| f64::from(x - most).exp()).sum::<f64>()
            }
        };
        let text = match &example.second {
            Some(second) => format!("{} / {second}", example.first),
            None => example.first.clone(),
        };
        all.push(Mistake { text, expected: label(target), answer: label(answer), size });
    }
    all.sort_by(|a, b| b.size.total_cmp(&a.size));
    all.truncate(MISTAKES);
    all
}

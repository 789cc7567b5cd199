//! Answers beside the truth: which classes are confused, which mistakes are worst.

use bitspike_data::{Example, Predictions, ranks};
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
    /// Probability of the answer, distance of the score, or of vectors how far apart the pair's places are in the order of its cosine and
    /// in that of its score, as a part of all places.
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

fn wide(values: impl IntoIterator<Item = f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

/// An example that has a score or a class, and what was answered.
struct Scored<'a> {
    example: &'a Example,
    logits: &'a [f32],
    target: f32,
    answer: f32,
}

/// How far the place of each example in the order of the answers is from that in the order of the scores, as a part of all places.
fn distances(scored: &[Scored<'_>]) -> Vec<f64> {
    let found = ranks(&wide(scored.iter().map(|scored| scored.answer)));
    let expected = ranks(&wide(scored.iter().map(|scored| scored.target)));
    let most = (scored.len().max(2) - 1) as f64;
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs() / most).collect()
}

/// Those that were answered wrongly with the greatest confidence, or are furthest off, or furthest from their place.
pub(super) fn mistakes(split: &EncodedSplit, predictions: &Predictions) -> Vec<Mistake> {
    let EncodedSplit { task, dataset, .. } = split;
    let labels = task.labels();
    let label = |index: f32| match labels.get(index as usize) {
        Some(label) => label.clone(),
        None => format!("{index:.2}"),
    };
    let answered = dataset.examples.iter().zip(&predictions.logits).zip(predictions.answers(task));
    let scored: Vec<Scored<'_>> = answered
        .filter_map(|((example, logits), answer)| Some(Scored { example, logits, target: example.target?, answer }))
        .collect();
    let places = task.target.is_embedding().then(|| distances(&scored));
    let mut all: Vec<Mistake> = Vec::new();
    for (i, &Scored { example, logits, target, answer }) in scored.iter().enumerate() {
        let size = match (&places, labels.is_empty()) {
            (Some(places), _) => places[i],
            (None, true) => f64::from((answer - target).abs()),
            (None, false) if answer == target => continue,
            (None, false) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_share_their_place() {
        // From 1 on, where places are from 0.
        let places = |values: &[f32]| {
            ranks(&wide(values.iter().copied())).into_iter().map(|rank| rank - 1.0).collect::<Vec<_>>()
        };
        assert_eq!(places(&[0.5, 0.1, 0.5, 0.9]), [1.5, 0.0, 1.5, 3.0]);
        assert_eq!(places(&[]), [0.0; 0]);
    }
}

//! What the words of a sentence, or its pairs of neighbouring words, say about its label without their order: a
//! logistic regression on n-grams. It is the yardstick that a model which reads must beat.

use std::collections::BTreeMap;

/// Weight of the penalty `PENALTY / 2 * ||w||^2`.
const PENALTY: f64 = 1e-4;

/// The gradient norm at which the fit ends: the loss is then within `TOLERANCE^2 / (2 PENALTY)`, 5e-7, of its minimum.
const TOLERANCE: f64 = 1e-5;

/// Logistic regression on the n-grams of a sentence, `P(1 | x) = sigmoid(w . x)`.
///
/// `x` has one entry for every n-gram of length 1 to `n` seen in training and a constant one for the bias; an entry
/// is 1 where the sentence holds the n-gram, and all are divided by `sqrt(number of entries)` so that `||x|| = 1`.
/// `w` minimises `mean ln(1 + exp(-y w . x)) + PENALTY / 2 * ||w||^2` with `y = +-1`. The loss is strongly convex:
/// there is one minimum, and the fit, Nesterov's accelerated gradient descent on the whole set, goes on until it is
/// there.
#[derive(Debug, Clone)]
pub struct BagOfWords {
    n: usize,
    index: BTreeMap<String, usize>,
    weights: Vec<f64>,
}

impl BagOfWords {
    /// Fits a regression on n-grams up to length `n` (1: words, 2: words and pairs) to sentences with labels 0 and 1.
    /// Deterministic. Without sentences, every n-gram weighs nothing.
    pub fn train(sentences: &[(String, u8)], n: usize) -> Self {
        Self::fit(sentences, n, PENALTY, TOLERANCE)
    }

    /// The share of `sentences` whose label is the more probable one; label 0 where both are equally probable. NaN
    /// without sentences.
    pub fn accuracy(&self, sentences: &[(String, u8)]) -> f64 {
        let right = sentences.iter().filter(|(text, label)| {
            let features = self.features(text);
            (score(&self.weights, &features) > 0.0) == (*label == 1)
        });
        right.count() as f64 / sentences.len() as f64
    }

    fn fit(sentences: &[(String, u8)], n: usize, penalty: f64, tolerance: f64) -> Self {
        let mut index = BTreeMap::new();
        for gram in sentences.iter().flat_map(|(text, _)| grams(text, n)) {
            // Entry 0 is the bias.
            let next = index.len() + 1;
            index.entry(gram).or_insert(next);
        }
        let weights = vec![0.0; index.len() + 1];
        let mut model = Self { n, index, weights };
        let rows: Vec<Vec<u32>> = sentences.iter().map(|(text, _)| model.features(text)).collect();
        let targets: Vec<f64> = sentences.iter().map(|(_, label)| if *label == 1 { 1.0 } else { -1.0 }).collect();
        model.weights = minimise(&rows, &targets, model.weights.len(), penalty, tolerance);
        model
    }

    /// The entries of a sentence that are not zero: those of its known n-grams, each once, and the bias.
    fn features(&self, text: &str) -> Vec<u32> {
        let mut features: Vec<u32> =
            grams(text, self.n).iter().filter_map(|gram| self.index.get(gram)).map(|&i| i as u32).chain([0]).collect();
        features.sort_unstable();
        features.dedup();
        features
    }
}

/// The words and marks of a sentence, each mark on its own.
pub(super) fn words(text: &str) -> Vec<&str> {
    let is_mark = |c: char| c.is_ascii_punctuation();
    text.split_whitespace()
        .flat_map(|chunk| chunk.split_inclusive(is_mark))
        .flat_map(|piece| match piece.strip_suffix(is_mark) {
            Some(word) => [word, &piece[word.len()..]],
            None => [piece, ""],
        })
        .filter(|word| !word.is_empty())
        .collect()
}

fn grams(text: &str, n: usize) -> Vec<String> {
    let words = words(text);
    (1..=n).flat_map(|length| words.windows(length).map(|gram| gram.join(" "))).collect()
}

/// `w . x` for the unit vector `x` with entries at `row`.
fn score(weights: &[f64], row: &[u32]) -> f64 {
    row.iter().map(|&i| weights[i as usize]).sum::<f64>() / (row.len() as f64).sqrt()
}

/// Writes the gradient of the loss at `weights` to `gradient` and returns its norm.
fn gradient(rows: &[Vec<u32>], targets: &[f64], penalty: f64, weights: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.iter_mut().zip(weights).for_each(|(g, w)| *g = penalty * w);
    for (row, target) in rows.iter().zip(targets) {
        let slope = -target / (1.0 + (target * score(weights, row)).exp());
        let share = slope / (rows.len() as f64 * (row.len() as f64).sqrt());
        row.iter().for_each(|&i| gradient[i as usize] += share);
    }
    gradient.iter().map(|g| g * g).sum::<f64>().sqrt()
}

/// The minimum of the loss, to a gradient norm of `tolerance`.
///
/// Rows are unit vectors, so that the loss has curvature between `penalty` and `1/4 + penalty`. With the step `1 /
/// (1/4 + penalty)` and the momentum `(sqrt(k) - 1) / (sqrt(k) + 1)`, `k = (1/4 + penalty) / penalty`, the distance
/// of the loss to its minimum shrinks by `1 - 1 / sqrt(k)` a step (Nesterov, "Introductory Lectures on Convex
/// Optimization", section 2.2). The number of steps, `40 sqrt(k)`, is bounded by that rate, whatever rounding does.
fn minimise(rows: &[Vec<u32>], targets: &[f64], width: usize, penalty: f64, tolerance: f64) -> Vec<f64> {
    let curvature = 0.25 + penalty;
    let root = (curvature / penalty).sqrt();
    let momentum = (root - 1.0) / (root + 1.0);
    let (mut weights, mut ahead, mut slope) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
    for _ in 0..(40.0 * root) as usize {
        if gradient(rows, targets, penalty, &ahead, &mut slope) <= tolerance {
            return ahead;
        }
        for ((w, a), g) in weights.iter_mut().zip(&mut ahead).zip(&slope) {
            let next = *a - g / curvature;
            *a = next + momentum * (next - *w);
            *w = next;
        }
    }
    weights
}

#[cfg(test)]
mod tests;

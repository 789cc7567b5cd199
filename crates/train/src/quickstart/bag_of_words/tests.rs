use super::*;
use crate::quickstart::corpus::{Corpus, CorpusConfig};

fn labelled(sentences: &[(&str, u8)]) -> Vec<(String, u8)> {
    sentences.iter().map(|(text, label)| ((*text).to_owned(), *label)).collect()
}

#[test]
fn marks_are_words() {
    assert_eq!(words("a soup, but (no) bread.."), ["a", "soup", ",", "but", "(", "no", ")", "bread", ".", "."]);
    assert_eq!(words("  \t"), [""; 0]);
}

#[test]
fn pairs_solve_what_words_cannot() {
    let both_orders = labelled(&[("a b", 1), ("b a", 0)]);
    assert_eq!(BagOfWords::train(&both_orders, 1).accuracy(&both_orders), 0.5);
    assert_eq!(BagOfWords::train(&both_orders, 2).accuracy(&both_orders), 1.0);
}

#[test]
fn unknown_words_and_empty_sets_are_harmless() {
    let model = BagOfWords::train(&labelled(&[("good", 1), ("bad", 0), ("good", 1)]), 2);
    assert_eq!(model.accuracy(&labelled(&[("good unknown", 1), ("bad unknown", 0), ("unknown", 1), ("", 1)])), 1.0);
    assert!(model.accuracy(&[]).is_nan());
    assert_eq!(BagOfWords::train(&[], 2).accuracy(&labelled(&[("a", 0), ("b", 1)])), 0.5);
}

/// The loss as the type states it, written apart from its gradient.
fn loss(weights: &[f64], rows: &[Vec<u32>], sentences: &[(String, u8)], penalty: f64) -> f64 {
    let mean = rows.iter().zip(sentences).map(|(row, (_, label))| {
        let sign = if *label == 1 { 1.0 } else { -1.0 };
        (-sign * score(weights, row)).exp().ln_1p()
    });
    mean.sum::<f64>() / rows.len() as f64 + penalty / 2.0 * weights.iter().map(|w| w * w).sum::<f64>()
}

#[test]
fn the_fit_is_at_the_minimum_and_neither_steps_nor_another_penalty_help() {
    let corpus = Corpus::generate(&CorpusConfig { seed: 2, train: 2000, dev: 1000, plain: false }).unwrap();
    for (n, at_most) in [(1, 0.60), (2, 0.70)] {
        let model = BagOfWords::train(&corpus.train, n);
        let rows: Vec<Vec<u32>> = corpus.train.iter().map(|(text, _)| model.features(text)).collect();
        let loss = |weights: &[f64]| loss(weights, &rows, &corpus.train, PENALTY);
        let least = loss(&model.weights);
        // A hundred times closer.
        let longer = BagOfWords::fit(&corpus.train, n, PENALTY, TOLERANCE / 100.0);
        assert!((least - loss(&longer.weights)).abs() < 1e-6, "{n}-grams");
        assert!((model.accuracy(&corpus.dev) - longer.accuracy(&corpus.dev)).abs() <= 0.004, "{n}-grams");
        for (i, step) in (0..model.weights.len()).step_by(101).flat_map(|i| [(i, -0.2), (i, 0.2)]) {
            let mut moved = model.weights.clone();
            moved[i] += step;
            assert!(loss(&moved) > least, "{n}-grams, weight {i} moved by {step}");
        }
        for penalty in [1e-2, 1e-3] {
            let accuracy = BagOfWords::fit(&corpus.train, n, penalty, TOLERANCE).accuracy(&corpus.dev);
            assert!(accuracy <= at_most, "{n}-grams, penalty {penalty}: {accuracy}");
        }
    }
}

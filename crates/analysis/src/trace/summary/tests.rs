use super::*;
use crate::trace::fixture;

#[test]
fn the_summary_is_the_end_of_the_trace() {
    let traced = fixture::traced(64, 5, "a fine film");
    assert_eq!(traced.summary.populations.len(), traced.trace.populations.len());
    for (population, rates) in traced.summary.populations.iter().zip(&traced.rates) {
        assert_eq!(rates.len(), 64);
        assert_eq!(population.rms_distance, rates[63].rms_distance);
        // Constant currents: half a spike of the charge, so at most 1/(2T) from I/theta, and 1/(2T) from its rounding.
        assert!(population.max_distance <= 1.0 / 64.0 + 1e-6, "{}: {}", population.name, population.max_distance);
    }
    let text = traced.summary.to_string();
    assert_eq!(text.lines().count(), 2 + traced.trace.populations.len() + 1, "{text}");
    let last = text.lines().last().unwrap();
    assert_eq!(last, "accumulated: positive (-0.500, 1.250)   phased: positive (-0.250, 1.000); the same answer");
}

#[test]
fn readings_are_a_label_with_logits_or_a_score() {
    let class = Reading { label: Some("b".into()), logits: vec![0.5, 2.0] };
    let score = Reading { label: None, logits: vec![3.25] };
    assert_eq!((class.to_string(), score.to_string()), ("b (0.500, 2.000)".to_owned(), "3.250".to_owned()));
}

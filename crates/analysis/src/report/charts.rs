//! Charts of what was measured.

use bitspike_data::{Encoded, Predictions};

use crate::chart::{Bars, Chart, Lines, Series};
use crate::cost::{Cost, NetworkCost};

/// Energy of each network, and of each of the student's terms.
pub(super) fn energies(cost: &Cost) -> Vec<Chart> {
    let micro = |picojoules: f64| picojoules * 1e-6;
    let row = |row: &NetworkCost| {
        let estimate = &row.estimate;
        let memory = estimate.total_picojoules - estimate.compute_picojoules;
        (estimate.name.clone(), vec![micro(estimate.compute_picojoules), micro(memory)])
    };
    let rows = Bars {
        title: format!("Energy of a mean sentence, profile {}", cost.profile.name),
        unit: "microjoules".into(),
        parts: vec!["operations".into(), "memory".into()],
        rows: cost.energy.iter().map(row).collect(),
    };
    let Some(student) = cost.energy.first() else { return rows.draw().into_iter().collect() };
    let mut terms: Vec<_> = student.estimate.compute.iter().chain(&student.estimate.memory).collect();
    terms.sort_by(|a, b| b.picojoules.total_cmp(&a.picojoules));
    let terms = Bars {
        title: "Where the student's energy goes".into(),
        unit: "microjoules".into(),
        parts: vec!["energy".into()],
        rows: terms.iter().take(12).map(|term| (term.name.clone(), vec![micro(term.picojoules)])).collect(),
    };
    rows.draw().into_iter().chain(terms.draw()).collect()
}

/// How far scores are off: a histogram.
pub(super) fn residuals(predictions: &Predictions, examples: &[Encoded]) -> Option<Chart> {
    let answers = predictions.logits.iter().filter_map(|row| row.first());
    let found: Vec<f64> = answers
        .zip(examples)
        .filter_map(|(&answer, example)| Some(f64::from(answer - example.target?)))
        .filter(|x| x.is_finite())
        .collect();
    let reach = found.iter().map(|x| x.abs()).fold(1e-6, f64::max);
    let mut bins = [0u32; 31];
    for x in &found {
        bins[(((x / reach + 1.0) / 2.0 * 31.0) as usize).min(30)] += 1;
    }
    let point = |(i, &n): (usize, &u32)| (((i as f64 + 0.5) / 31.0 * 2.0 - 1.0) * reach, f64::from(n));
    Lines {
        title: "How far scores are off".into(),
        x: "answer less true score".into(),
        y: "examples".into(),
        series: vec![Series { name: "examples".into(), points: bins.iter().enumerate().map(point).collect() }],
        log_x: false,
    }
    .draw()
}

//! The metrics of GLUE: accuracy, F1, Matthews correlation, Pearson and Spearman correlation.
//!
//! Predictions and targets are `f32` as the rest of the crate carries them: a class index for classification, a score for
//! regression. All arithmetic is in `f64`, or in integers where counts allow it, so that a metric does not depend on the
//! order of the examples by more than a rounding of the last digit.
//!
//! Where a definition divides by zero this module returns 0, which is what scikit-learn does for F1 and Matthews. SciPy
//! leaves the correlation of a constant undefined (NaN); 0 is returned instead, because "no linear relation found" orders
//! correctly among checkpoints and NaN does not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::error::{Error, Result};

/// Values of a task's metrics by [`Metric::name`], in alphabetical order.
pub type MetricValues = BTreeMap<String, f64>;

/// One measure of agreement between predictions and targets.
///
/// ```
/// use bitspike_data::Metric;
///
/// // One of two positives found, one false alarm: precision 1/2, recall 1/2.
/// let (predictions, targets) = ([1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]);
/// assert_eq!(Metric::F1.compute(&predictions, &targets)?, 0.5);
/// assert_eq!(Metric::Matthews.compute(&predictions, &targets)?, 0.0);
/// # Ok::<(), bitspike_data::Error>(())
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = Error, parse_err_fn = unknown)]
pub enum Metric {
    /// Share of examples whose predicted class is the target class, in [0, 1].
    Accuracy,
    /// `2 TP / (2 TP + FP + FN)` of class 1, in [0, 1]; 0 where class 1 occurs in neither predictions nor targets.
    /// Defined for two classes only.
    F1,
    /// Matthews correlation in [-1, 1], `(TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN))` for two classes and
    /// Gorodkin's R_K for more; 0 where predictions or targets are all of one class.
    Matthews,
    /// Pearson correlation `sum (x-mx)(y-my) / sqrt(sum (x-mx)^2 sum (y-my)^2)` in [-1, 1]; 0 where predictions or targets
    /// are constant.
    Pearson,
    /// Pearson correlation of the ranks, tied values sharing the mean of their ranks; 0 where either side is constant.
    Spearman,
}

impl Metric {
    /// Every metric.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in files and logs: `accuracy`, `f1`, `matthews`, `pearson`, `spearman`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the metric compares scores rather than classes.
    pub fn is_regression(self) -> bool {
        matches!(self, Self::Pearson | Self::Spearman)
    }

    /// The metric of `predictions` against `targets`, paired by position.
    ///
    /// # Errors
    /// If there are no examples, the lengths differ, a value is NaN or infinite, a classification metric meets a value that
    /// is no class index, or F1 meets a class above 1.
    pub fn compute(self, predictions: &[f32], targets: &[f32]) -> Result<f64> {
        if predictions.is_empty() || predictions.len() != targets.len() {
            let expected = format!("one prediction for each of {} targets, at least one", targets.len());
            return Err(Error::invalid(self.what(), expected, format!("{} predictions", predictions.len())));
        }
        for (side, values) in [("prediction", predictions), ("target", targets)] {
            if let Some(i) = values.iter().position(|x| !x.is_finite()) {
                return Err(Error::invalid(
                    self.what(),
                    format!("finite {side}s"),
                    format!("{} at index {i}", values[i]),
                ));
            }
        }
        if self.is_regression() {
            let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (x, y) = (wide(predictions), wide(targets));
            return Ok(if self == Self::Pearson { pearson(&x, &y) } else { pearson(&ranks(&x), &ranks(&y)) });
        }
        let (predictions, targets) = (self.classes("prediction", predictions)?, self.classes("target", targets)?);
        Ok(match self {
            Self::F1 => f1(&predictions, &targets),
            Self::Matthews => matthews(&predictions, &targets),
            _ => agreements(&predictions, &targets) as f64 / targets.len() as f64,
        })
    }

    /// Why the metric is undefined for these values, where it is; [`Metric::compute`] then gives 0.
    pub fn undefined(self, predictions: &[f32], targets: &[f32]) -> Option<&'static str> {
        let constant = |values: &[f32]| values.iter().all(|value| *value == values[0]);
        match self {
            Self::Accuracy => None,
            Self::F1 => {
                let absent = |values: &[f32]| values.iter().all(|value| *value != 1.0);
                (absent(predictions) && absent(targets)).then_some("the second class is neither answered nor a label")
            }
            Self::Matthews | Self::Pearson | Self::Spearman if constant(targets) => Some("all labels are equal"),
            Self::Matthews | Self::Pearson | Self::Spearman => constant(predictions).then_some("all answers are equal"),
        }
    }

    fn what(self) -> String {
        format!("metric {self}")
    }

    fn classes(self, side: &str, values: &[f32]) -> Result<Vec<u32>> {
        // Above 2^24 not every integer is an f32, so a class index there could not be told from its neighbour.
        let highest = if self == Self::F1 { 1.0 } else { 16_777_216.0 };
        let class = |(i, &x): (usize, &f32)| {
            if x < 0.0 || x > highest || x.fract() != 0.0 {
                let expected = format!("{side}s that are class indices from 0 to {highest}");
                return Err(Error::invalid(self.what(), expected, format!("{x} at index {i}")));
            }
            Ok(x as u32)
        };
        values.iter().enumerate().map(class).collect()
    }
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    Error::invalid("metric", format!("one of {}", names.join(", ")), name)
}

fn agreements(predictions: &[u32], targets: &[u32]) -> usize {
    predictions.iter().zip(targets).filter(|(p, t)| p == t).count()
}

fn f1(predictions: &[u32], targets: &[u32]) -> f64 {
    let count = |wanted: (u32, u32)| predictions.iter().zip(targets).filter(|&(&p, &t)| (p, t) == wanted).count();
    let (hits, errors) = (2 * count((1, 1)), count((1, 0)) + count((0, 1)));
    if hits + errors == 0 { 0.0 } else { hits as f64 / (hits + errors) as f64 }
}

/// `R_K = (c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2)(s^2 - sum t_k^2))` with `s` examples, `c` agreements, and `p_k`, `t_k`
/// examples predicted as, and of, class `k` (Gorodkin 2004); the binary Matthews coefficient for two classes.
fn matthews(predictions: &[u32], targets: &[u32]) -> f64 {
    let mut counts: BTreeMap<u32, (i128, i128)> = BTreeMap::new();
    predictions.iter().for_each(|&p| counts.entry(p).or_default().0 += 1);
    targets.iter().for_each(|&t| counts.entry(t).or_default().1 += 1);
    let (s, c) = (targets.len() as i128, agreements(predictions, targets) as i128);
    let sum = |f: fn(i128, i128) -> i128| counts.values().map(|&(p, t)| f(p, t)).sum::<i128>();
    let spread = (s * s - sum(|p, _| p * p)) as f64 * (s * s - sum(|_, t| t * t)) as f64;
    if spread == 0.0 { 0.0 } else { ((c * s - sum(|p, t| p * t)) as f64 / spread.sqrt()).clamp(-1.0, 1.0) }
}

fn pearson(x: &[f64], y: &[f64]) -> f64 {
    // Compared by value: rounding in the mean could give a constant side a tiny deviation, and a meaningless quotient.
    if [x, y].iter().any(|side| side.iter().all(|v| v == &side[0])) {
        return 0.0;
    }
    let mean = |side: &[f64]| side.iter().sum::<f64>() / side.len() as f64;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (dx, dy) = (x - mean_x, y - mean_y);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0)
}

/// 1-based ranks; equal values share the mean of the ranks they take up.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    // `==` rather than the total order, which tells -0 from 0.
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&i| ranks[i] = rank);
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests;

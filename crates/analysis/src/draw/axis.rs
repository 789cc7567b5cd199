//! Axes: from values to places between 0 and 1, and the numbers beside them.

use std::ops::Range;

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    /// Logarithmic, labelled at powers of this base.
    Log(f64),
}

/// One axis of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it is, with its unit.
    pub name: String,
    range: Range<f64>,
    scale: Scale,
    /// Most numbers beside it.
    labels: usize,
}

impl Axis {
    /// A linear axis with at most `labels` numbers.
    pub fn linear(name: impl Into<String>, range: Range<f64>, labels: usize) -> Self {
        Self { name: name.into(), range, scale: Scale::Linear, labels: labels.max(2) }
    }

    /// A logarithmic axis with numbers at powers of `base`, where there are two; `range` is positive.
    pub fn log(name: impl Into<String>, range: Range<f64>, base: f64, labels: usize) -> Self {
        Self { name: name.into(), range, scale: Scale::Log(base), labels: labels.max(2) }
    }

    /// Where `x` is: 0 at the beginning, 1 at the end.
    pub fn place(&self, x: f64) -> f64 {
        let Range { start, end } = self.range;
        match self.scale {
            Scale::Linear => (x - start) / (end - start),
            Scale::Log(_) => (x / start).ln() / (end / start).ln(),
        }
    }

    /// The numbers beside it.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let Range { start, end } = self.range;
        if let Scale::Log(base) = self.scale {
            let (first, last) = (start.log(base) - 1e-9, end.log(base) + 1e-9);
            let powers: Vec<f64> = (first.ceil() as i32..=last.floor() as i32).map(|p| base.powi(p)).collect();
            if powers.len() >= 2 {
                let every = powers.len().div_ceil(self.labels);
                return powers.into_iter().step_by(every).map(|x| (x, tick(x))).collect();
            }
        }
        let step = step((end - start) / self.labels as f64);
        // Decimals that tell neighbours apart, where four do not.
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let label = |x: f64| if step < 1e-3 { format!("{x:.decimals$}") } else { tick(x) };
        let inside = (start / step - 1e-9).ceil() as i64..=(end / step + 1e-9).floor() as i64;
        inside.map(|i| i as f64 * step).map(|x| (x, label(x))).collect()
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|times| times * power).find(|&step| step >= least * 0.999).unwrap_or(10.0 * power)
}

/// A number for an axis: short, without an exponent where none is needed.
pub fn tick(x: f64) -> String {
    let round = |x: f64| (x * 1e4).round() / 1e4;
    match x.abs() {
        0.0 => "0".into(),
        size if size >= 1e6 => format!("{}M", round(x / 1e6)),
        size if size >= 1e5 => format!("{}k", round(x / 1e3)),
        size if size < 1e-3 => format!("{x:.0e}"),
        _ => round(x).to_string(),
    }
}

#[cfg(test)]
mod tests;

//! What is read of the last layer: a classifier at `[CLS]`, or one vector of all tokens.

use super::Affine;
use crate::arithmetic::Scaled;
use crate::config::Pooling;

/// What becomes of the counts of the last layer.
#[derive(Debug, Clone)]
pub(crate) enum Readout {
    /// `[num_labels, D]` at `[CLS]`, full precision.
    Classifier(Affine),
    /// The values themselves, of one row.
    Vector(Pooling),
}

/// Rows of a text's tokens on their way to one row: the first, their mean, or the largest values.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pooling: Pooling,
    tokens: usize,
    /// Sums, or the largest so far. Sums of counts are exact, whatever the order.
    sums: Vec<f64>,
    row: Vec<f32>,
}

impl Readout {
    /// How the rows of tokens become the one that is read.
    pub(crate) fn pool(&self, width: usize) -> Pool {
        Pool { pooling: self.pooling(), tokens: 0, sums: vec![0.0; width], row: vec![0.0; width] }
    }

    /// Whether the first token alone is read.
    pub(crate) fn reads_first(&self) -> bool {
        self.pooling() == Pooling::Cls
    }

    fn pooling(&self) -> Pooling {
        match self {
            Self::Classifier(_) => Pooling::Cls,
            Self::Vector(pooling) => *pooling,
        }
    }

    /// Appends what is read of the row to `out`.
    pub(crate) fn apply(&self, row: Scaled<'_>, out: &mut Vec<f32>) {
        match self {
            Self::Classifier(classifier) => classifier.apply(row, out),
            Self::Vector(_) => out.extend(row.values.iter().map(|value| value * row.scale)),
        }
    }
}

impl Pool {
    /// The row of a text whose tokens have these.
    pub(crate) fn of<'a>(&'a mut self, rows: &'a [f32]) -> &'a [f32] {
        if self.pooling == Pooling::Cls {
            return &rows[..self.row.len()];
        }
        self.add(rows);
        self.finish()
    }

    /// Takes in the rows of more tokens.
    pub(crate) fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.sums.len()) {
            let first = self.tokens == 0;
            self.tokens += 1;
            for (sum, value) in self.sums.iter_mut().zip(row) {
                let value = f64::from(*value);
                *sum = match self.pooling {
                    Pooling::Mean => *sum + value,
                    _ if first => value,
                    Pooling::Cls => *sum,
                    Pooling::Max => sum.max(value),
                };
            }
        }
    }

    /// The row of the tokens so far; the next token begins a text.
    pub(crate) fn finish(&mut self) -> &[f32] {
        let count = if self.pooling == Pooling::Mean { self.tokens.max(1) as f64 } else { 1.0 };
        for (value, sum) in self.row.iter_mut().zip(&mut self.sums) {
            *value = (std::mem::take(sum) / count) as f32;
        }
        self.tokens = 0;
        &self.row
    }
}

//! Layer normalisation, and the classifier's affine map.

use crate::arithmetic::{Scaled, lane_sum2, normalise_row, vectorised};

/// A layer normalisation, `LN(x) = gain (x - mean) / sqrt(variance + epsilon) + bias`.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) gain: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) epsilon: f32,
}

impl Norm {
    /// Values of a row.
    pub(crate) fn width(&self) -> usize {
        self.gain.len()
    }

    /// `x <- LN(x + residual)`, row by row.
    pub(crate) fn rows(&self, x: &mut [f32], residual: Scaled<'_>) {
        vectorised!(|| {
            for (x, values) in x.chunks_exact_mut(self.width()).zip(residual.values.chunks_exact(self.width())) {
                self.row(x, Scaled { values, ..residual });
            }
        });
    }

    /// `x <- LN(x + residual)` of one row.
    #[inline(always)]
    pub(crate) fn row(&self, x: &mut [f32], residual: Scaled<'_>) {
        for (x, &r) in x.iter_mut().zip(residual.values) {
            *x += residual.scale * r;
        }
        self.alone(x);
    }

    /// `x <- LN(x)` of one row.
    #[inline(always)]
    pub(crate) fn alone(&self, x: &mut [f32]) {
        normalise_row(x, self.epsilon);
        for ((x, &gain), &bias) in x.iter_mut().zip(&self.gain).zip(&self.bias) {
            *x = *x * gain + bias;
        }
    }
}

/// `y = W x + b` on plain values.
#[derive(Debug, Clone)]
pub(crate) struct Affine {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Affine {
    /// Puts the rows into another order: row `i` is the present row `order[i]`.
    pub(crate) fn reorder(&mut self, order: &[usize]) {
        let width = self.weight.len() / self.bias.len().max(1);
        self.weight = order.iter().flat_map(|&row| self.weight[row * width..][..width].iter().copied()).collect();
        self.bias = order.iter().map(|&row| self.bias[row]).collect();
    }

    /// Appends `W x + b` of one row to `out`.
    pub(crate) fn apply(&self, x: Scaled<'_>, out: &mut Vec<f32>) {
        let Scaled { values, scale } = x;
        vectorised!(|| {
            for (row, &bias) in self.weight.chunks_exact(values.len()).zip(&self.bias) {
                out.push(lane_sum2(row, values, |w, x| w * (scale * x)) as f32 + bias);
            }
        });
    }
}

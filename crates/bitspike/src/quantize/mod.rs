//! Low-bit weights: the reference quantisers of matrices and embedding tables, and what they cost in bytes.
//!
//! With latent full-precision weights `W` and one scale per matrix or per row:
//!
//! | bits | codes | reconstruction `W^` | scale |
//! |---|---|---|---|
//! | 1 | -1, 1 | `beta_w * sign(W - mean(W))`, `sign(0) = +1` | `beta_w = mean\|W - mean(W)\|` |
//! | 1.58 | -1, 0, 1 | `gamma * clip(round(W / gamma), -1, 1)` | `gamma = mean\|W\|` |
//! | 8, 4 (embeddings) | `-m ..= m`, `m = 127, 7` | `s * clip(round(W / s), -m, m)` | `s = max\|W\| / m` |
//!
//! The binary rule does not add the mean back: the layer's bias or norm absorbs a common offset. `round` is half away from
//! zero. Means are summed in `f64` and rounded to `f32` once (the centre of the binary rule before it is subtracted, the scale
//! at the end); everything after that is single `f32` operations. The trainer's fused twins do the same, so that codes and
//! scales agree.

mod binary;
mod bits;
mod embedding;
mod ternary;

pub use binary::binary;
pub use bits::{EmbeddingBits, Granularity, WeightBits};
pub use embedding::symmetric;
pub use ternary::ternary;

use crate::error::{Error, Result};

/// A matrix as integer codes and scales: `W^[r, c] = codes[r, c] * scale(r)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantized {
    /// `[rows, cols]`, row-major.
    pub codes: Vec<i8>,
    /// One for the matrix, or one for each row; finite, 0 or above (0 only where every `W^` of its reach is 0).
    pub scales: Vec<f32>,
    /// Number of rows (outputs of a layer, entries of a table).
    pub rows: usize,
    /// Number of columns (inputs of a layer, width of a table).
    pub cols: usize,
}

impl Quantized {
    /// The scale of row `row`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn scale(&self, row: usize) -> f32 {
        if let [one] = self.scales[..] { one } else { self.scales[row] }
    }

    /// The reconstruction `W^`, `[rows, cols]`, row-major.
    pub fn dequantize(&self) -> Vec<f32> {
        let row = |(row, codes): (usize, &[i8])| {
            let scale = self.scale(row);
            codes.iter().map(move |&code| f32::from(code) * scale).collect::<Vec<_>>()
        };
        self.codes.chunks_exact(self.cols).enumerate().flat_map(row).collect()
    }
}

impl WeightBits {
    /// Quantises `weights` `[rows, cols]`, row-major; `None` for [`WeightBits::Full`], which has no codes.
    ///
    /// ```
    /// # use bitspike::quantize::{Granularity, WeightBits};
    /// let w = [0.9, -0.1, -0.6, 0.4];
    /// let q = WeightBits::Ternary.quantize(&w, [2, 2], Granularity::Matrix)?.expect("codes");
    /// assert_eq!((q.codes.as_slice(), q.scales.as_slice()), (&[1, 0, -1, 1][..], &[0.5][..]));
    /// assert_eq!(q.dequantize(), [0.5, 0.0, -0.5, 0.5]);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if a size is 0, the sizes do not fit the slice, or a weight is not finite.
    pub fn quantize(self, weights: &[f32], shape: [usize; 2], granularity: Granularity) -> Result<Option<Quantized>> {
        match self {
            Self::Full => check(weights, shape).map(|()| None),
            Self::Ternary => ternary(weights, shape, granularity).map(Some),
            Self::Binary => binary(weights, shape, granularity).map(Some),
        }
    }
}

impl EmbeddingBits {
    /// Quantises the table `weights` `[rows, cols]`, row-major, under one scale a row; `None` for [`EmbeddingBits::Full`]. A
    /// row of zeros stays zero.
    ///
    /// # Errors
    /// As [`WeightBits::quantize`].
    pub fn quantize(self, weights: &[f32], shape: [usize; 2]) -> Result<Option<Quantized>> {
        match self {
            Self::Full => check(weights, shape).map(|()| None),
            Self::Eight => symmetric(weights, shape, 127).map(Some),
            Self::Four => symmetric(weights, shape, 7).map(Some),
            Self::Ternary => ternary(weights, shape, Granularity::Row).map(Some),
            Self::Binary => binary(weights, shape, Granularity::Row).map(Some),
        }
    }
}

/// Refuses shapes and values that no quantiser has an answer for.
fn check(weights: &[f32], [rows, cols]: [usize; 2]) -> Result<()> {
    if rows == 0 || cols == 0 || rows.checked_mul(cols) != Some(weights.len()) {
        let expected = format!("{} values in rows and columns of at least 1", weights.len());
        return Err(Error::invalid("weight matrix", expected, format!("{rows} x {cols}")));
    }
    if let Some(at) = weights.iter().position(|w| !w.is_finite()) {
        let found = format!("{} in row {}, column {}", weights[at], at / cols, at % cols);
        return Err(Error::invalid("weight matrix", "finite weights", found));
    }
    Ok(())
}

/// Quantises group by group, a group being the matrix or a row: `rule` fills the codes and returns the scale (no rule's scale
/// exceeds the largest magnitude of its weights, so that it is finite).
fn by_group(
    weights: &[f32],
    [rows, cols]: [usize; 2],
    granularity: Granularity,
    rule: impl Fn(&[f32], &mut [i8]) -> f32,
) -> Result<Quantized> {
    check(weights, [rows, cols])?;
    let size = match granularity {
        Granularity::Matrix => weights.len(),
        Granularity::Row => cols,
    };
    let mut codes = vec![0; weights.len()];
    let groups = weights.chunks_exact(size).zip(codes.chunks_exact_mut(size));
    let scales: Vec<f32> = groups.map(|(weights, codes)| rule(weights, codes)).collect();
    Ok(Quantized { codes, scales, rows, cols })
}

/// Mean of `f(w)`, summed in `f64`.
fn mean(weights: &[f32], f: impl Fn(f64) -> f64) -> f32 {
    (weights.iter().map(|&w| f(f64::from(w))).sum::<f64>() / weights.len() as f64) as f32
}

#[cfg(test)]
mod tests;

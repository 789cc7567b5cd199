//! Softmax of rows of scores.

use pulp::{Simd, WithSimd};

use super::functions::exp;
use super::lanes::{LANES, arch, join, lanes};

/// Softmax of the first `length` values in place; the padding, which fills whole groups of [`LANES`], becomes 0.
pub fn softmax(scores: &mut [f32], length: usize) {
    struct One<'a>(&'a mut [f32], usize);
    impl WithSimd for One<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            softmax_rows::<S, 1>(simd, self.0, self.1);
        }
    }
    arch().dispatch(One(scores, length));
}

/// [`softmax`] of each of `ROWS` rows. They go through its stages together, so that none waits for its own maximum or sum.
#[inline(always)]
pub(super) fn softmax_rows<S: Simd, const ROWS: usize>(simd: S, scores: &mut [f32], length: usize) {
    let padded = scores.len() / ROWS;
    let mut high = [[0.0; LANES]; ROWS];
    for (row, high) in scores.chunks_exact_mut(padded).zip(&mut high) {
        row[length..].fill(f32::NEG_INFINITY);
        *high = lanes(simd, row, f32::NEG_INFINITY, |a, b| simd.max_f32s(a, b));
    }
    let max = high.map(|high| join(high, |a, b| if a > b { a } else { b }));
    let mut sums = [[0.0; LANES]; ROWS];
    for ((row, sums), max) in scores.chunks_exact_mut(padded).zip(&mut sums).zip(max) {
        row.iter_mut().for_each(|score| *score = exp(*score - max));
        *sums = lanes(simd, row, 0.0, |a, b| simd.add_f32s(a, b));
    }
    let inverse = sums.map(|sums| 1.0 / join(sums, |a, b| a + b));
    for (row, inverse) in scores.chunks_exact_mut(padded).zip(inverse) {
        row.iter_mut().for_each(|score| *score *= inverse);
    }
}

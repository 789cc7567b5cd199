//! Heads of attention within rows, and products with their columns.

use super::lanes::LANES;

/// Copies a few values without a call.
#[inline(always)]
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    let (from, from_rest) = from.as_chunks::<LANES>();
    let (to, to_rest) = to.as_chunks_mut::<LANES>();
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}

/// Transposes a square of [`LANES`] rows: each of the four rounds interleaves its halves, which moves one bit of a value's place
/// from the front to the back.
#[inline(always)]
fn transpose(square: &mut [f32; LANES * LANES]) {
    const HALF: usize = LANES * LANES / 2;
    for _ in 0..LANES.ilog2() {
        let from = *square;
        for i in 0..HALF {
            square[2 * i] = from[i];
            square[2 * i + 1] = from[HALF + i];
        }
    }
}

/// One head of one sentence: rows of `width` values of which columns `start..start + size` belong to the head.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Columns of a whole row.
    pub width: usize,
    /// The head's first column.
    pub start: usize,
    /// Its columns.
    pub size: usize,
}

impl Head {
    /// Its part of row `i`.
    #[inline(always)]
    pub fn row<'a>(&self, x: &'a [f32], i: usize) -> &'a [f32] {
        &x[i * self.width + self.start..][..self.size]
    }

    /// Its part of row `i`.
    #[inline(always)]
    pub fn row_mut<'a>(&self, x: &'a mut [f32], i: usize) -> &'a mut [f32] {
        &mut x[i * self.width + self.start..][..self.size]
    }

    /// Fills `out` `[size, padded]` with `x^T` of this head, zero beyond the sentence; `padded` is a multiple of [`LANES`].
    #[inline(always)]
    pub fn transpose(&self, x: &[f32], length: usize, padded: usize, out: &mut [f32]) {
        let mut block = [0.0; LANES * LANES];
        for first in (0..length).step_by(LANES) {
            let rows = LANES.min(length - first);
            for start in (0..self.size).step_by(LANES) {
                let columns = LANES.min(self.size - start);
                block[rows * LANES..].fill(0.0);
                for (i, block) in block.chunks_exact_mut(LANES).take(rows).enumerate() {
                    copy(&self.row(x, first + i)[start..start + columns], &mut block[..columns]);
                }
                transpose(&mut block);
                for (d, block) in block.chunks_exact(LANES).take(columns).enumerate() {
                    out[(start + d) * padded + first..][..LANES].copy_from_slice(block);
                }
            }
        }
    }
}

/// `out[j] = factor * sum_d x[d] * columns[d, j]`, summed over `d` in order; `out` fills whole groups of [`LANES`].
#[inline(always)]
pub fn product(x: &[f32], columns: &[f32], factor: f32, out: &mut [f32]) {
    let padded = out.len();
    let mut at = 0;
    // Sums stay in registers; two groups at a time hide the latency of an addition.
    while at + 2 * LANES <= padded {
        let (mut low, mut high) = ([0.0; LANES], [0.0; LANES]);
        for (&x, column) in x.iter().zip(columns.chunks_exact(padded)) {
            let column: &[f32; 2 * LANES] = column[at..at + 2 * LANES].try_into().expect("two groups");
            for lane in 0..LANES {
                low[lane] += x * column[lane];
                high[lane] += x * column[LANES + lane];
            }
        }
        for lane in 0..LANES {
            out[at + lane] = low[lane] * factor;
            out[at + LANES + lane] = high[lane] * factor;
        }
        at += 2 * LANES;
    }
    if at < padded {
        let mut sums = [0.0; LANES];
        for (&x, column) in x.iter().zip(columns.chunks_exact(padded)) {
            let column: &[f32; LANES] = column[at..at + LANES].try_into().expect("one group");
            for lane in 0..LANES {
                sums[lane] += x * column[lane];
            }
        }
        for lane in 0..LANES {
            out[at + lane] = sums[lane] * factor;
        }
    }
}

/// `out += factor * x`.
#[inline(always)]
pub fn accumulate(out: &mut [f32], x: &[f32], factor: f32) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out += factor * x;
    }
}

/// The heads of rows of `width` values.
pub fn heads(width: usize, heads: usize) -> impl Iterator<Item = Head> {
    let size = width / heads;
    (0..heads).map(move |head| Head { width, start: head * size, size })
}

//! Products in plain Rust: the readable form, and the oracle of the others.

use std::ops::Range;

use super::forms::Line;
use super::forms::bits::{BLOCK, BitMatrix};
use super::forms::columns::{Column, TILE};
use super::forms::counts::{self, BYTES, CountMatrix, CountsRef, Output, padded};
use crate::arithmetic::vectorised;

/// See [`CountMatrix::product`] and [`CountMatrix::project`]; any number of tokens.
pub(super) fn tile(matrix: &CountMatrix, blocks: Range<usize>, counts: CountsRef<'_>, mut out: Output<'_>) {
    let width = padded(matrix.columns);
    for (m, &sum) in counts.sums.iter().enumerate() {
        let counts = &counts.data[m * width..][..width];
        for b in blocks.clone() {
            let stored = vectorised!(|| stored_sums(matrix.block(b), counts));
            let sums = stored.map(|stored| stored - sum);
            let first = b * counts::BLOCK;
            let rows = first..matrix.rows.min(first + counts::BLOCK);
            let at = m * matrix.rows + first;
            match &mut out {
                Output::Sums(out) => out[at..at + rows.len()].copy_from_slice(&sums[..rows.len()]),
                Output::Affine { factors, bias, out } => {
                    for (i, row) in rows.enumerate() {
                        out[at + i] = sums[i] as f32 * factors[row] + bias[row];
                    }
                }
            }
        }
    }
}

/// `sum over k of stored[r, k] * count[k]` of the rows `r` of a block.
#[inline(always)]
fn stored_sums(block: &[Line<[u8; BYTES]>], counts: &[i8]) -> [i32; counts::BLOCK] {
    let mut sums = [0; counts::BLOCK];
    for (Line(bytes), counts) in block.iter().zip(counts.as_chunks::<{ counts::GROUP }>().0) {
        let mut words = [0; counts::BLOCK];
        words.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
        for (at, &count) in counts.iter().enumerate() {
            // Count `4 i + b` belongs to code `i` of byte `b`.
            let shift = 8 * (at % 4) + 2 * (at / 4);
            for (sum, word) in sums.iter_mut().zip(&words) {
                *sum += (word >> shift & 3) as i32 * i32::from(count);
            }
        }
    }
    sums
}

/// See [`BitMatrix::product`]; `bits` are the fired and negative words of each token.
pub(super) fn product(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    let per_row = matrix.columns.div_ceil(64);
    vectorised!(|| {
        for (token, out) in bits.chunks_exact(2 * per_row).zip(out.chunks_exact_mut(matrix.rows)) {
            let (fired, negative) = token.split_at(per_row);
            for (block, out) in matrix.words.chunks_exact(per_row).zip(out.chunks_mut(BLOCK)) {
                let mut sums = [0i32; BLOCK];
                for (([Line(weights), Line(signs)], &fired), &negative) in block.iter().zip(fired).zip(negative) {
                    for lane in 0..BLOCK {
                        let both = weights[lane] & fired;
                        let differ = both & (signs[lane] ^ negative);
                        sums[lane] += both.count_ones().cast_signed() - 2 * differ.count_ones().cast_signed();
                    }
                }
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    });
}

/// See [`super::ColumnMatrix::product`]: `out <-` the columns `plus` of one tile less the columns `minus`.
pub(super) fn columns(codes: &[Column], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    out.fill(0);
    vectorised!(|| {
        for (events, sign) in [(plus, 1), (minus, -1)] {
            for &event in events {
                for (Line(line), out) in codes[event as usize].iter().zip(out.as_chunks_mut::<128>().0) {
                    for (i, byte) in line.iter().enumerate() {
                        out[i] += sign * (i32::from(byte & 15) - 1);
                        out[64 + i] += sign * (i32::from(byte >> 4) - 1);
                    }
                }
            }
        }
    });
}

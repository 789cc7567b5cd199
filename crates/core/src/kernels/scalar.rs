//! Products in plain Rust: the readable form, and the oracle of the others.

use super::Line;
use super::bits::{BLOCK, BitMatrix};
use super::counts::{self, BYTES, CountMatrix, CountsRef, Output, padded};
use crate::arithmetic::wide;

/// See [`CountMatrix::product`] and [`CountMatrix::project`]; any number of tokens.
pub(super) fn tile(matrix: &CountMatrix, counts: CountsRef<'_>, mut out: Output<'_>) {
    let width = padded(matrix.columns);
    for (m, &sum) in counts.sums.iter().enumerate() {
        let counts = &counts.data[m * width..][..width];
        for b in 0..matrix.rows.div_ceil(counts::BLOCK) {
            let bytes = wide(
                #[inline(always)]
                || sums_of_bytes(matrix.block(b), counts),
            );
            let mut sums = [-sum; counts::BLOCK];
            for (sum, bytes) in sums.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *sum += bytes.iter().sum::<i32>();
            }
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

/// For each byte of a block's groups, of which each row has four, the sum of its four stored codes times their counts.
#[inline(always)]
fn sums_of_bytes(block: &[Line<[u8; BYTES]>], counts: &[i8]) -> [i32; BYTES] {
    let mut sums = [0; BYTES];
    for (Line(bytes), counts) in block.iter().zip(counts.as_chunks::<{ counts::GROUP }>().0) {
        for i in 0..4 {
            // The four counts of shift `i`, once a row.
            let fours: [i16; BYTES] = std::array::from_fn(|j| i16::from(counts[4 * i + j % 4]));
            for ((sum, byte), four) in sums.iter_mut().zip(bytes).zip(fours) {
                *sum += i32::from(i16::from(byte >> (2 * i) & 3) * four);
            }
        }
    }
    sums
}

/// See [`BitMatrix::product`]; `bits` are the fired and negative words of each token.
pub(super) fn product(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    let per_row = matrix.columns.div_ceil(64);
    wide(
        #[inline(always)]
        || {
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
        },
    );
}

//! Products in plain Rust: the readable form, and the oracle of the others.

use super::{BLOCK, BitMatrix};
use crate::arithmetic::wide;

/// See [`BitMatrix::product`]; `bits` are the fired and negative words of each token.
pub(super) fn product(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    let per_row = matrix.columns.div_ceil(64);
    wide(
        #[inline(always)]
        || {
            for (token, out) in bits.chunks_exact(2 * per_row).zip(out.chunks_exact_mut(matrix.rows)) {
                let (fired, negative) = token.split_at(per_row);
                for (block, out) in matrix.words.chunks_exact(per_row * 2 * BLOCK).zip(out.chunks_mut(BLOCK)) {
                    let mut sums = [0i32; BLOCK];
                    for ((words, &fired), &negative) in block.chunks_exact(2 * BLOCK).zip(fired).zip(negative) {
                        for lane in 0..BLOCK {
                            let both = words[lane] & fired;
                            let differ = both & (words[BLOCK + lane] ^ negative);
                            sums[lane] += both.count_ones().cast_signed() - 2 * differ.count_ones().cast_signed();
                        }
                    }
                    out.copy_from_slice(&sums[..out.len()]);
                }
            }
        },
    );
}

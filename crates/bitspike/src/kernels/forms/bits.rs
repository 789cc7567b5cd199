//! Spikes and low-bit weights as bits, and their products by population counts.
//!
//! A weight in {-1, 0, 1} is two bits, *whether* it is not zero and *which sign* it has; so is a spike. Of 64 weights and 64
//! spikes the product is then `popcount(m) - 2 popcount(m & x)` with `m` the places where both are not zero and `x` those
//! where their signs differ: no multiplication, exact integers, and the same time whatever the firing rate.

use super::Line;
use crate::quantize::Quantized;

/// Rows of weights that lie side by side: the 64-bit lanes of a 512-bit register.
pub(in crate::kernels) const BLOCK: usize = 8;

/// Rows of values in {-1, 0, 1} as bits: for each row its words of *fired* bits, then as many words of *negative* bits (a
/// subset of those that fired). Value `c` of a row is bit `c % 64` of word `c / 64`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpikeBits {
    pub(in crate::kernels) words: usize,
    pub(in crate::kernels) bits: Vec<u64>,
    /// Spikes of each row.
    pub(in crate::kernels) spikes: Vec<u32>,
}

impl SpikeBits {
    /// `rows` silent rows of `columns` values.
    pub fn silent(rows: usize, columns: usize) -> Self {
        let words = columns.div_ceil(64);
        Self { words, bits: vec![0; rows * words * 2], spikes: vec![0; rows] }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.spikes.len()
    }

    /// Fired and negative words of row `row`.
    pub fn row(&self, row: usize) -> (&[u64], &[u64]) {
        self.bits[row * 2 * self.words..][..2 * self.words].split_at(self.words)
    }

    /// Number of spikes, of either sign, in rows `rows`.
    pub fn spikes(&self, rows: std::ops::Range<usize>) -> u64 {
        self.spikes[rows].iter().map(|&spikes| u64::from(spikes)).sum()
    }
}

/// Fired and negative bits of up to 64 spikes.
#[inline(always)]
pub(in crate::kernels) fn pack(spikes: &[i8]) -> (u64, u64) {
    let (mut fired, mut negative) = (0, 0);
    let (eights, rest) = spikes.as_chunks::<8>();
    for (i, eight) in eights.iter().enumerate() {
        // The product gathers the low bits of eight bytes in its top byte.
        let bytes = u64::from_le_bytes(eight.map(i8::cast_unsigned));
        let gather = |bits: u64| (bits & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        fired |= gather(bytes) << (8 * i);
        negative |= gather(bytes >> 1) << (8 * i);
    }
    for (i, &spike) in rest.iter().enumerate() {
        let at = eights.len() * 8 + i;
        fired |= u64::from(spike != 0) << at;
        negative |= u64::from(spike < 0) << at;
    }
    (fired, negative)
}

/// A matrix `[rows, columns]` of codes in {-1, 0, 1} as bits, eight rows side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitMatrix {
    pub(in crate::kernels) rows: usize,
    pub(in crate::kernels) columns: usize,
    /// For each block of rows and each word: the *not zero* words of the block's rows, then their *negative* words.
    pub(in crate::kernels) words: Vec<[Line<[u64; BLOCK]>; 2]>,
}

impl BitMatrix {
    /// The bits of `matrix`.
    ///
    /// # Panics
    /// If a code is not -1, 0 or 1.
    pub fn new(matrix: &Quantized) -> Self {
        let (rows, columns) = (matrix.rows, matrix.cols);
        let per_row = columns.div_ceil(64);
        let mut words = vec![[Line([0; BLOCK]); 2]; rows.div_ceil(BLOCK) * per_row];
        for (row, codes) in matrix.codes.chunks_exact(columns).enumerate() {
            assert!(codes.iter().all(|code| (-1..=1).contains(code)), "a code of row {row} is not -1, 0 or 1");
            for (w, codes) in codes.chunks(64).enumerate() {
                let [weights, signs] = &mut words[row / BLOCK * per_row + w];
                (weights.0[row % BLOCK], signs.0[row % BLOCK]) = pack(codes);
            }
        }
        Self { rows, columns, words }
    }

    /// Rows (outputs).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns (inputs).
    pub fn columns(&self) -> usize {
        self.columns
    }
}

//! Which instruction set takes a product, and in what pieces.

use std::ops::Range;

use super::forms::bits::pack;
use super::forms::columns::TILE;
use super::forms::counts::{BLOCK, BYTES, GROUP, Output};
use super::{BitMatrix, ColumnMatrix, CountMatrix, CountsRef, Events, Kernels, SpikeBits, padded, scalar};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Bytes of the matrix that every token meets before the next ones are loaded: they stay in the second-level cache, beside the
/// counts. Matrices of BERT-base do not fit it as a whole.
const STRIP: usize = 1 << 17;

/// The product of some blocks of rows with a tile of tokens.
type Tile = fn(&CountMatrix, Range<usize>, CountsRef<'_>, Output<'_>);

impl CountMatrix {
    /// `out[m, r] = sum over k of codes[r, k] * counts[m, k]`.
    ///
    /// # Shapes
    /// `out [tokens, rows]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn product(&self, kernels: Kernels, counts: CountsRef<'_>, out: &mut [i32]) {
        assert_eq!(out.len(), counts.sums.len() * self.rows, "an output of another shape");
        self.run(kernels, counts, Output::Sums(out));
    }

    /// `out[m, r] = sum * factors[r] + bias[r]` with the sums of [`CountMatrix::product`] converted to `f32`, which holds them
    /// exactly; product and sum are rounded each, never fused, so that the bits are the same everywhere.
    ///
    /// # Shapes
    /// `factors [rows]`, `bias [rows]`, `out [tokens, rows]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn project(&self, kernels: Kernels, counts: CountsRef<'_>, factors: &[f32], bias: &[f32], out: &mut [f32]) {
        assert_eq!(out.len(), counts.sums.len() * self.rows, "an output of another shape");
        assert_eq!((factors.len(), bias.len()), (self.rows, self.rows), "a factor and a bias a row");
        self.run(kernels, counts, Output::Affine { factors, bias, out });
    }

    fn run(&self, kernels: Kernels, counts: CountsRef<'_>, mut out: Output<'_>) {
        let (tokens, stride) = (counts.sums.len(), padded(self.columns));
        assert_eq!(counts.data.len(), tokens * stride, "counts of another width");
        let (most, tile): (usize, Tile) = match kernels {
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512 => (avx512::TOKENS, avx512::tile),
            #[cfg(target_arch = "x86_64")]
            Kernels::AvxVnni => (avx2::TOKENS, avx2::tile_vnni),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2 => (avx2::TOKENS, avx2::tile),
            #[cfg(any(target_arch = "aarch64", test))]
            Kernels::Neon => (super::neon::TOKENS, super::neon::tile),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernels::Simd128 => (super::simd128::TOKENS, super::simd128::tile),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Kernels::RelaxedSimd => (super::simd128::TOKENS, super::simd128::tile_relaxed),
            _ => (1, super::scalar::tile),
        };
        let blocks = self.rows.div_ceil(BLOCK);
        // Whole numbers of the blocks that the kernels take at once.
        let strip = (STRIP / (stride / GROUP * BYTES).max(1)).max(1).next_multiple_of(8);
        // Tiles of equal height, or one less: a lone token at the end would waste most of a pass over the weights.
        let tiles = tokens.div_ceil(most);
        for strip in (0..blocks).step_by(strip).map(|first| first..blocks.min(first + strip)) {
            let mut first = 0;
            for i in 0..tiles {
                let range = first..first + tokens / tiles + usize::from(i < tokens % tiles);
                let part = CountsRef {
                    data: &counts.data[range.start * stride..range.end * stride],
                    sums: &counts.sums[range.clone()],
                };
                first = range.end;
                tile(self, strip.clone(), part, out.tokens(range, self.rows));
            }
        }
    }
}

impl ColumnMatrix {
    /// `out[m, r] = sum over c of codes[r, c] * spikes[m, c]` for the rows `m` of `spikes` in `range`.
    ///
    /// # Shapes
    /// `out [range.len(), rows]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn product(
        &self,
        kernels: Kernels,
        spikes: &SpikeBits,
        range: Range<usize>,
        events: &mut Events,
        out: &mut [i32],
    ) {
        assert_eq!(out.len(), range.len() * self.rows, "an output of another shape");
        let tile = match kernels {
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512 => avx512::columns,
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2 | Kernels::AvxVnni => avx2::columns,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernels::Simd128 | Kernels::RelaxedSimd => super::simd128::columns,
            _ => scalar::columns,
        };
        if self.columns == 0 {
            return out.fill(0);
        }
        events.read(spikes, range);
        let last = events.columns.iter().max();
        assert!(last.is_none_or(|&last| (last as usize) < self.columns), "spikes of another width");
        // Tile by tile, so that the columns of one stay in the nearest caches for all tokens.
        for (t, codes) in self.codes.chunks_exact(self.columns).enumerate() {
            let rows = t * TILE..self.rows.min((t + 1) * TILE);
            for (&[start, middle, end], out) in events.bounds.iter().zip(out.chunks_exact_mut(self.rows)) {
                let (plus, minus) = (&events.columns[start..middle], &events.columns[middle..end]);
                let out = &mut out[rows.clone()];
                match out.as_mut_array() {
                    Some(out) => tile(codes, plus, minus, out),
                    None => {
                        let mut sums = [0; TILE];
                        tile(codes, plus, minus, &mut sums);
                        out.copy_from_slice(&sums[..out.len()]);
                    }
                }
            }
        }
    }
}

impl BitMatrix {
    /// `out[m, r] = sum over c of codes[r, c] * spikes[m, c]` for the rows `m` of `spikes` in `range`.
    ///
    /// # Shapes
    /// `out [range.len(), rows]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn product(&self, kernels: Kernels, spikes: &SpikeBits, range: Range<usize>, out: &mut [i32]) {
        assert_eq!(spikes.words, self.columns.div_ceil(64), "spikes of another width");
        assert_eq!(out.len(), range.len() * self.rows, "an output of another shape");
        if out.is_empty() || self.columns == 0 {
            return out.fill(0);
        }
        let bits = &spikes.bits[range.start * 2 * spikes.words..range.end * 2 * spikes.words];
        match kernels {
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512 if Kernels::counts_bits() => avx512::product(self, bits, out),
            _ => scalar::product(self, bits, out),
        }
    }
}

impl SpikeBits {
    /// The bits of `spikes` `[rows, columns]`.
    pub fn of(spikes: &[i8], columns: usize) -> Self {
        let mut bits = Self::silent(spikes.len() / columns, columns);
        for (row, spikes) in spikes.chunks_exact(columns).enumerate() {
            bits.set_row(row, spikes);
        }
        bits
    }

    /// Replaces row `row` by the bits of `spikes`.
    ///
    /// # Panics
    /// If there is no such row, or it has another number of words.
    pub fn set_row(&mut self, row: usize, spikes: &[i8]) {
        assert_eq!(spikes.len().div_ceil(64), self.words, "spikes of another width");
        let (fired, negative) = self.bits[row * 2 * self.words..][..2 * self.words].split_at_mut(self.words);
        pack_row(spikes, fired, negative);
        self.spikes[row] = fired.iter().map(|word| word.count_ones()).sum();
    }
}

/// The words of a row: one of `fired` and one of `negative` for each 64 spikes.
fn pack_row(spikes: &[i8], fired: &mut [u64], negative: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if Kernels::Avx512.is_available() {
        return avx512::pack_spikes(spikes, fired, negative);
    }
    for ((spikes, fired), negative) in spikes.chunks(64).zip(fired).zip(negative) {
        (*fired, *negative) = pack(spikes);
    }
}

#[cfg(test)]
mod tests;

//! Event-driven products: only inputs that spike are looked at, each by adding or subtracting its column of codes.
//!
//! Columns are bytes, and so are the sums of a tile of [`TILE`] rows, which stay in registers; they are added to `i32` before
//! [`FLUSH`] columns of magnitude 1 could leave the range of a byte. Time grows with the number of spikes.

use std::ops::Range;

use super::{Kernels, SpikeBits};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Rows whose sums are kept in registers: six of 512 bits.
pub(super) const TILE: usize = 384;

/// Columns after which sums of bytes are emptied: `127 * 1` is the largest byte.
pub(super) const FLUSH: usize = 127;

/// A matrix `[rows, columns]` of codes in {-1, 0, 1}, a byte each, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMatrix {
    rows: usize,
    columns: usize,
    /// `[tiles][columns][TILE]`, 0 beyond the last row.
    codes: Vec<i8>,
}

/// Scratch memory of a product: which inputs spiked.
#[derive(Debug, Clone, Default)]
pub struct Events {
    plus: Vec<u32>,
    minus: Vec<u32>,
}

impl Events {
    /// Takes over the events of one row of spikes.
    fn read(&mut self, (fired, negative): (&[u64], &[u64])) {
        self.plus.clear();
        self.minus.clear();
        for (word, (&fired, &negative)) in fired.iter().zip(negative).enumerate() {
            for (bits, events) in [(fired & !negative, &mut self.plus), (negative, &mut self.minus)] {
                let mut bits = bits;
                while bits != 0 {
                    events.push(word as u32 * 64 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
        }
    }
}

impl ColumnMatrix {
    /// The matrix whose rows `codes` gives.
    pub fn new(rows: usize, columns: usize, mut fill: impl FnMut(usize, &mut [i8])) -> Self {
        let mut codes = vec![0; rows.div_ceil(TILE) * columns * TILE];
        let mut line = vec![0; columns];
        for row in 0..rows {
            fill(row, &mut line);
            let tile = &mut codes[row / TILE * columns * TILE..][..columns * TILE];
            tile.chunks_exact_mut(TILE).zip(&line).for_each(|(column, &code)| column[row % TILE] = code);
        }
        Self { rows, columns, codes }
    }

    /// Rows (outputs).
    pub fn rows(&self) -> usize {
        self.rows
    }

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
        for (row, out) in range.zip(out.chunks_exact_mut(self.rows.max(1))) {
            events.read(spikes.row(row));
            let last = events.plus.last().max(events.minus.last());
            assert!(last.is_none_or(|&last| (last as usize) < self.columns), "spikes of another width");
            for (codes, out) in self.codes.chunks_exact(self.columns * TILE).zip(out.chunks_mut(TILE)) {
                let mut sums = [0; TILE];
                match kernels {
                    #[cfg(target_arch = "x86_64")]
                    Kernels::Avx512 => avx512::columns(codes, &events.plus, &events.minus, &mut sums),
                    #[cfg(target_arch = "x86_64")]
                    Kernels::Avx2 | Kernels::AvxVnni => avx2::columns(codes, &events.plus, &events.minus, &mut sums),
                    _ => columns(codes, &events.plus, &events.minus, &mut sums),
                }
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

/// Adds the columns `plus` of one tile and subtracts `minus`.
fn columns(codes: &[i8], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    for (events, sign) in [(plus, 1), (minus, -1)] {
        for &event in events {
            let column = &codes[event as usize * TILE..][..TILE];
            out.iter_mut().zip(column).for_each(|(out, &code)| *out += sign * i32::from(code));
        }
    }
}

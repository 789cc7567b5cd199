//! Event-driven products: only inputs that spike are looked at, each by adding or subtracting its column of codes.
//!
//! Codes are stored plus 1, so that they are 0, 1 or 2, in half a byte each. Columns are added as they are, two rows a byte, at
//! most [`PACKED_FLUSH`] of them: `7 * 2` is below 16, so that nothing is carried from one half to the other. The halves are then
//! added to, or subtracted from, sums of a byte a row. Those may pass 127; but they are integers modulo 256, and of at most
//! [`FLUSH`] columns the true sum, which is what is left when the number of columns has been subtracted again, fits a byte. Only
//! then are they widened and added to the `i32` of the output. Time grows with the number of spikes.

use std::ops::Range;

use super::{Kernels, Line, SpikeBits};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::arithmetic::wide;

/// Rows whose sums are kept in registers: six of 512 bits.
pub(super) const TILE: usize = 384;

/// Columns after which sums of bytes are emptied: `127 * 1` is the largest byte.
pub(super) const FLUSH: usize = 127;

/// Columns after which sums of half a byte are emptied: `7 * 2 < 16`.
pub(super) const PACKED_FLUSH: usize = 7;

/// A column of a tile: byte `i` of each line holds row `i` of 128 in its low half and row `64 + i` in its high half.
pub(super) type Column = [Line<[u8; 64]>; TILE / 128];

/// Adds nothing.
#[cfg(target_arch = "x86_64")]
pub(super) static SILENT: Column = [Line([0; 64]); TILE / 128];

/// A matrix `[rows, columns]` of codes in {-1, 0, 1}, half a byte each, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMatrix {
    rows: usize,
    columns: usize,
    /// `[tiles][columns]`, code 0 beyond the last row.
    codes: Vec<Column>,
}

/// Where a row of a tile lies in its column: the line, the byte, and by how many bits its code is shifted.
fn place(row: usize) -> (usize, usize, usize) {
    (row / 128, row % 64, row % 128 / 64 * 4)
}

/// Scratch memory of a product: which inputs spiked.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// For each token the columns of its positive spikes, then of its negative ones.
    columns: Vec<u32>,
    /// For each token where its positive spikes begin, where its negative ones do, and where those end.
    bounds: Vec<[usize; 3]>,
}

impl Events {
    /// Takes over the events of the rows `range` of `spikes`.
    fn read(&mut self, spikes: &SpikeBits, range: Range<usize>) {
        self.columns.clear();
        self.bounds.clear();
        for row in range {
            let (fired, negative) = spikes.row(row);
            let start = self.columns.len();
            self.push(fired.iter().zip(negative).map(|(fired, negative)| fired & !negative));
            let middle = self.columns.len();
            self.push(negative.iter().copied());
            self.bounds.push([start, middle, self.columns.len()]);
        }
    }

    fn push(&mut self, words: impl Iterator<Item = u64>) {
        for (word, bits) in words.enumerate() {
            let mut bits = bits;
            while bits != 0 {
                self.columns.push(word as u32 * 64 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}

impl ColumnMatrix {
    /// The matrix whose rows `fill` writes; it receives the row's number and `columns` codes of 0.
    ///
    /// # Panics
    /// If a code is not -1, 0 or 1.
    pub fn new(rows: usize, columns: usize, mut fill: impl FnMut(usize, &mut [i8])) -> Self {
        let mut codes = vec![[Line([0x11; 64]); TILE / 128]; rows.div_ceil(TILE) * columns];
        let mut line = vec![0; columns];
        for row in 0..rows {
            line.fill(0);
            fill(row, &mut line);
            assert!(line.iter().all(|code| (-1..=1).contains(code)), "a code of row {row} is not -1, 0 or 1");
            let tile = &mut codes[row / TILE * columns..][..columns];
            let (l, byte, shift) = place(row % TILE);
            for (column, &code) in tile.iter_mut().zip(&line) {
                let byte = &mut column[l].0[byte];
                *byte = *byte & !(15 << shift) | ((code + 1) as u8) << shift;
            }
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
        let tile = match kernels {
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512 => avx512::columns,
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2 | Kernels::AvxVnni => avx2::columns,
            _ => columns,
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

/// `out <-` the columns `plus` of one tile less the columns `minus`.
fn columns(codes: &[Column], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    out.fill(0);
    wide(
        #[inline(always)]
        || {
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
        },
    );
}

//! Event-driven products: only inputs that spike are looked at, each by adding or subtracting its column of codes.
//!
//! Codes are stored plus 1, so that they are 0, 1 or 2, in half a byte each. Columns are added as they are, two rows a byte, at
//! most [`PACKED_FLUSH`] of them: `7 * 2` is below 16, so that nothing is carried from one half to the other. The halves are then
//! added to, or subtracted from, sums of a byte a row. Those may pass 127; but they are integers modulo 256, and of at most
//! [`FLUSH`] columns the true sum, which is what is left when the number of columns has been subtracted again, fits a byte. Only
//! then are they widened and added to the `i32` of the output. Time grows with the number of spikes.

use std::ops::Range;

use super::{Line, SpikeBits};

/// Rows whose sums are kept in registers: six of 512 bits.
pub(in crate::kernels) const TILE: usize = 384;

/// Columns after which sums of bytes are emptied: `127 * 1` is the largest byte.
#[cfg(any(target_arch = "x86_64", target_arch = "wasm32"))]
pub(in crate::kernels) const FLUSH: usize = 127;

/// Columns after which sums of half a byte are emptied: `7 * 2 < 16`.
#[cfg(any(target_arch = "x86_64", target_arch = "wasm32"))]
pub(in crate::kernels) const PACKED_FLUSH: usize = 7;

/// A column of a tile: byte `i` of each line holds row `i` of 128 in its low half and row `64 + i` in its high half.
pub(in crate::kernels) type Column = [Line<[u8; 64]>; TILE / 128];

/// Adds nothing.
#[cfg(any(target_arch = "x86_64", target_arch = "wasm32"))]
pub(in crate::kernels) static SILENT: Column = [Line([0; 64]); TILE / 128];

/// A matrix `[rows, columns]` of codes in {-1, 0, 1}, half a byte each, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMatrix {
    pub(in crate::kernels) rows: usize,
    pub(in crate::kernels) columns: usize,
    /// `[tiles][columns]`, code 0 beyond the last row.
    pub(in crate::kernels) codes: Vec<Column>,
}

/// Where a row of a tile lies in its column: the line, the byte, and by how many bits its code is shifted.
fn place(row: usize) -> (usize, usize, usize) {
    (row / 128, row % 64, row % 128 / 64 * 4)
}

/// Scratch memory of a product: which inputs spiked.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// For each token the columns of its positive spikes, then of its negative ones.
    pub(in crate::kernels) columns: Vec<u32>,
    /// For each token where its positive spikes begin, where its negative ones do, and where those end.
    pub(in crate::kernels) bounds: Vec<[usize; 3]>,
}

impl Events {
    /// Takes over the events of the rows `range` of `spikes`.
    pub(in crate::kernels) fn read(&mut self, spikes: &SpikeBits, range: Range<usize>) {
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
}

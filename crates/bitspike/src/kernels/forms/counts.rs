//! Products of spike counts with 2-bit codes.
//!
//! A code is stored plus 1, so that it is 0, 1 or 2, and `sum of code * n = sum of stored * n - sum of n`: the sum of a token's
//! counts is subtracted once. In memory 16 rows lie side by side, and of each group of 16 columns a row has one 32-bit word, its
//! four bytes of four codes. Shifted right by `2 i` and masked, 64 bytes are then the codes of 16 rows at the columns `i`, `4 + i`,
//! `8 + i` and `12 + i` of the group: one operand of a byte product. Counts are stored permuted to match ([`padded`],
//! [`pack_counts`](crate::kernels::pack_counts)), four bytes for each `i`.
//!
//! The sums: `|n| <= 127`, stored codes are at most 2, so that `254 K` bounds every partial sum, and `127 K` what is subtracted.
//! With `K` up to [`MAX_COLUMNS`] both, and their difference, are far inside `i32`.

use super::Line;

/// Rows that lie side by side.
pub(in crate::kernels) const BLOCK: usize = 16;

/// Columns of a group.
pub(in crate::kernels) const GROUP: usize = 16;

/// Bytes of a group of columns of a block of rows.
pub(in crate::kernels) const BYTES: usize = BLOCK * GROUP / 4;

/// Largest number of columns: `254 * 65,536` is 2^24, an integer that `f32` holds exactly too.
pub const MAX_COLUMNS: usize = 1 << 16;

/// Four codes 0 in one byte, as stored.
const ZEROS: u8 = 0b01_01_01_01;

/// Columns that the counts of a token take up in memory: whole groups of 16.
pub fn padded(columns: usize) -> usize {
    columns.next_multiple_of(GROUP)
}

/// A matrix `[rows, columns]` of codes in {-1, 0, 1}, two bits each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountMatrix {
    pub(in crate::kernels) rows: usize,
    pub(in crate::kernels) columns: usize,
    /// `[blocks of rows][groups of columns]`
    groups: Vec<Line<[u8; BYTES]>>,
}

/// Counts of some tokens as a [`CountMatrix`] reads them.
#[derive(Debug, Clone, Copy)]
pub struct CountsRef<'a> {
    /// `[tokens, padded(columns)]`: counts of -127 to 127, permuted; 0 beyond the last column.
    pub data: &'a [i8],
    /// `[tokens]`: the sum of each token's counts.
    pub sums: &'a [i32],
}

/// Where a product goes.
pub(in crate::kernels) enum Output<'a> {
    /// The sums.
    Sums(&'a mut [i32]),
    /// `sum * factor + bias`, row by row.
    Affine { factors: &'a [f32], bias: &'a [f32], out: &'a mut [f32] },
}

impl Output<'_> {
    /// Whether it has a place for each of `rows` sums of `tokens` tokens.
    #[cfg(target_arch = "x86_64")]
    pub(in crate::kernels) fn fits(&self, tokens: usize, rows: usize) -> bool {
        match self {
            Self::Sums(out) => out.len() == tokens * rows,
            Self::Affine { factors, bias, out } => {
                [factors.len(), bias.len()] == [rows; 2] && out.len() == tokens * rows
            }
        }
    }

    /// The part of tokens `range`.
    pub(in crate::kernels) fn tokens(&mut self, range: std::ops::Range<usize>, rows: usize) -> Output<'_> {
        let range = range.start * rows..range.end * rows;
        match self {
            Self::Sums(out) => Output::Sums(&mut out[range]),
            Self::Affine { factors, bias, out } => Output::Affine { factors, bias, out: &mut out[range] },
        }
    }
}

impl CountMatrix {
    /// The matrix whose rows `fill` writes in the form of a packed file: four codes a byte, each plus 1, lowest bits first, places
    /// beyond the last column holding 1. `fill` receives the row's number and `columns.div_ceil(4)` bytes.
    ///
    /// # Panics
    /// If there are more than [`MAX_COLUMNS`] columns.
    pub fn new(rows: usize, columns: usize, mut fill: impl FnMut(usize, &mut [u8])) -> Self {
        assert!(columns <= MAX_COLUMNS, "{columns} columns; the sums are proved for {MAX_COLUMNS}");
        let width = columns.div_ceil(GROUP);
        let mut groups = vec![Line([ZEROS; BYTES]); rows.div_ceil(BLOCK) * width];
        let mut line = vec![ZEROS; width * 4];
        for row in 0..rows {
            fill(row, &mut line[..columns.div_ceil(4)]);
            let block = &mut groups[row / BLOCK * width..][..width];
            for (Line(group), word) in block.iter_mut().zip(line.chunks_exact(4)) {
                group[row % BLOCK * 4..][..4].copy_from_slice(word);
            }
        }
        Self { rows, columns, groups }
    }

    /// The groups of a block of rows.
    #[inline(always)]
    pub(in crate::kernels) fn block(&self, block: usize) -> &[Line<[u8; BYTES]>] {
        let width = self.columns.div_ceil(GROUP);
        &self.groups[block * width..][..width]
    }

    /// Rows (outputs).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns (inputs).
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The codes of a row.
    ///
    /// # Panics
    /// If there is no such row, or `out` has another length than the row.
    pub fn codes_row(&self, row: usize, out: &mut [i8]) {
        assert!(row < self.rows && out.len() == self.columns, "row {row} and {} codes", out.len());
        for (Line(group), out) in self.block(row / BLOCK).iter().zip(out.chunks_mut(GROUP)) {
            let word = &group[row % BLOCK * 4..][..4];
            out.iter_mut().enumerate().for_each(|(k, code)| *code = (word[k / 4] >> (2 * (k % 4)) & 3) as i8 - 1);
        }
    }
}

//! Matrices and tables of a packed model, decoded row by row.

use super::codes::Form;
use crate::arithmetic::flushed;

/// A matrix of the encoder: codes and scales, or plain values.
#[derive(Debug, Clone)]
pub struct PackedMatrix<'a> {
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub columns: usize,
    /// `Full`, `TwoBit`, `Trits` or `OneBit`.
    pub form: Form,
    /// One for the matrix or one a row; the single 1 for `Full`.
    pub scales: Vec<f32>,
    pub(super) coded: PackedTable<'a>,
}

impl PackedMatrix<'_> {
    /// Row `row` as 2-bit codes, the form of [`Form::TwoBit`], whatever the form in the file.
    ///
    /// # Panics
    /// If there is no such row, `out` is not of `columns.div_ceil(4)` bytes, or the form is `Full`.
    pub fn two_bit_row(&self, row: usize, out: &mut [u8]) {
        self.form.two_bit_row(self.coded.row_bytes(row), self.columns, out);
    }

    /// The codes of row `row`.
    ///
    /// # Panics
    /// As [`PackedTable::codes_row`].
    pub fn codes_row(&self, row: usize, out: &mut [i8]) {
        self.coded.codes_row(row, out);
    }

    /// All values `[rows, columns]` of a matrix in `f32`; none of one in codes.
    pub fn full(&self) -> Option<Vec<f32>> {
        (self.form == Form::Full).then(|| floats(self.coded.codes).collect())
    }
}

/// An embedding table, decoded row by row.
#[derive(Debug, Clone, Copy)]
pub struct PackedTable<'a> {
    /// Entries.
    pub rows: usize,
    /// Width.
    pub columns: usize,
    /// Its form in the file.
    pub form: Form,
    pub(super) codes: &'a [u8],
    pub(super) scales: &'a [u8],
}

impl PackedTable<'_> {
    /// Row `row`: code times scale, bit for bit what [`crate::quantize::Quantized::dequantize`] gives.
    ///
    /// # Panics
    /// If there is no such row, or `out` is not of `columns` values.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.columns, "values of a row");
        let bytes = self.row_bytes(row);
        if self.form == Form::Full {
            return out.iter_mut().zip(floats(bytes)).for_each(|(out, value)| *out = value);
        }
        let scale = self.scale(row);
        self.form.decode_row(bytes, out, |code| f32::from(code) * scale);
    }

    /// The codes of row `row`.
    ///
    /// # Panics
    /// If there is no such row, `out` is not of `columns` values, or the form is [`Form::Full`].
    pub fn codes_row(&self, row: usize, out: &mut [i8]) {
        assert_eq!(out.len(), self.columns, "codes of a row");
        assert_ne!(self.form, Form::Full, "a table in f32 has no codes");
        self.form.decode_row(self.row_bytes(row), out, |code| code);
    }

    /// The scale of row `row`; 1 in `f32`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn scale(&self, row: usize) -> f32 {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        if self.form == Form::Full {
            return 1.0;
        }
        let scales = self.scales.as_chunks::<4>().0;
        flushed(f32::from_le_bytes(scales[row]))
    }

    /// All rows as the file has them, each of [`Form::row_bytes`] bytes.
    pub fn coded_bytes(&self) -> &[u8] {
        self.codes
    }

    fn row_bytes(&self, row: usize) -> &[u8] {
        let width = self.form.row_bytes(self.columns);
        &self.codes[row * width..][..width]
    }
}

/// Little-endian values, subnormal ones as 0.
pub(super) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|&bytes| flushed(f32::from_le_bytes(bytes)))
}

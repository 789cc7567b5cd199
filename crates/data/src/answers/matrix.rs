//! Vectors as one array: NumPy's `.npy`, and safetensors.
//!
//! Both say at their beginning how many rows follow. Rows are written as they come, behind a header that is filled in at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

use bitspike::vector::{Precision, Values};

use crate::error::{Error, Result};

/// Room for the header of an `.npy` file, a multiple of 64 as its description wants.
const NPY_HEADER: usize = 128;

/// Digits of the largest number of rows, and of bytes.
const DIGITS: usize = 20;

/// Which array is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatrixForm {
    Npy,
    Safetensors,
}

/// Writes rows of one width behind a header.
pub(super) struct MatrixWriter<'a> {
    form: MatrixForm,
    out: BufWriter<&'a mut File>,
    precision: Precision,
    dims: usize,
    rows: u64,
    notes: BTreeMap<String, String>,
}

impl<'a> MatrixWriter<'a> {
    /// A writer of vectors of `dims` values; safetensors carry `notes` along.
    pub(super) fn new(
        form: MatrixForm,
        file: &'a mut File,
        precision: Precision,
        dims: usize,
        mut notes: BTreeMap<String, String>,
    ) -> Result<Self> {
        if let Precision::Binary(order) = precision {
            notes.extend(
                [("bit_order", order.name().to_owned()), ("dims", dims.to_string())].map(|(k, v)| (k.to_owned(), v)),
            );
        }
        let mut writer = Self { form, out: BufWriter::with_capacity(1 << 18, file), precision, dims, rows: 0, notes };
        let header = writer.header()?;
        writer.out.write_all(&header).map_err(Error::write)?;
        Ok(writer)
    }

    /// Writes a row; of a text without a vector one of NaN.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it has no vector, and its form has no NaN.
    pub(super) fn write(&mut self, values: Option<Vec<f32>>) -> Result<()> {
        let values = match (values, self.precision) {
            (Some(values), precision) => precision.of(values),
            (None, Precision::Single) => Values::Single(vec![f32::NAN; self.dims]),
            (None, _) => {
                let expected = "a text in every record, since an array of whole numbers has no missing row (leave such records out, \
                                or stop at them)";
                return Err(Error::invalid("quantised vectors in an array", expected, "a record without a text"));
            }
        };
        self.rows += 1;
        self.out.write_all(&values.le_bytes()).map_err(Error::write)
    }

    /// Fills the header in.
    pub(super) fn finish(mut self) -> Result<()> {
        let header = self.header()?;
        let mut fill = || {
            self.out.seek(SeekFrom::Start(0))?;
            self.out.write_all(&header)?;
            self.out.flush()
        };
        fill().map_err(Error::write)
    }

    /// The header for as many rows as were written: as long for any number of them.
    fn header(&self) -> Result<Vec<u8>> {
        let width = self.precision.width(self.dims);
        Ok(match self.form {
            MatrixForm::Npy => {
                let kind = match self.precision {
                    Precision::Single => "<f4",
                    Precision::Int8 => "|i1",
                    Precision::Binary(_) => "|u1",
                };
                let shape = format!("({}, {width})", self.rows);
                let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
                let mut header = b"\x93NUMPY\x01\x00".to_vec();
                header.extend(((NPY_HEADER - 10) as u16).to_le_bytes());
                header.extend(text.bytes());
                header.resize(NPY_HEADER - 1, b' ');
                header.push(b'\n');
                header
            }
            MatrixForm::Safetensors => {
                let (kind, size) = match self.precision {
                    Precision::Single => ("F32", 4),
                    Precision::Int8 => ("I8", 1),
                    Precision::Binary(_) => ("U8", 1),
                };
                let bytes = self.rows * size * width as u64;
                let tensor =
                    serde_json::json!({"dtype": kind, "shape": [self.rows, width], "data_offsets": [0, bytes]});
                let header = serde_json::json!({"__metadata__": self.notes, "vectors": tensor});
                let mut text = header.to_string().into_bytes();
                let digits = |number: u64| number.to_string().len();
                let spare = 2 * DIGITS - digits(self.rows) - digits(bytes);
                let length = (text.len() + spare).next_multiple_of(8);
                text.resize(length, b' ');
                [&(length as u64).to_le_bytes()[..], &text].concat()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use bitspike::vector::BitOrder;

    use super::*;

    fn written(form: MatrixForm, precision: Precision, rows: &[Option<Vec<f32>>]) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = MatrixWriter::new(form, &mut file, precision, 3, BTreeMap::new()).unwrap();
        rows.iter().for_each(|row| writer.write(row.clone()).unwrap());
        writer.finish().unwrap();
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn headers_are_as_long_for_any_number_of_rows() {
        for form in [MatrixForm::Npy, MatrixForm::Safetensors] {
            for precision in [Precision::Single, Precision::Int8, Precision::Binary(BitOrder::MostFirst)] {
                let mut file = tempfile::tempfile().unwrap();
                let mut writer = MatrixWriter::new(form, &mut file, precision, 70_000, BTreeMap::new()).unwrap();
                let lengths: Vec<usize> = [0, 9, 10, 12_345_678_901]
                    .into_iter()
                    .map(|rows| {
                        writer.rows = rows;
                        writer.header().unwrap().len()
                    })
                    .collect();
                assert!(lengths.iter().all(|&length| length == lengths[0] && length % 8 == 0), "{lengths:?}");
            }
        }
    }

    #[test]
    fn arrays_hold_the_rows() {
        let rows = [Some(vec![0.5, -1.0, 0.0]), None, Some(vec![1.0, 2.0, 3.0])];
        let bytes = written(MatrixForm::Npy, Precision::Single, &rows);
        let text = std::str::from_utf8(&bytes[10..NPY_HEADER]).unwrap();
        assert!(
            text.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }") && text.ends_with('\n')
        );
        let values: Vec<f32> =
            bytes[NPY_HEADER..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!((&values[..3], &values[6..]), (&[0.5, -1.0, 0.0][..], &[1.0, 2.0, 3.0][..]));
        assert!(values[3..6].iter().all(|value| value.is_nan()));

        let bytes = written(MatrixForm::Safetensors, Precision::Int8, &rows[..1]);
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        assert_eq!(header["vectors"], serde_json::json!({"dtype": "I8", "shape": [1, 3], "data_offsets": [0, 3]}));
        assert_eq!(bytes[8 + length..], [64, 129, 0]);

        let order = Precision::Binary(BitOrder::LeastFirst);
        let bytes = written(MatrixForm::Npy, order, &rows[2..]);
        assert_eq!(bytes[NPY_HEADER..], [0b111]);
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = MatrixWriter::new(MatrixForm::Npy, &mut file, order, 3, BTreeMap::new()).unwrap();
        let error = writer.write(None).unwrap_err().to_string();
        assert!(error.contains("no missing row"), "{error}");
    }
}

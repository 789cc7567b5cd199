//! Reading a packed model: everything is checked when it is opened, decoded when it is asked for.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;

use safetensors::tensor::Dtype;

use super::codes::Form;
use super::container::{Container, Entry};
use super::header::{FORMAT_VERSION, FORMAT_VERSION_WITHOUT_TOKENIZER, Header};
use super::layout::{Role, Tensor, tensors};
use super::mapping::Bytes;
use crate::error::{Error, Result};
use crate::neuron::{Equilibrium, NeuronConfig};
use crate::tokenizer::Tokenizer;
use crate::tokenizer::packed::{LENGTHS, TEXT};

/// A packed model, checked in full.
#[derive(Debug)]
pub struct Packed {
    bytes: Bytes,
    header: Header,
    tokenizer: Option<Tokenizer>,
    /// Bytes of the vocabulary; 0 in a file of version 1.
    vocabulary_bytes: usize,
    /// In the order of computation.
    tensors: Vec<Stored>,
    /// Index into `tensors` by name.
    index: BTreeMap<String, usize>,
}

/// What a file holds that passes all the checks; as in [`Packed`].
pub(super) struct Checked {
    header: Header,
    tokenizer: Option<Tokenizer>,
    vocabulary_bytes: usize,
    tensors: Vec<Stored>,
}

/// What follows a tensor's name in the name of its scales.
pub(super) const SCALES: &str = ".scales";

/// A tensor and where in the file it is.
#[derive(Debug)]
struct Stored {
    tensor: Tensor,
    form: Form,
    /// Codes, or the values of [`Form::Full`].
    codes: Range<usize>,
    scales: Range<usize>,
}

impl Packed {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Malformed`] with what was expected and found, and in which tensor, if it is
    /// anything but a complete model of a version that is known.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of(Bytes::read(path)?).map_err(|message| Error::malformed(path, message))
    }

    /// [`Packed::open`] through a memory map: processes that use the same model share its memory.
    ///
    /// The file must not be changed while the model is in use: replace it by renaming another over it, as `bitspike pack` does
    /// (the mapping keeps the old one). A file that is overwritten in place gives wrong answers; one that is cut short by another
    /// process ends this one (SIGBUS on Unix).
    ///
    /// # Errors
    /// As [`Packed::open`].
    #[cfg(feature = "mmap")]
    pub fn map(path: &Path) -> Result<Self> {
        Self::of(Bytes::map(path)?).map_err(|message| Error::malformed(path, message))
    }

    /// The same on bytes in memory.
    ///
    /// # Errors
    /// As [`Packed::open`].
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        Self::of(Bytes::Owned(bytes.into())).map_err(|message| Error::malformed("model in memory", message))
    }

    fn of(bytes: Bytes) -> Result<Self, String> {
        let Checked { header, tokenizer, vocabulary_bytes, tensors } = Self::check(&bytes)?;
        let index = tensors.iter().enumerate().map(|(i, stored)| (stored.tensor.name.clone(), i)).collect();
        Ok(Self { bytes, header, tokenizer, vocabulary_bytes, tensors, index })
    }

    /// All the checks.
    pub(super) fn check(bytes: &[u8]) -> Result<Checked, String> {
        let container = Container::parse(bytes)?;
        let mut stored = Vec::new();
        let mut names = HashSet::new();
        for tensor in tensors(&container.header.student) {
            stored.push(Stored::locate(tensor, &container, &mut names)?);
        }
        let mut vocabulary = [0..0, 0..0];
        if container.tokenizer.is_some() {
            vocabulary = [container.bytes(LENGTHS)?, container.bytes(TEXT)?];
            names.extend([LENGTHS, TEXT].map(str::to_owned));
        }
        if let Some(extra) = container.names().into_iter().find(|name| !names.contains(name)) {
            return Err(format!(
                "tensor `{extra}`: expected the {} tensors of this config, and not this one",
                names.len()
            ));
        }
        let header = container.header;
        for stored in &stored {
            stored.check(bytes, &header).map_err(|message| format!("tensor `{}`: {message}", stored.tensor.name))?;
        }
        let vocabulary_bytes = vocabulary.iter().map(ExactSizeIterator::len).sum();
        let [lengths, text] = vocabulary.map(|range| &bytes[range]);
        let tokenizer = container.tokenizer.map(|settings| Tokenizer::unpack(&settings, lengths, text)).transpose()?;
        if let Some(tokenizer) = &tokenizer {
            let checked = tokenizer.check_vocab(header.student.vocab_size);
            checked.map_err(|e| format!("tensor `{LENGTHS}`: {e}"))?;
        }
        Ok(Checked { header, tokenizer, vocabulary_bytes, tensors: stored })
    }

    /// The version of the format that the file has.
    pub fn format_version(&self) -> &'static str {
        if self.tokenizer.is_some() { FORMAT_VERSION } else { FORMAT_VERSION_WITHOUT_TOKENIZER }
    }

    /// The tokeniser in the file; none in one of version 1, which has it in a file beside it.
    pub fn tokenizer(&self) -> Option<Tokenizer> {
        self.tokenizer.clone()
    }

    /// Bytes of the vocabulary in the file.
    pub fn vocabulary_bytes(&self) -> usize {
        self.vocabulary_bytes
    }

    /// What the model is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The whole file.
    pub fn file_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Every tensor in the order of computation: what it is, its form, its bytes in the file with scales.
    pub fn tensors(&self) -> impl Iterator<Item = (&Tensor, Form, usize)> {
        self.tensors.iter().map(|stored| (&stored.tensor, stored.form, stored.codes.len() + stored.scales.len()))
    }

    /// The encoder's matrix `name`, such as `layers.0.query.weight`.
    ///
    /// # Panics
    /// If the model has no matrix of this name.
    pub fn matrix(&self, name: &str) -> PackedMatrix<'_> {
        let stored = self.stored(name, &[Role::Matrix]);
        let table = self.coded(stored);
        let scales = if stored.form == Form::Full { vec![1.0] } else { floats(table.scales).collect() };
        let (rows, columns, form) = (table.rows, table.columns, table.form);
        PackedMatrix { rows, columns, form, scales, coded: table }
    }

    /// The embedding table `name`: `words`, `embeddings.position` or `embeddings.token_type`.
    ///
    /// # Panics
    /// If the model has no table of this name.
    pub fn table(&self, name: &str) -> PackedTable<'_> {
        self.coded(self.stored(name, &[Role::Table]))
    }

    /// The values of a bias, a gain, a threshold or the classifier's weight.
    ///
    /// # Panics
    /// If the model has no such tensor of this name.
    pub fn vector(&self, name: &str) -> Vec<f32> {
        let stored = self.stored(name, &[Role::Vector, Role::Threshold, Role::Classifier]);
        floats(&self.bytes[stored.codes.clone()]).collect()
    }

    /// Names, types, shapes and bytes of all that the file stores of the model, in the order of computation.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for Stored { tensor, form, codes, scales } in &self.tensors {
            let mut add = |suffix: &str, dtype, shape, bytes: &Range<usize>| {
                let (name, bytes) = (format!("{}{suffix}", tensor.name), self.bytes[bytes.clone()].to_vec());
                entries.push(Entry { name, dtype, shape, bytes });
            };
            if *form == Form::Full {
                add("", Dtype::F32, tensor.shape(), codes);
            } else {
                add(SCALES, Dtype::F32, vec![scales.len() / 4], scales);
                add(form.suffix(), Dtype::U8, vec![tensor.rows, form.row_bytes(tensor.columns)], codes);
            }
        }
        entries
    }

    fn stored(&self, name: &str, roles: &[Role]) -> &Stored {
        let stored =
            self.index.get(name).map(|&i| &self.tensors[i]).filter(|stored| roles.contains(&stored.tensor.role));
        stored.unwrap_or_else(|| panic!("a packed model has no {roles:?} `{name}`"))
    }

    fn coded(&self, stored: &Stored) -> PackedTable<'_> {
        PackedTable {
            rows: stored.tensor.rows,
            columns: stored.tensor.columns,
            form: stored.form,
            codes: &self.bytes[stored.codes.clone()],
            scales: &self.bytes[stored.scales.clone()],
        }
    }
}

impl Stored {
    /// Finds `tensor` in the file in one of its forms, and notes the names it takes.
    fn locate(tensor: Tensor, container: &Container, names: &mut HashSet<String>) -> Result<Self, String> {
        let (forms, scale_count) = tensor.forms(&container.header.student);
        let named = |form: Form| format!("{}{}", tensor.name, form.suffix());
        let form = *forms.iter().find(|&&form| container.contains(&named(form))).unwrap_or(&forms[0]);
        let name = named(form);
        if form == Form::Full {
            let codes = container.place(&name, Dtype::F32, &tensor.shape())?;
            names.insert(name);
            return Ok(Self { tensor, form, codes, scales: 0..0 });
        }
        let codes = container.place(&name, Dtype::U8, &[tensor.rows, form.row_bytes(tensor.columns)])?;
        let scales_name = format!("{}{SCALES}", tensor.name);
        let scales = container.place(&scales_name, Dtype::F32, &[scale_count])?;
        names.extend([name, scales_name]);
        Ok(Self { tensor, form, codes, scales })
    }

    /// Refuses illegal codes, padding, scales and values.
    fn check(&self, bytes: &[u8], header: &Header) -> Result<(), String> {
        let codes = &bytes[self.codes.clone()];
        if self.form != Form::Full {
            self.form.check(codes, self.tensor.columns)?;
            let most = f32::MAX / self.form.top();
            let illegal = |scale: &f32| !(scale.is_sign_positive() && *scale <= most);
            let scales = &bytes[self.scales.clone()];
            return match floats(scales).enumerate().find(|(_, scale)| illegal(scale)) {
                None => Ok(()),
                Some((at, scale)) => Err(format!("scale {at}: expected a number from 0 to {most:e}, found {scale}")),
            };
        }
        if let Some(at) = first_not_finite(codes) {
            let value = floats(codes).nth(at).unwrap_or(f32::NAN);
            return Err(format!("value {at}: expected a finite number, found {value}"));
        }
        if self.tensor.role == Role::Threshold {
            let (time_steps, signed) = (header.student.time_steps, header.student.signed);
            for theta in floats(codes) {
                Equilibrium::new(NeuronConfig { time_steps, signed, theta }).map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }
}

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
    coded: PackedTable<'a>,
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
    codes: &'a [u8],
    scales: &'a [u8],
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
        f32::from_le_bytes(scales[row])
    }

    fn row_bytes(&self, row: usize) -> &[u8] {
        let width = self.form.row_bytes(self.columns);
        &self.codes[row * width..][..width]
    }
}

/// Little-endian values.
fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes))
}

/// Where the first value is that is infinite or no number.
fn first_not_finite(bytes: &[u8]) -> Option<usize> {
    const EXPONENT: u32 = 0x7f80_0000;
    let values = bytes.as_chunks::<4>().0;
    let odd = |&value: &[u8; 4]| u32::from_le_bytes(value) & EXPONENT == EXPONENT;
    values.iter().fold(false, |any, value| any | odd(value)).then(|| values.iter().position(odd))?
}

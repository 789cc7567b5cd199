//! Reading a packed model: everything is checked when it is opened, decoded when it is asked for.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;

use safetensors::tensor::Dtype;

use super::codes::Form;
use super::container::{Container, Entry};
use super::header::{FORMAT_VERSION_WITHOUT_TOKENIZER, Header};
use super::layout::{Role, Tensor, tensors};
use super::rows::{PackedMatrix, PackedTable, floats};
use crate::error::{Fault, Result};
use crate::mapping::{Bytes, Wanted};
use crate::neuron::{Equilibrium, NeuronConfig};
use crate::parallel;
use crate::pointer;
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
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// let packed = bitspike::format::Packed::open(path)?;
    /// let words = packed.table("words");
    /// let mut row = vec![0.0; words.columns];
    /// words.row(101, &mut row); // decoded on the way
    /// assert_eq!(row.len(), packed.header().student.hidden);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if it cannot be read; [`Error::Malformed`](crate::Error::Malformed) with what was expected and found, and in which tensor, if it is
    /// anything but a complete model of a version that is known.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::of(Bytes::read(path, Wanted::MODEL)?).map_err(|fault| fault.at(path))
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
        Self::of(Bytes::map(path, Wanted::MODEL, true)?).map_err(|fault| fault.at(path))
    }

    /// The same on bytes in memory.
    ///
    /// # Errors
    /// [`Error::Bytes`](crate::Error::Bytes), with what [`Packed::open`] would say of a file.
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        Self::of(Bytes::Owned(bytes.into())).map_err(|fault| fault.of_bytes("model in memory"))
    }

    fn of(bytes: Bytes) -> Result<Self, Fault> {
        let Checked { header, tokenizer, vocabulary_bytes, tensors } = Self::check(&bytes)?;
        let index = tensors.iter().enumerate().map(|(i, stored)| (stored.tensor.name.clone(), i)).collect();
        Ok(Self { bytes, header, tokenizer, vocabulary_bytes, tensors, index })
    }

    /// All the checks.
    pub(super) fn check(bytes: &[u8]) -> Result<Checked, Fault> {
        if let Some(message) = pointer::explain(bytes) {
            return Err(message.into());
        }
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
            return Err(Fault::from(format!(
                "tensor `{extra}`: expected the {} tensors of this config, and not this one",
                names.len()
            )));
        }
        let (header, version) = (container.header, container.version);
        let check = |stored: &Stored| {
            stored.check(bytes, &header).map_err(|message| format!("tensor `{}`: {message}", stored.tensor.name))
        };
        let vocabulary_bytes = vocabulary.iter().map(ExactSizeIterator::len).sum();
        let [lengths, text] = vocabulary.map(|range| &bytes[range]);
        let settings = container.tokenizer;
        // Neither needs the other, and they take as long.
        let (checked, tokenizer) = parallel::join(
            || stored.iter().try_for_each(check),
            || settings.map(|settings| Tokenizer::unpack(&settings, lengths, text)).transpose(),
        );
        checked?;
        let tokenizer = tokenizer?;
        if let Some(tokenizer) = &tokenizer {
            let checked = tokenizer.check_vocab(header.student.vocab_size);
            checked.map_err(|e| Fault::of(format!("tensor `{LENGTHS}`"), e))?;
            let expected = header.version(tokenizer);
            if expected != version {
                let message = "metadata `format_version`: expected";
                return Err(Fault::from(format!(
                    "{message} `{expected}` of this configuration and tokeniser, found {version:?}"
                )));
            }
            let (shortest, most) = (tokenizer.frame_tokens(true), header.max_length);
            if shortest > most {
                return Err(Fault::from(format!(
                    "metadata `config`: max_length: expected {shortest} or more, the frame of a pair, found {most}"
                )));
            }
        }
        Ok(Checked { header, tokenizer, vocabulary_bytes, tensors: stored })
    }

    /// The version of the format that the file has.
    pub fn format_version(&self) -> &'static str {
        self.tokenizer.as_ref().map_or(FORMAT_VERSION_WITHOUT_TOKENIZER, |tokenizer| self.header.version(tokenizer))
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

    /// The values of a bias, a gain, a threshold, the classifier's weight or the biases by distance.
    ///
    /// # Panics
    /// If the model has no such tensor of this name.
    pub fn vector(&self, name: &str) -> Vec<f32> {
        let stored = self.stored(name, &[Role::Vector, Role::Threshold, Role::Classifier, Role::Relative]);
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
            let (levels, time_steps, signed) = (header.student.code, header.student.time_steps, header.student.signed);
            for theta in floats(codes) {
                Equilibrium::new(NeuronConfig { levels, time_steps, signed, theta }).map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }
}

/// Where the first value is that is infinite or no number.
fn first_not_finite(bytes: &[u8]) -> Option<usize> {
    const EXPONENT: u32 = 0x7f80_0000;
    let values = bytes.as_chunks::<4>().0;
    let odd = |&value: &[u8; 4]| u32::from_le_bytes(value) & EXPONENT == EXPONENT;
    values.iter().fold(false, |any, value| any | odd(value)).then(|| values.iter().position(odd))?
}

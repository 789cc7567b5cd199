//! Writing a packed model from latent weights.

use std::io::Write;
use std::path::Path;

use safetensors::tensor::Dtype;

use super::codes::Form;
use super::container::{Entry, write};
use super::header::Header;
use super::layout::{Role, Tensor, tensors};
use super::reader::{Packed, SCALES};
use crate::atomic_file;
use crate::error::{Error, Result};
use crate::quantize::{EmbeddingBits, Quantized};
use crate::tokenizer::Tokenizer;
use crate::tokenizer::packed::{LENGTHS, TEXT};

/// What may be chosen when a model is packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Packing {
    /// Precision of the embedding tables, where it is not the one they were trained at: their trained values are quantised
    /// once more.
    pub embedding_bits: Option<EmbeddingBits>,
    /// Tokens kept of a text; as many as in training unless given.
    pub max_length: Option<usize>,
    /// Ternary matrices and tables as five codes a byte rather than four: a fifth smaller, a little slower to open.
    pub trits: bool,
}

/// The packed model of a tokeniser and of the latent weights that `get` hands out by the names of a run's checkpoint (`words`,
/// `layers.0.query.weight`, `embedding_neurons.theta`, ...). Equal input gives equal bytes.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
/// use bitspike::format::{Packed, Packing, pack, tensors};
/// let model = bitspike::Model::load(path)?;
/// let mut header = model.header().clone();
/// let student = &mut header.student;
/// (student.hidden, student.heads, student.intermediate, student.layers) = (8, 2, 16, 1);
/// let all = tensors(student);
/// let latent = |name: &str| -> bitspike::Result<Vec<f32>> {
///     let tensor = all.iter().find(|tensor| tensor.name == name).expect("one of this model's");
///     Ok((0..tensor.rows * tensor.columns).map(|i| 0.5 + (i % 7) as f32).collect())
/// };
/// let file = pack(&header, model.tokenizer(), Packing::default(), latent)?;
/// assert_eq!(*Packed::from_bytes(file)?.header(), header);
/// # Ok::<(), bitspike::Error>(())
/// ```
///
/// # Errors
/// What `get` returns; [`Error::Invalid`] if the header does not pass [`Header::validate`], the tokeniser has ids for which there is
/// no row, an array has the wrong length, a value is not finite, or a threshold is not above 0.
pub fn pack<E: From<Error>>(
    header: &Header,
    tokenizer: &Tokenizer,
    packing: Packing,
    mut get: impl FnMut(&str) -> std::result::Result<Vec<f32>, E>,
) -> std::result::Result<Vec<u8>, E> {
    header.validate()?;
    tokenizer.check_vocab(header.student.vocab_size)?;
    let mut packed = header.clone();
    packed.student.embedding_bits = packing.embedding_bits.unwrap_or(header.student.embedding_bits);
    packed.max_length = packing.max_length.unwrap_or(header.max_length);
    packed.validate()?;
    pack_stored(&packed, tokenizer, |tensor| {
        let values = get(&tensor.name)?;
        let expected = tensor.rows * tensor.columns;
        if values.len() != expected {
            return Err(Error::invalid(&tensor.name, format!("{expected} values"), values.len()).into());
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::invalid(&tensor.name, "finite values", value).into());
        }
        let (values, quantized) = quantize(tensor, values, header, &packed)?;
        let (forms, _) = tensor.forms(&packed.student);
        let form = *forms.iter().find(|&&form| packing.trits && form == Form::Trits).unwrap_or(&forms[0]);
        Ok(match quantized {
            None => StoredTensor::Full(values),
            Some(Quantized { codes, scales, .. }) => StoredTensor::Coded { form, codes, scales },
        })
    })
}

/// What a packed file stores of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredTensor {
    /// Values, row by row.
    Full(Vec<f32>),
    /// Codes, row by row, and scales: one, or one a row.
    Coded {
        /// How the codes are stored.
        form: Form,
        /// `[rows, columns]`
        codes: Vec<i8>,
        /// Scales.
        scales: Vec<f32>,
    },
}

/// The packed model of a tokeniser and of what `get` says is stored of each tensor: nothing is quantised. What was read of a packed
/// model gives its very bytes.
///
/// # Errors
/// What `get` returns; [`Error::Invalid`] if header and tokeniser do not fit, or a tensor is not one that a reader takes: of another
/// form or length, with codes or scales out of range.
pub fn pack_stored<E: From<Error>>(
    header: &Header,
    tokenizer: &Tokenizer,
    mut get: impl FnMut(&Tensor) -> std::result::Result<StoredTensor, E>,
) -> std::result::Result<Vec<u8>, E> {
    header.validate()?;
    tokenizer.check_vocab(header.student.vocab_size)?;
    let mut entries = Vec::new();
    for tensor in tensors(&header.student) {
        let (forms, count) = tensor.forms(&header.student);
        let size = tensor.rows * tensor.columns;
        match get(&tensor)? {
            StoredTensor::Full(values) if forms.contains(&Form::Full) && values.len() == size => {
                entries.push(floats(tensor.name.clone(), tensor.shape(), &values));
            }
            StoredTensor::Coded { form, codes, scales }
                if form != Form::Full && forms.contains(&form) && codes.len() == size && scales.len() == count =>
            {
                if let Some(code) = codes.iter().find(|&&code| !form.has(code)) {
                    return Err(Error::invalid(tensor.name, format!("{form} codes"), code).into());
                }
                let mut bytes = Vec::with_capacity(tensor.rows * form.row_bytes(tensor.columns));
                codes.chunks_exact(tensor.columns).for_each(|row| form.encode_row(row, &mut bytes));
                let shape = vec![tensor.rows, form.row_bytes(tensor.columns)];
                entries.push(floats(format!("{}{SCALES}", tensor.name), vec![count], &scales));
                entries.push(Entry {
                    name: format!("{}{}", tensor.name, form.suffix()),
                    dtype: Dtype::U8,
                    shape,
                    bytes,
                });
            }
            other => {
                let found = match other {
                    StoredTensor::Full(values) => format!("{} values", values.len()),
                    StoredTensor::Coded { form, codes, scales } => {
                        format!("{} {form} codes and {} scales", codes.len(), scales.len())
                    }
                };
                let expected = format!("{size} values as {} with {count} scales", forms[0]);
                return Err(Error::invalid(tensor.name, expected, found).into());
            }
        }
    }
    // What is written can be read: thresholds and extreme scales are judged by the reader's own rules.
    let file = finish(header, tokenizer, entries)?;
    Packed::check(&file).map_err(|message| Error::invalid("packed model", "weights that can be stored", message))?;
    Ok(file)
}

/// The file of a model that is packed already, with another tokeniser within: one of version 1 and the tokeniser beside it become one of
/// the version that is written now. Every tensor keeps its bits.
///
/// # Errors
/// [`Error::Invalid`] if the tokeniser has ids for which the model has no row.
pub fn upgrade(packed: &Packed, tokenizer: &Tokenizer) -> Result<Vec<u8>> {
    tokenizer.check_vocab(packed.header().student.vocab_size)?;
    finish(packed.header(), tokenizer, packed.entries())
}

/// The file of the model's entries and the tokeniser's.
fn finish(header: &Header, tokenizer: &Tokenizer, mut entries: Vec<Entry>) -> Result<Vec<u8>> {
    let version = header.version(tokenizer);
    let tokenizer = tokenizer.pack()?;
    for (name, bytes) in [(LENGTHS, tokenizer.lengths), (TEXT, tokenizer.text)] {
        entries.push(Entry { name: name.to_owned(), dtype: Dtype::U8, shape: vec![bytes.len()], bytes });
    }
    Ok(write(header, (version, tokenizer.settings), entries))
}

/// [`pack`]s into the file `path`, written beside it under another name, flushed to the disk and renamed; returns what was written.
///
/// # Errors
/// As [`pack`], and [`Error::Io`] if the file cannot be written: an earlier one is then untouched.
pub fn save<E: From<Error>>(
    path: &Path,
    header: &Header,
    tokenizer: &Tokenizer,
    packing: Packing,
    get: impl FnMut(&str) -> std::result::Result<Vec<f32>, E>,
) -> std::result::Result<Packed, E> {
    let bytes = pack(header, tokenizer, packing, get)?;
    atomic_file::write(path, |file| file.write_all(&bytes))?;
    Ok(Packed::from_bytes(bytes)?)
}

/// Codes of a tensor that has some, or else its values. A table that was trained at another precision than the packed one is
/// quantised to the former first, since those are the values that the model was trained with.
fn quantize(
    tensor: &Tensor,
    values: Vec<f32>,
    trained: &Header,
    packed: &Header,
) -> Result<(Vec<f32>, Option<Quantized>)> {
    let shape = [tensor.rows, tensor.columns];
    let (trained, packed) = (&trained.student, &packed.student);
    let quantized = match tensor.role {
        Role::Matrix => packed.weight_bits.quantize(&values, shape, packed.granularity)?,
        Role::Table => match trained.embedding_bits.quantize(&values, shape)? {
            Some(quantized) if trained.embedding_bits != packed.embedding_bits => {
                let values = quantized.dequantize();
                let again = packed.embedding_bits.quantize(&values, shape)?;
                return Ok((values, again));
            }
            Some(quantized) => Some(quantized),
            None => packed.embedding_bits.quantize(&values, shape)?,
        },
        Role::Classifier | Role::Relative | Role::Vector | Role::Threshold => None,
    };
    Ok((values, quantized))
}

fn floats(name: String, shape: Vec<usize>, values: &[f32]) -> Entry {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Entry { name, dtype: Dtype::F32, shape, bytes }
}

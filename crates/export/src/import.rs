//! A packed model of an ONNX file that [`crate::Export`] wrote.

use std::collections::HashMap;
use std::path::Path;

use bitspike::format::{Form, Header, Role, StoredTensor, Tensor, pack_stored};
use bitspike::tokenizer::Tokenizer;

use crate::error::{Error, Result};
use crate::protobuf::{Field, fields};

/// `TensorProto.DataType` of what is read.
const FLOAT: u64 = 1;
const UINT8: u64 = 2;
const INT4: u64 = 22;
const INT2: u64 = 26;

/// Reads the export of a student back: the bytes of its packed file, those that it was exported from. The tokenizer is the
/// `tokenizer.json` beside the file, or, as transformers.js has it, in the folder above.
///
/// # Errors
/// [`Error::Malformed`] if the file is no ONNX, is of another program (the first node that is not understood is named), or lacks a
/// weight; [`Error::Model`] if what it holds is no student.
pub fn from_onnx(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let malformed = |message: String| Error::Malformed { path: path.to_owned(), message };
    let file = File::read(&bytes).map_err(|message| malformed(format!("expected an ONNX file: {message}")))?;
    let Some(config) = file.metadata.get("bitspike.config") else {
        return Err(malformed(file.foreign()));
    };
    let header: Header = serde_json::from_str(config)
        .map_err(|e| malformed(format!("metadata `bitspike.config`: {e}; export the model with this version")))?;
    let forms: HashMap<String, String> = file
        .metadata
        .get("bitspike.forms")
        .and_then(|forms| serde_json::from_str(forms).ok())
        .ok_or_else(|| malformed("metadata `bitspike.forms`: expected the form of each tensor".to_owned()))?;
    header.validate()?;
    let above = folder.join("..");
    let is_above = !folder.join("tokenizer.json").exists() && above.join("tokenizer.json").exists();
    let tokenizer = Tokenizer::load_saved(if is_above { &above } else { folder })?;
    pack_stored(&header, &tokenizer, |tensor| file.stored(tensor, &forms).map_err(malformed))
}

/// What is read of an ONNX file.
#[derive(Debug, Default)]
struct File<'a> {
    metadata: HashMap<&'a str, &'a str>,
    tensors: HashMap<&'a str, Initializer<'a>>,
    /// Operator, domain and name of each node.
    nodes: Vec<[&'a str; 3]>,
}

/// A constant tensor.
#[derive(Debug, Default)]
struct Initializer<'a> {
    shape: Vec<u64>,
    kind: u64,
    raw: &'a [u8],
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut file = Self::default();
        let mut is_model = false;
        for field in fields(bytes) {
            match field? {
                (7, Field::Bytes(graph)) => {
                    is_model = true;
                    file.graph(graph)?;
                }
                (14, Field::Bytes(entry)) => {
                    let [key, value] = texts(entry, [1, 2])?;
                    file.metadata.insert(key, value);
                }
                _ => {}
            }
        }
        if is_model { Ok(file) } else { Err("found no graph".to_owned()) }
    }

    fn graph(&mut self, bytes: &'a [u8]) -> Result<(), String> {
        for field in fields(bytes) {
            match field? {
                (1, Field::Bytes(node)) => self.nodes.push(texts(node, [4, 7, 3])?),
                (5, Field::Bytes(tensor)) => {
                    let mut initializer = Initializer::default();
                    let mut name = "";
                    for field in fields(tensor) {
                        match field? {
                            (1, Field::Integer(length)) => initializer.shape.push(length),
                            // Packed, as other writers have them.
                            (1, Field::Bytes(lengths)) => initializer.shape.extend(packed(lengths)?),
                            (2, Field::Integer(kind)) => initializer.kind = kind,
                            (8, Field::Bytes(text)) => name = str::from_utf8(text).map_err(|e| e.to_string())?,
                            (9, Field::Bytes(raw)) => initializer.raw = raw,
                            _ => {}
                        }
                    }
                    self.tensors.insert(name, initializer);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Why a file of another program is not read, by its first node that no export of ours has.
    fn foreign(&self) -> String {
        let ours = |&&[operator, domain, _]: &&[&str; 3]| {
            !domain.is_empty() && domain != "ai.onnx" || matches!(operator, "Quant" | "BipolarQuant")
        };
        let node = self.nodes.iter().find(ours).or(self.nodes.first());
        let [operator, domain, name] = node.copied().unwrap_or(["no operator", "", ""]);
        let of = if domain.is_empty() { String::new() } else { format!(" of {domain}") };
        format!(
            "expected what `bitspike export --to onnx` wrote, with `bitspike.config` in its metadata; the first node that is not \
             understood is `{name}` ({operator}{of})"
        )
    }

    fn stored(&self, tensor: &Tensor, forms: &HashMap<String, String>) -> Result<StoredTensor, String> {
        let (rows, columns) = (tensor.rows, tensor.columns);
        let Some(form) = forms.get(&tensor.name) else {
            return Ok(StoredTensor::Full(self.floats(&tensor.name, rows * columns)?));
        };
        let form = [Form::EightBit, Form::FourBit, Form::TwoBit, Form::Trits, Form::OneBit]
            .into_iter()
            .find(|known| known.to_string() == *form)
            .ok_or_else(|| {
                format!("metadata `bitspike.forms`: expected a known form of {}, found `{form}`", tensor.name)
            })?;
        let scales = self.get(&format!("{}.scales", tensor.name))?.raw.len() / 4;
        let scales = self.floats(&format!("{}.scales", tensor.name), scales)?;
        let stored = self.get(&tensor.name)?;
        let codes = match (tensor.role, stored.kind) {
            (Role::Table, UINT8) => {
                let width = form.row_bytes(columns);
                stored.check(&tensor.name, &[rows, width], rows * width)?;
                let mut codes = vec![0; rows * columns];
                let per_byte = (1..=8).rev().find(|&codes| form.row_bytes(codes) == 1).unwrap_or(1);
                let mut one = vec![0; per_byte];
                for (row, bytes) in codes.chunks_exact_mut(columns).zip(stored.raw.chunks_exact(width)) {
                    for (codes, &byte) in row.chunks_mut(per_byte).zip(bytes) {
                        form.codes_of_byte(byte, &mut one);
                        codes.copy_from_slice(&one[..codes.len()]);
                    }
                }
                codes
            }
            (Role::Matrix, INT4 | INT2) => {
                let bits = if stored.kind == INT4 { 4 } else { 2 };
                stored.check(&tensor.name, &[columns, rows], (rows * columns * bits).div_ceil(8))?;
                let mut codes = vec![0; rows * columns];
                for i in 0..rows * columns {
                    let shift = 8 - bits - i * bits % 8;
                    let code = (stored.raw[i * bits / 8] << shift) as i8 >> (8 - bits);
                    codes[i % rows * columns + i / rows] = code;
                }
                codes
            }
            (Role::Matrix, UINT8) => {
                let width = rows.div_ceil(4);
                stored.check(&tensor.name, &[columns, width], columns * width)?;
                let mut codes = vec![0; rows * columns];
                for (column, bytes) in stored.raw.chunks_exact(width).enumerate() {
                    for row in 0..rows {
                        let code = bytes[row / 4] >> (2 * (row % 4)) & 3;
                        if code == 3 {
                            return Err(format!(
                                "tensor `{}`: expected codes 0, 1 and 2 in its bytes, found 3",
                                tensor.name
                            ));
                        }
                        codes[row * columns + column] = code as i8 - 1;
                    }
                }
                codes
            }
            (_, kind) => return Err(format!("tensor `{}`: expected codes, found type {kind}", tensor.name)),
        };
        Ok(StoredTensor::Coded { form, codes, scales })
    }

    fn get(&self, name: &str) -> Result<&Initializer<'a>, String> {
        self.tensors.get(name).ok_or_else(|| {
            format!("expected the constant `{name}`, found none: its weights are computed or in another file, which is not read")
        })
    }

    fn floats(&self, name: &str, length: usize) -> Result<Vec<f32>, String> {
        let tensor = self.get(name)?;
        if tensor.kind != FLOAT || tensor.raw.len() != 4 * length {
            let found = format!("type {} and {} bytes", tensor.kind, tensor.raw.len());
            return Err(format!("tensor `{name}`: expected {length} values of f32, found {found}"));
        }
        Ok(tensor.raw.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }
}

impl Initializer<'_> {
    fn check(&self, name: &str, shape: &[usize; 2], bytes: usize) -> Result<(), String> {
        if self.shape == shape.map(|length| length as u64) && self.raw.len() == bytes {
            return Ok(());
        }
        let found = format!("{:?} in {} bytes", self.shape, self.raw.len());
        Err(format!("tensor `{name}`: expected {shape:?} in {bytes} bytes, found {found}"))
    }
}

/// The text fields of a message, empty where it has none.
fn texts<const N: usize>(bytes: &[u8], numbers: [u32; N]) -> Result<[&str; N], String> {
    let mut found = [""; N];
    for field in fields(bytes) {
        if let (number, Field::Bytes(text)) = field?
            && let Some(place) = numbers.iter().position(|&wanted| wanted == number)
        {
            found[place] = str::from_utf8(text).map_err(|e| e.to_string())?;
        }
    }
    Ok(found)
}

/// Numbers one after another: as fields of their own, each behind the key of field 0.
fn packed(bytes: &[u8]) -> Result<Vec<u64>, String> {
    let mut keyed = Vec::new();
    let mut begins = true;
    for &byte in bytes {
        if begins {
            keyed.push(0);
        }
        keyed.push(byte);
        begins = byte < 0x80;
    }
    fields(&keyed)
        .map(|field| match field? {
            (_, Field::Integer(value)) => Ok(value),
            other => Err(format!("expected a length, found {other:?}")),
        })
        .collect()
}

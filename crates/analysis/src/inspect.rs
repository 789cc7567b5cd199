//! What is in a packed model file, measured.

use bitspike::format::{Form, Header, Packed, Role, Tensor};
use serde::Serialize;

use crate::digest::sha256;

/// A packed model: its configuration, every tensor, and what it all takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Contents {
    /// Where it came from.
    pub file: String,
    pub bytes: usize,
    /// Of the file, in hexadecimal digits.
    pub sha256: String,
    /// Version of the format.
    pub format_version: &'static str,
    /// What the file says of itself.
    pub config: Header,
    /// Every tensor, in the file's order.
    pub tensors: Vec<TensorContents>,
    /// Tables, matrices, all else.
    pub parts: Vec<Part>,
    /// The tokens and their lengths, where the file holds its tokeniser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary_bytes: Option<usize>,
    /// The safetensors header.
    pub header_bytes: usize,
    /// A BERT of the same sizes in `f32`.
    pub full_bytes: u64,
    /// `full_bytes / bytes`
    pub times_smaller: f64,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct TensorContents {
    /// As in `docs/format.md`.
    pub name: String,
    /// Form of its values, such as `trits`.
    pub form: String,
    pub shape: [usize; 2],
    pub bytes: usize,
    /// Bits a value, scales included.
    pub bits: f64,
    /// Share of the codes that are 0; none in `f32`.
    pub zeros: Option<f64>,
    /// None in `f32`.
    pub scales: Option<Scales>,
}

/// The scales of a tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Scales {
    pub count: usize,
    pub min: f32,
    pub mean: f64,
    pub max: f32,
}

/// Several tensors together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Part {
    pub name: &'static str,
    pub tensors: usize,
    /// In all of them.
    pub values: u64,
    pub bytes: usize,
    /// Share of the codes that are 0; none in `f32`.
    pub zeros: Option<f64>,
}

/// Measures `packed`, which came from `file`.
pub fn inspect(file: &str, packed: &Packed) -> Contents {
    let bytes = packed.file_bytes().len();
    let mut parts = [("embedding tables", 0), ("encoder matrices", 0), ("all else", 0)]
        .map(|(name, tensors)| (Part { name, tensors, values: 0, bytes: 0, zeros: None }, 0));
    let mut tensors = Vec::new();
    for (tensor, form, size) in packed.tensors() {
        let (zeros, scales) = measure(packed, tensor, form);
        let values = tensor.rows as u64 * tensor.columns as u64;
        let at = match tensor.role {
            Role::Table => 0,
            Role::Matrix => 1,
            Role::Classifier | Role::Relative | Role::Vector | Role::Threshold => 2,
        };
        let (part, zeros_of_part) = &mut parts[at];
        part.tensors += 1;
        part.values += values;
        part.bytes += size;
        *zeros_of_part += zeros.unwrap_or(0);
        part.zeros = zeros.map(|_| *zeros_of_part as f64 / part.values as f64);
        tensors.push(TensorContents {
            name: tensor.name.clone(),
            form: form.to_string(),
            shape: [tensor.rows, tensor.columns],
            bytes: size,
            bits: 8.0 * size as f64 / values as f64,
            zeros: zeros.map(|zeros| zeros as f64 / values as f64),
            scales,
        });
    }
    let vocabulary = packed.vocabulary_bytes();
    let full_bytes = packed.header().student.full_bytes();
    Contents {
        file: file.to_owned(),
        bytes,
        sha256: sha256(packed.file_bytes()),
        format_version: packed.format_version(),
        config: packed.header().clone(),
        vocabulary_bytes: (vocabulary > 0).then_some(vocabulary),
        header_bytes: bytes - vocabulary - parts.iter().map(|(part, _)| part.bytes).sum::<usize>(),
        tensors,
        parts: parts.map(|(part, _)| part).into(),
        full_bytes,
        times_smaller: full_bytes as f64 / bytes as f64,
    }
}

/// Number of zero codes, and the scales, of a tensor that has some.
fn measure(packed: &Packed, tensor: &Tensor, form: Form) -> (Option<u64>, Option<Scales>) {
    if form == Form::Full {
        return (None, None);
    }
    let mut codes = vec![0; tensor.columns];
    let mut zeros = 0;
    let mut count = |codes: &[i8]| zeros += codes.iter().filter(|&&code| code == 0).count() as u64;
    let scales: Vec<f32> = if tensor.role == Role::Table {
        let table = packed.table(&tensor.name);
        for row in 0..table.rows {
            table.codes_row(row, &mut codes);
            count(&codes);
        }
        (0..table.rows).map(|row| table.scale(row)).collect()
    } else {
        let matrix = packed.matrix(&tensor.name);
        for row in 0..matrix.rows {
            matrix.codes_row(row, &mut codes);
            count(&codes);
        }
        matrix.scales
    };
    let mean = scales.iter().map(|&scale| f64::from(scale)).sum::<f64>() / scales.len() as f64;
    let [min, max] = [scales.iter().copied().reduce(f32::min), scales.iter().copied().reduce(f32::max)];
    let scales = min.zip(max).map(|(min, max)| Scales { count: scales.len(), min, mean, max });
    (Some(zeros), scales)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_header_are_the_whole_file() {
        let model = crate::fixture::model();
        let contents = inspect("small", model.packed());
        let parts: usize = contents.parts.iter().map(|part| part.bytes).sum();
        assert_eq!(parts + contents.header_bytes + contents.vocabulary_bytes.unwrap_or(0), contents.bytes);
        assert_eq!(contents.tensors.iter().map(|tensor| tensor.bytes).sum::<usize>(), parts);
        let matrix = contents.tensors.iter().find(|tensor| tensor.zeros.is_some()).unwrap();
        let scales = matrix.scales.as_ref().unwrap();
        assert!(matrix.bits < 8.0 && f64::from(scales.min) <= scales.mean && scales.mean <= f64::from(scales.max));
    }
}

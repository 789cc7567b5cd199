//! Vectors of texts, in the forms that Python asks for.

use std::sync::atomic::{AtomicBool, Ordering};

use bitspike::vector::{BitOrder, binary, int8, shaped};
use bitspike::{Answer, Input, Model};
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use rayon::prelude::*;

use crate::fault::{Fault, Kind, Result};
use crate::texts::Text;

/// Texts between two looks at whether to stop.
const CHUNK: usize = 256;

/// Which vectors are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    normalize: bool,
    dims: Option<usize>,
}

impl Shape {
    /// Of `model`: as it has them where nothing else is said.
    pub(crate) fn new(model: &Model, normalize: Option<bool>, dims: Option<usize>) -> Result<Self> {
        model.check_embeds()?;
        let width = model.header().student.hidden;
        if let Some(found) = dims.filter(|dims| !(1..=width).contains(dims)) {
            return Err(Fault::at(Kind::Option, "truncate_dim", format!("1 to {width}"), found));
        }
        Ok(Self { normalize: normalize.unwrap_or(model.task().target.normalizes()), dims })
    }

    /// Values of a vector.
    pub(crate) fn width(&self, model: &Model) -> usize {
        self.dims.unwrap_or(model.header().student.hidden)
    }

    /// The vector of an answer.
    pub(crate) fn of(&self, answer: &Answer) -> Result<Vec<f32>> {
        Ok(shaped(&answer.logits, self.dims, self.normalize)?)
    }
}

/// How a value is kept.
#[derive(Debug, Clone, Copy)]
enum Precision {
    Float32,
    Int8,
    /// Bits, eight a byte less 128.
    Binary,
    /// Bits, eight a byte.
    UBinary,
}

impl Precision {
    fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "float32" => Self::Float32,
            "int8" => Self::Int8,
            "binary" => Self::Binary,
            "ubinary" => Self::UBinary,
            other => {
                let found = format!("`{}`", other.escape_debug());
                return Err(Fault::at(Kind::Option, "precision", "float32, int8, binary or ubinary", found));
            }
        })
    }

    fn bytes(self, values: &[f32], order: BitOrder) -> Vec<u8> {
        match self {
            Self::Float32 => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Self::Int8 => int8(values).into_iter().map(|code| code as u8).collect(),
            // NumPy's packbits less 128, as sentence-transformers has it.
            Self::Binary => binary(values, order).into_iter().map(|byte| byte ^ 0x80).collect(),
            Self::UBinary => binary(values, order),
        }
    }
}

/// What the model gives for texts, unless somebody wants it to stop.
pub(crate) fn answers(model: &Model, texts: &[Text], stop: &AtomicBool) -> Result<Vec<Answer>> {
    let most = model.header().max_length;
    let encode = |text: &Text| {
        let Input { first, second } = text.into();
        model.tokenizer().encode_cut(first, second, most)
    };
    let mut answers = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(CHUNK) {
        if stop.load(Ordering::Relaxed) {
            return Err(Fault::new(Kind::Error, "stopped"));
        }
        let (encodings, cut): (Vec<_>, Vec<bool>) = chunk.par_iter().map(encode).unzip();
        let of_chunk = model.answer_ids(&encodings)?.into_iter().zip(cut);
        answers.extend(of_chunk.map(|(answer, truncated)| Answer { truncated, ..answer }));
    }
    Ok(answers)
}

/// The vectors of texts one after another, in bytes: 32-bit floats in the machine's order, or a byte a value or eight.
pub(crate) fn bytes<'py>(
    py: Python<'py>,
    engine: &crate::engine::Shared,
    texts: Vec<Text>,
    shape: Shape,
    (precision, order): (&str, &str),
) -> PyResult<Bound<'py, PyByteArray>> {
    let precision = Precision::parse(precision)?;
    let order = order.parse::<BitOrder>().map_err(Fault::from)?;
    let bytes = engine.run(py, move |model, stop| {
        let mut all = Vec::new();
        for answer in answers(model, &texts, stop)? {
            all.append(&mut precision.bytes(&shape.of(&answer)?, order));
        }
        Ok(all)
    })?;
    Ok(PyByteArray::new(py, &bytes))
}

//! Texts as KServe's V2 protocol carries them: tensors of JSON, or of raw bytes behind it.

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::inputs::Item;
use crate::models::Served;
use crate::problem::{Kind, Problem, Result};

/// Where JSON ends and raw bytes begin.
const LENGTH: &str = "Inference-Header-Content-Length";

/// An input.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InferInput)]
pub(super) struct Tensor {
    name: String,
    #[schema(value_type = Vec<u32>)]
    shape: Vec<f64>,
    /// `BYTES`
    datatype: String,
    parameters: Option<Map<String, Value>>,
    /// Texts, nested or not; none where they follow as raw bytes.
    data: Option<Value>,
}

/// JSON and the raw bytes behind it.
pub(super) fn split<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let Some(length) = headers.get(LENGTH) else { return Ok((body, &[])) };
    let length = length.to_str().ok().and_then(|length| length.trim().parse().ok());
    length.and_then(|length| body.split_at_checked(length)).ok_or_else(|| {
        let message = format!("{LENGTH}: expected a number of bytes up to the body's {}", body.len());
        Problem::new(Kind::Syntax, message).at(LENGTH)
    })
}

/// The texts of the inputs.
pub(super) fn items(served: &Served, inputs: Vec<Tensor>, mut raw: &[u8]) -> Result<Vec<Item>> {
    let mut columns: [Option<Vec<String>>; 2] = [None, None];
    let single = !served.is_pair() && inputs.len() == 1;
    for (i, tensor) in inputs.into_iter().enumerate() {
        let at = |part: &str| format!("inputs[{i}].{part}");
        // A model with one input needs no name to know which is meant.
        let column = match tensor.name.as_str() {
            "text" => 0,
            "text_pair" if served.is_pair() => 1,
            _ if single => 0,
            other => {
                let names = if served.is_pair() { "text and text_pair" } else { "text" };
                return Err(Problem::value(at("name"), format!("expected {names}, found `{other}`")));
            }
        };
        if tensor.datatype != "BYTES" {
            return Err(Problem::value(at("datatype"), format!("expected BYTES, found `{}`", tensor.datatype)));
        }
        let size = tensor.parameters.as_ref().and_then(|parameters| parameters.get("binary_data_size")?.as_u64());
        let texts = match (tensor.data, size) {
            (Some(data), None) => {
                let mut texts = Vec::new();
                flatten(data, &mut texts, &at("data"))?;
                texts
            }
            (None, Some(size)) => {
                let own = usize::try_from(size).ok().and_then(|size| raw.split_off(..size));
                let own = own.ok_or_else(|| {
                    Problem::value(at("parameters.binary_data_size"), "there are not as many bytes behind the JSON")
                })?;
                elements(own).map_err(|problem| problem.at(at("data")))?
            }
            _ => return Err(Problem::value(at("data"), "expected either data or the parameter binary_data_size")),
        };
        let expected: f64 = tensor.shape.iter().product();
        if tensor.shape.is_empty() || expected != texts.len() as f64 {
            let message = format!("expected [{}] or [{}, 1], found {:?}", texts.len(), texts.len(), tensor.shape);
            return Err(Problem::value(at("shape"), message));
        }
        if columns[column].replace(texts).is_some() {
            return Err(Problem::value(at("name"), format!("`{}` is there twice", tensor.name)));
        }
    }
    let [Some(first), second] = columns else {
        return Err(Problem::value("inputs", "expected an input named text, found none"));
    };
    match second {
        None => Ok(first.into_iter().map(Item::from).collect()),
        Some(second) if second.len() == first.len() => {
            Ok(first.into_iter().zip(second).map(|(first, second)| Item { first, second: Some(second) }).collect())
        }
        Some(second) => {
            let message =
                format!("expected as many second texts as first ones, {}, found {}", first.len(), second.len());
            Err(Problem::value("inputs", message))
        }
    }
}

/// Texts of JSON, whatever lists they are in.
fn flatten(data: Value, texts: &mut Vec<String>, at: &str) -> Result<()> {
    match data {
        Value::String(text) => texts.push(text),
        Value::Array(list) => list.into_iter().try_for_each(|one| flatten(one, texts, at))?,
        other => return Err(Problem::value(at, format!("expected texts, found {other}"))),
    }
    Ok(())
}

/// Elements of raw bytes: each its length in 4 bytes, the lowest first, and its UTF-8.
fn elements(mut bytes: &[u8]) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let length = bytes.split_off(..4).map(|length| u32::from_le_bytes(length.try_into().unwrap_or_default()));
        let text = length.and_then(|length| bytes.split_off(..length as usize));
        let text =
            text.ok_or_else(|| Problem::new(Kind::Value, "an element is longer than the bytes that are left"))?;
        let text = std::str::from_utf8(text);
        texts
            .push(text.map_err(|error| Problem::new(Kind::Value, format!("a text is not UTF-8: {error}")))?.to_owned());
    }
    Ok(texts)
}

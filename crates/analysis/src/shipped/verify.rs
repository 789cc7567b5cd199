//! A shipped model's figures, computed again.

use std::path::Path;

use bitspike::format::Packed;
use bitspike::tokenizer::Tokenizer;
use bitspike::{Model, Options};
use bitspike_hub::PackedModel;
use serde::Serialize;

use super::difference::{Difference, difference};
use super::measure::{ModelFiles, measure};
use super::metrics::{MeasuredModel, Metrics};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::examples::EncodedSplit;
use bitspike_hub::{METRICS, MODEL, TOKENIZER};

/// What was found, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Verified {
    pub model: String,
    /// Values compared.
    pub compared: usize,
    /// Those that differ.
    pub differences: Vec<Difference>,
    /// What was measured now.
    pub measured: MeasuredModel,
    /// What may explain the differences: files or data that are not those of `metrics.json`.
    #[serde(skip)]
    pub reasons: Vec<String>,
}

impl Verified {
    /// Why the model is not what `metrics.json` says; none where it is.
    pub fn failure(&self) -> Option<String> {
        let Self { model, compared, differences, reasons, .. } = self;
        if differences.is_empty() {
            return None;
        }
        let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
        let count = differences.len();
        Some(format!("{model}: {count} of {compared} values are not those of {METRICS}{reasons}"))
    }
}

/// Measures `model` on the dev set in `data`, and compares it with what its `metrics.json` says. The data may be in another form
/// than the one that was measured, as long as it holds the same examples.
///
/// # Errors
/// If there is no `metrics.json`, the model does not open, or the data is missing, bad or without labels.
pub fn verify(model: &PackedModel, data: &Path) -> Result<Verified> {
    let Some(recorded) = Metrics::of(model)? else { return Err(Error::NotMeasured { model: model.to_string() }) };
    // A model that holds its own tokeniser was measured without another file.
    let beside = recorded.measured.files.contains_key(TOKENIZER);
    let packed = model.packed().read()?;
    let tokenizer = model.beside(TOKENIZER).filter(|_| beside).map(|file| file.read()).transpose()?;
    let files = ModelFiles { model: &packed, tokenizer: tokenizer.as_deref() };
    verify_files(&model.to_string(), &files, &recorded, data)
}

/// Measures the model of `files`, called `name`, and compares it with what was `recorded`.
fn verify_files(name: &str, files: &ModelFiles<'_>, recorded: &Metrics, data: &Path) -> Result<Verified> {
    // A damaged file may not even open, and its hash says why.
    let mut reasons = Vec::new();
    let shipped = [(MODEL, Some(files.model)), (TOKENIZER, files.tokenizer)];
    for (name, bytes) in shipped.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))) {
        let (recorded, found) = (recorded.measured.files.get(name), sha256(bytes));
        if recorded.is_none_or(|recorded| recorded.sha256 != found) {
            let recorded = recorded.map_or("none", |recorded| recorded.sha256.as_str());
            reasons.push(format!("{name}: expected SHA-256 {recorded}, found {found}"));
        }
    }
    let model = open(files).map_err(|source| Error::NotOpened {
        model: name.to_owned(),
        hashes: match reasons.is_empty() {
            true => "its files have the hashes of metrics.json".to_owned(),
            false => reasons.join("; "),
        },
        source,
    })?;
    let measured = measure(&model, files, &EncodedSplit::dev_of(&model, data)?)?;
    let mut recorded = recorded.measured.clone();
    if measured.data.examples_sha256 == recorded.data.examples_sha256 {
        // The same examples in another form, such as the hub's Parquet for GLUE's TSV.
        recorded.data.files.clone_from(&measured.data.files);
    } else {
        reasons.push(format!("{} does not hold the examples that {METRICS} was measured on", data.display()));
    }
    let (compared, differences) = difference(&recorded, &measured);
    Ok(Verified { model: name.to_owned(), compared, differences, measured, reasons })
}

fn open(files: &ModelFiles<'_>) -> bitspike::Result<Model> {
    let tokenizer = files.tokenizer.map(Tokenizer::from_json).transpose()?;
    Options::new().build(Packed::from_bytes(files.model.to_vec())?, tokenizer)
}

#[cfg(test)]
mod tests;

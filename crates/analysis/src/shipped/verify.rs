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
pub struct Verified {
    /// The model's name.
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
    let read = |name| model.beside(name).map(|file| file.read()).transpose();
    let (file, tokenizer) = (read(MODEL)?.unwrap_or_default(), read(TOKENIZER)?);
    let files = ModelFiles { model: &file, tokenizer: tokenizer.as_deref() };
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
    let packed = Packed::from_bytes(files.model.to_vec())?;
    let missing = || bitspike::Error::invalid("model", format!("{TOKENIZER} beside {MODEL}"), "none");
    let tokenizer = Tokenizer::from_json(files.tokenizer.ok_or_else(missing)?)?;
    Options::new().build(packed, tokenizer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{shipped, write_data};

    /// Files and figures of a model that is shipped, with figures of the test's own data.
    fn tiny(data: &Path) -> (Vec<u8>, Vec<u8>, Metrics) {
        let folder = shipped("sst2-tiny");
        let [model, tokenizer] = [MODEL, TOKENIZER].map(|name| std::fs::read(folder.join(name)).unwrap());
        let mut metrics = Metrics::load(&folder.join(METRICS)).unwrap().unwrap();
        let files = ModelFiles { model: &model, tokenizer: Some(&tokenizer) };
        metrics.measured = verify_files("sst2-tiny", &files, &metrics, data).unwrap().measured;
        (model, tokenizer, metrics)
    }

    #[test]
    fn a_model_is_what_it_was_and_a_changed_count_is_found() {
        let data = tempfile::tempdir().unwrap();
        write_data(data.path());
        let (model, tokenizer, mut metrics) = tiny(data.path());
        let files = ModelFiles { model: &model, tokenizer: Some(&tokenizer) };
        let verified = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap();
        assert_eq!((verified.failure(), verified.differences), (None, vec![]));
        assert!(verified.compared > 50);

        metrics.measured.spikes.populations[1].spikes += 1;
        let verified = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap();
        let [difference] = &verified.differences[..] else { panic!("{:?}", verified.differences) };
        assert_eq!(difference.what, "spikes.populations.layer.0.key.spikes");
        assert!(verified.failure().unwrap().contains("1 of "));

        // Other labels are other data.
        let rows = std::fs::read_to_string(data.path().join("dev.tsv")).unwrap();
        std::fs::write(data.path().join("dev.tsv"), rows.replace("w6\t1", "w6\t0")).unwrap();
        let verified = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap();
        assert!(verified.failure().unwrap().contains("does not hold the examples"));
    }

    #[test]
    fn a_damaged_file_says_which_it_is() {
        let data = tempfile::tempdir().unwrap();
        write_data(data.path());
        let (mut model, tokenizer, metrics) = tiny(data.path());
        model.pop();
        let files = ModelFiles { model: &model, tokenizer: Some(&tokenizer) };
        let error = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap_err().to_string();
        assert!(error.contains("model.safetensors: expected SHA-256") && error.contains("model in memory"), "{error}");
    }
}

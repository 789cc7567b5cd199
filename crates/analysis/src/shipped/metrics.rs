//! `metrics.json`: everything that was measured of a shipped model.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use bitspike::atomic_file;
use bitspike::config::Pooling;
use bitspike::count::Operations;
use bitspike::neuron::Levels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::estimates::EnergyEstimates;
use super::origins::OriginsOf;
use super::seeds::Seeds;
use crate::error::{Error, Result};
use crate::teacher::TeacherFacts;
use crate::timing::Latency;
use bitspike_hub::{METRICS, MODEL, ModelFile, PackedModel, is_name};

/// The `format` that this version writes and reads.
const FORMAT: &str = "bitspike-metrics-1";

/// Largest file read; one has some 10 kB.
const MAX_BYTES: u64 = 1 << 20;

/// Longest text in it.
const MAX_TEXT: usize = 2000;

/// A shipped model in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Metrics {
    /// `bitspike-metrics-1`
    pub format: String,
    pub name: String,
    /// What `bitspike verify` computes again.
    pub measured: MeasuredModel,
    /// How the model was made.
    pub made: Made,
    /// Whose data and whose teacher.
    pub origins: OriginsOf,
    /// The teacher on the same examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherFacts>,
    /// Estimates of energy.
    pub energy: EnergyEstimates,
    /// Time of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// What the engine computes of a model on the dev set: the same on every machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredModel {
    /// The model's own files.
    pub files: BTreeMap<String, FileFacts>,
    /// What the student is.
    pub model: ModelShape,
    /// What it was measured on.
    pub data: MeasuredData,
    /// Value of each of the task's metrics.
    pub scores: BTreeMap<String, f64>,
    /// The metric that stands for all.
    pub primary: String,
    /// Spikes over all examples.
    pub spikes: MeasuredSpikes,
    /// Of all examples, `phased` at the model's own `T`.
    pub operations: Operations,
    /// Share of the encoder's weights that are zero.
    pub connection_sparsity: f64,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct FileFacts {
    pub bytes: u64,
    pub sha256: String,
}

/// What the student is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct ModelShape {
    pub task: String,
    /// How a model that embeds makes one vector of those of its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<Pooling>,
    pub layers: usize,
    pub hidden: usize,
    pub time_steps: u32,
    #[serde(default, skip_serializing_if = "Levels::is_unary")]
    pub code: Levels,
    /// Whether neurons fire -1 too.
    pub signed: bool,
    /// As recipes write it: `1`, `1.58` or `32`.
    pub weight_bits: String,
    /// Likewise, of the tables.
    pub embedding_bits: String,
    /// Weights, tables and all else.
    pub values: u64,
    /// The same student in `f32`.
    pub full_bytes: u64,
}

/// What it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct MeasuredData {
    pub split: String,
    /// The files, by name.
    pub files: BTreeMap<String, FileFacts>,
    pub examples: u64,
    /// SHA-256 of the examples' texts and labels, whatever the form of the file.
    pub examples_sha256: String,
    /// Tokens of all examples, frames included.
    pub tokens: u64,
}

/// MeasuredSpikes of either sign over all examples, `phased` at the model's own `T`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct MeasuredSpikes {
    pub total: u64,
    pub per_token: f64,
    /// Mean of the populations' rates.
    pub mean_rate: f64,
    /// In the order of computation.
    pub populations: Vec<MeasuredPopulation>,
}

/// MeasuredSpikes of a population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct MeasuredPopulation {
    /// As `layer.0.key`.
    pub name: String,
    pub neurons: u64,
    pub spikes: u64,
    /// `spikes / (tokens neurons T)`
    pub rate: f64,
}

/// How a model was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Made {
    /// The version of the program that measured.
    pub version: String,
    /// `last` or `best`: which state of the run was packed.
    pub checkpoint: String,
    pub seed: u64,
    pub steps: u64,
    /// Training examples.
    pub examples: u64,
    pub minutes: f64,
    /// The same recipe with several seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Seeds>,
}

impl Metrics {
    /// The format that is written.
    pub(super) const FORMAT: &str = FORMAT;

    /// The value of the primary metric.
    pub fn score(&self) -> f64 {
        self.measured.scores.get(&self.measured.primary).copied().unwrap_or(f64::NAN)
    }

    /// What is known of `model`; none where nothing was measured.
    ///
    /// # Errors
    /// As [`Metrics::load`].
    pub fn of(model: &PackedModel) -> Result<Option<Self>> {
        match model.beside(METRICS) {
            Some(ModelFile::Path(path)) => Self::load(&path),
            Some(ModelFile::Bytes(bytes)) => Self::parse(bytes, Path::new(METRICS)).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the file at `path`; none where there is none.
    ///
    /// # Errors
    /// If it cannot be read, is too large, or is not what this version writes.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        let length = match std::fs::metadata(path) {
            Ok(data) => data.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", path, error)),
        };
        if length > MAX_BYTES {
            return Err(Error::unusable(path, format!("expected at most {MAX_BYTES} bytes, found {length}")));
        }
        let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
        Self::parse(&bytes, path).map(Some)
    }

    /// Reads `bytes`, which came from `path`.
    ///
    /// # Errors
    /// If it is not JSON, of another version, has keys too many or too few, or a value out of range.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let again = "make it again with `bitspike models add`";
        let refuse = |message: String| Error::unusable(path, message);
        let json = |message: String| move |source| Error::Json { path: path.into(), message, source };
        let value: Value = serde_json::from_slice(bytes).map_err(json(format!("not JSON; {again}")))?;
        let format = value.get("format").and_then(Value::as_str).unwrap_or("none");
        if format != FORMAT {
            return Err(refuse(format!("expected format `{FORMAT}`, found `{}`; {again}", format.escape_debug())));
        }
        if let Some(text) = bad_text(&value) {
            let text: String = text.chars().take(40).collect();
            return Err(refuse(format!(
                "a text is longer than {MAX_TEXT} characters or holds control characters: `{}`",
                text.escape_debug()
            )));
        }
        let metrics: Self = serde_json::from_value(value).map_err(json(again.into()))?;
        metrics.check().map_err(|message| refuse(format!("{message}; {again}")))?;
        Ok(metrics)
    }

    fn check(&self) -> Result<(), String> {
        let MeasuredModel { files, data, scores, primary, spikes, .. } = &self.measured;
        if !is_name(&self.name) {
            return Err(format!("`name`: expected letters, digits, `-`, `_` and `.`, found `{}`", self.name));
        }
        // The tokeniser may be a part of it.
        if !files.contains_key(MODEL) {
            return Err(format!("`measured.files`: `{MODEL}` is missing"));
        }
        let hashes = files.values().chain(data.files.values()).map(|file| &file.sha256).chain([&data.examples_sha256]);
        for hash in hashes {
            if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(format!("expected a SHA-256 of 64 hexadecimal digits, found `{hash}`"));
            }
        }
        if !scores.contains_key(primary) {
            return Err(format!("`measured.scores` lacks the primary metric `{primary}`"));
        }
        if !(0.0..=1.0).contains(&spikes.mean_rate) {
            return Err(format!("`measured.spikes.mean_rate`: expected 0 to 1, found {}", spikes.mean_rate));
        }
        Ok(())
    }

    /// Writes the file at `path`, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("figures are JSON") + "\n";
        Ok(atomic_file::write(path, |file| file.write_all(text.as_bytes()))?)
    }
}

/// The first text of `value`, keys included, that no terminal should be shown.
fn bad_text(value: &Value) -> Option<&str> {
    let bad = |text: &&str| text.len() > MAX_TEXT || text.chars().any(char::is_control);
    match value {
        Value::String(text) => Some(text.as_str()).filter(bad),
        Value::Array(values) => values.iter().find_map(bad_text),
        Value::Object(map) => {
            map.iter().find_map(|(key, value)| Some(key.as_str()).filter(bad).or_else(|| bad_text(value)))
        }
        _ => None,
    }
}

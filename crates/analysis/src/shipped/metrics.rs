//! `metrics.json`: everything that was measured of a shipped model.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use bitspike::count::Operations;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::energy::Energy;
use super::find::is_name;
use super::latency::Latency;
use super::origins::OriginsOf;
use super::seeds::Seeds;

/// The `format` that this version writes and reads.
const FORMAT: &str = "bitspike-metrics-1";

/// Largest file read; one has some 10 kB.
const MAX_BYTES: u64 = 1 << 20;

/// Longest text in it.
const MAX_TEXT: usize = 2000;

/// A shipped model in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) format: String,
    /// The model's name.
    pub(crate) name: String,
    /// What `bitspike verify` computes again.
    pub(crate) measured: Measured,
    /// How the model was made.
    pub(crate) made: Made,
    /// Whose data and whose teacher.
    pub(crate) origins: OriginsOf,
    /// The teacher on the same examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) teacher: Option<Teacher>,
    /// Estimates of energy.
    pub(crate) energy: Energy,
    /// Time of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<Latency>,
}

/// What the engine computes of a model on the dev set: the same on every machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    /// The model's own files.
    pub(crate) files: BTreeMap<String, FileFacts>,
    pub(crate) model: Shape,
    pub(crate) data: Data,
    /// Value of each of the task's metrics.
    pub(crate) scores: BTreeMap<String, f64>,
    /// The metric that stands for all.
    pub(crate) primary: String,
    pub(crate) spikes: Spikes,
    /// Of all examples, `phased` at the model's own `T`.
    pub(crate) operations: Operations,
    /// Share of the encoder's weights that are zero.
    pub(crate) connection_sparsity: f64,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileFacts {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// What the student is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    pub(crate) task: String,
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) time_steps: u32,
    pub(crate) signed: bool,
    /// As recipes write it: `1`, `1.58` or `32`.
    pub(crate) weight_bits: String,
    pub(crate) embedding_bits: String,
    /// Weights, tables and all else.
    pub(crate) values: u64,
    /// The same student in `f32`.
    pub(crate) full_bytes: u64,
}

/// What it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) split: String,
    /// The files, by name.
    pub(crate) files: BTreeMap<String, FileFacts>,
    pub(crate) examples: u64,
    /// SHA-256 of the examples' texts and labels, whatever the form of the file.
    pub(crate) examples_sha256: String,
    /// Tokens of all examples, frames included.
    pub(crate) tokens: u64,
}

/// Spikes of either sign over all examples, `phased` at the model's own `T`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spikes {
    pub(crate) total: u64,
    pub(crate) per_token: f64,
    /// Mean of the populations' rates.
    pub(crate) mean_rate: f64,
    /// In the order of computation.
    pub(crate) populations: Vec<Population>,
}

/// Spikes of a population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Population {
    pub(crate) name: String,
    pub(crate) neurons: u64,
    pub(crate) spikes: u64,
    /// `spikes / (tokens neurons T)`
    pub(crate) rate: f64,
}

/// How a model was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Made {
    /// The version of the program that measured.
    pub(crate) version: String,
    /// `last` or `best`: which state of the run was packed.
    pub(crate) checkpoint: String,
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    /// Training examples.
    pub(crate) examples: u64,
    pub(crate) minutes: f64,
    /// The same recipe with several seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seeds: Option<Seeds>,
}

/// The teacher on the same examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Teacher {
    pub(crate) scores: BTreeMap<String, f64>,
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) intermediate: usize,
    pub(crate) heads: usize,
    /// In `f32`.
    pub(crate) bytes: u64,
}

impl Metrics {
    /// A new one.
    pub(crate) fn new(name: String, measured: Measured, made: Made, (origins, energy): (OriginsOf, Energy)) -> Self {
        Self { format: FORMAT.into(), name, measured, made, origins, teacher: None, energy, latency: None }
    }

    /// The value of the primary metric.
    pub(crate) fn score(&self) -> f64 {
        self.measured.scores.get(&self.measured.primary).copied().unwrap_or(f64::NAN)
    }

    /// Reads the file at `path`; none where there is none.
    ///
    /// # Errors
    /// If it cannot be read, is too large, or is not what this version writes.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>> {
        let length = match std::fs::metadata(path) {
            Ok(data) => data.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        if length > MAX_BYTES {
            bail!("{}: expected at most {MAX_BYTES} bytes, found {length}", path.display());
        }
        let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        Self::parse(&bytes, path).map(Some)
    }

    /// Reads `bytes`, which came from `path`.
    ///
    /// # Errors
    /// If it is not JSON, of another version, has keys too many or too few, or a value out of range.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let name = path.display();
        let again = "make it again with `bitspike models add`";
        let value: Value = serde_json::from_slice(bytes).with_context(|| format!("{name}: not JSON; {again}"))?;
        let format = value.get("format").and_then(Value::as_str).unwrap_or("none");
        if format != FORMAT {
            bail!("{name}: expected format `{FORMAT}`, found `{}`; {again}", format.escape_debug());
        }
        if let Some(text) = bad_text(&value) {
            let text: String = text.chars().take(40).collect();
            bail!(
                "{name}: a text is longer than {MAX_TEXT} characters or holds control characters: `{}`",
                text.escape_debug()
            );
        }
        let metrics: Self = serde_json::from_value(value).with_context(|| format!("{name}: {again}"))?;
        metrics.check().map_err(|message| anyhow::anyhow!("{name}: {message}; {again}"))?;
        Ok(metrics)
    }

    fn check(&self) -> Result<(), String> {
        let Measured { files, data, scores, primary, spikes, .. } = &self.measured;
        if !is_name(&self.name) {
            return Err(format!("`name`: expected letters, digits, `-`, `_` and `.`, found `{}`", self.name));
        }
        for file in [super::MODEL, super::TOKENIZER] {
            if !files.contains_key(file) {
                return Err(format!("`measured.files`: `{file}` is missing"));
            }
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
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
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

/// A value that is not what was recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// Where in `measured`, such as `spikes.populations.3.spikes`.
    pub(crate) what: String,
    /// As JSON; none where there is no such value.
    pub(crate) recorded: Option<Value>,
    pub(crate) found: Option<Value>,
}

/// The values that are compared and those that differ, beginning with the files'.
pub(crate) fn difference(recorded: &Measured, found: &Measured) -> Result<(usize, Vec<Difference>)> {
    let flat = |measured: &Measured| -> Result<BTreeMap<String, Value>> {
        let mut values = BTreeMap::new();
        flatten(String::new(), serde_json::to_value(measured)?, &mut values);
        Ok(values)
    };
    let (mut recorded, found) = (flat(recorded)?, flat(found)?);
    let mut differences = Vec::new();
    let mut compared = 0;
    for (what, value) in found {
        compared += 1;
        let expected = recorded.remove(&what);
        if expected.as_ref() != Some(&value) {
            differences.push(Difference { what, recorded: expected, found: Some(value) });
        }
    }
    compared += recorded.len();
    differences.extend(recorded.into_iter().map(|(what, value)| Difference {
        what,
        recorded: Some(value),
        found: None,
    }));
    differences.sort_by_key(|difference| !difference.what.starts_with("files."));
    Ok((compared, differences))
}

/// Every number and text of `value` by its path.
fn flatten(path: String, value: Value, into: &mut BTreeMap<String, Value>) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.into_iter().for_each(|(key, value)| flatten(join(&key), value, into)),
        Value::Array(values) => {
            for (i, value) in values.into_iter().enumerate() {
                // Populations are known by name rather than by number.
                let name = value.get("name").and_then(Value::as_str).map_or_else(|| i.to_string(), str::to_owned);
                flatten(join(&name), value, into);
            }
        }
        value => {
            into.insert(path, value);
        }
    }
}

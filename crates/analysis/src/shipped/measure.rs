//! A packed model measured on a dev set: scores and every spike, the same on every machine.

use std::collections::BTreeMap;

use bitspike::Model;
use bitspike::config::{StudentConfig, population_names};
use bitspike_data::Example;
use sha2::{Digest, Sha256};

use super::metrics::{FileFacts, MeasuredData, MeasuredModel, MeasuredPopulation, MeasuredSpikes, ModelShape};
use crate::counts::Counts;
use crate::digest::{hexadecimal, sha256};
use crate::error::{Error, Result};
use crate::examples::EncodedSplit;
use bitspike_hub::{MODEL, TOKENIZER};

/// The bytes that a model is made of.
#[derive(Debug, Clone, Copy)]
pub struct ModelFiles<'a> {
    /// `model.safetensors`
    pub model: &'a [u8],
    /// `tokenizer.json`, where the model does not hold its own.
    pub tokenizer: Option<&'a [u8]>,
}

fn facts(bytes: &[u8]) -> FileFacts {
    FileFacts { bytes: bytes.len() as u64, sha256: sha256(bytes) }
}

/// Scores `model`, which was made of `files`, on `split` and counts its spikes and operations.
///
/// # Errors
/// If a file of the split cannot be read again, or a current is not finite.
pub fn measure(model: &Model, files: &ModelFiles<'_>, split: &EncodedSplit) -> Result<MeasuredModel> {
    of_counts(Counts::new(model, &split.examples)?, model, files, split)
}

/// The same of `counts`, which are of `model` on `split`.
pub(super) fn of_counts(
    counts: Counts,
    model: &Model,
    files: &ModelFiles<'_>,
    split: &EncodedSplit,
) -> Result<MeasuredModel> {
    let Counts { predictions, total: operations, spikes, connection_sparsity, .. } = counts;
    let student = &model.header().student;
    let values = model.packed().tensors().map(|(tensor, ..)| tensor.rows as u64 * tensor.columns as u64).sum();
    let mut named = BTreeMap::from([(MODEL.to_owned(), facts(files.model))]);
    named.extend(files.tokenizer.map(|tokenizer| (TOKENIZER.to_owned(), facts(tokenizer))));
    Ok(MeasuredModel {
        files: named,
        model: ModelShape {
            task: split.task.name.clone(),
            embedding: student.pooling,
            layers: student.layers,
            hidden: student.hidden,
            time_steps: student.time_steps,
            code: student.code,
            signed: student.signed,
            weight_bits: student.weight_bits.to_string(),
            embedding_bits: student.embedding_bits.to_string(),
            values,
            full_bytes: student.full_bytes(),
        },
        data: describe(split)?,
        scores: split.metrics(&predictions)?,
        primary: split.task.primary().to_string(),
        spikes: spikes_of(student, spikes, &predictions.rates, split.tokens()),
        operations,
        connection_sparsity,
    })
}

/// Spikes with their rates, population by population.
fn spikes_of(student: &StudentConfig, spikes: Vec<u64>, rates: &BTreeMap<String, f64>, tokens: u64) -> MeasuredSpikes {
    let population = |((name, spikes), neurons): ((String, u64), usize)| MeasuredPopulation {
        neurons: neurons as u64,
        spikes,
        rate: rates[&name],
        name,
    };
    let names = population_names(student.layers).into_iter();
    let populations: Vec<MeasuredPopulation> =
        names.zip(spikes).zip(student.population_widths()).map(population).collect();
    let total = populations.iter().map(|population| population.spikes).sum();
    MeasuredSpikes {
        total,
        per_token: total as f64 / tokens as f64,
        mean_rate: populations.iter().map(|population| population.rate).sum::<f64>() / populations.len() as f64,
        populations,
    }
}

fn describe(split: &EncodedSplit) -> Result<MeasuredData> {
    let mut files = BTreeMap::new();
    for path in &split.dataset.files {
        let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        files.insert(name, facts(&bytes));
    }
    Ok(MeasuredData {
        split: split.dataset.split.name().to_owned(),
        files,
        examples: split.examples.len() as u64,
        examples_sha256: digest(&split.dataset.examples),
        tokens: split.tokens(),
    })
}

/// SHA-256 of texts and labels: of every text its length in bytes (`u64`) and its bytes, an absent second one as length
/// `2^64 - 1`, then the label (`f32`, NaN for none); little-endian.
fn digest(examples: &[Example]) -> String {
    let mut hash = Sha256::new();
    for example in examples {
        for text in [Some(&example.first), example.second.as_ref()] {
            hash.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
            hash.update(text.map_or(&[][..], |text| text.as_bytes()));
        }
        hash.update(example.target.unwrap_or(f32::NAN).to_le_bytes());
    }
    hexadecimal(&hash.finalize())
}

#[cfg(test)]
mod tests;

//! A packed model measured on a dev set: scores and every spike, the same on every machine.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bitspike::config::StudentConfig;
use bitspike::model::Model;
use bitspike_data::{self, Dataset, Example, Split};
use bitspike::config::population_names;
use bitspike_data::{Encoded, encode};
use sha2::{Digest, Sha256};

use super::metrics::{Data, FileFacts, Measured, Population, Shape, Spikes};
use super::{MODEL, TOKENIZER};
use crate::cost::Counts;

/// A model with the bytes that it was made of.
pub(crate) struct Subject<'a> {
    pub(crate) model: &'a Model,
    /// `model.safetensors`
    pub(crate) file: &'a [u8],
    /// `tokenizer.json`
    pub(crate) tokenizer: &'a [u8],
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn facts(bytes: &[u8]) -> FileFacts {
    FileFacts { bytes: bytes.len() as u64, sha256: sha256(bytes) }
}

/// Scores `subject` on the dev set of its task in `data` and counts its spikes and operations; with the tokens of each example.
///
/// # Errors
/// If the data is missing, bad or has no labels, or a current is not finite.
pub(crate) fn measure(subject: &Subject, data: &Path) -> Result<(Measured, Vec<usize>)> {
    let Subject { model, file, tokenizer } = subject;
    let header = model.header();
    let dataset = bitspike_data::load(&header.task, data, Split::Dev)?;
    if !dataset.is_labelled() {
        bail!("{}: the dev set has no labels; nothing can be scored", data.display());
    }
    let examples = encode(&dataset, model.tokenizer(), header.max_length);
    let Counts { predictions, total: operations, spikes, connection_sparsity, .. } = Counts::new(model, &examples)?;
    let student = &header.student;
    let values = model.packed().tensors().map(|(tensor, ..)| tensor.rows as u64 * tensor.columns as u64).sum();
    let measured = Measured {
        files: BTreeMap::from([(MODEL.into(), facts(file)), (TOKENIZER.into(), facts(tokenizer))]),
        model: Shape {
            task: header.task.name.clone(),
            layers: student.layers,
            hidden: student.hidden,
            time_steps: student.time_steps,
            signed: student.signed,
            weight_bits: student.weight_bits.to_string(),
            embedding_bits: student.embedding_bits.to_string(),
            values,
            full_bytes: student.full_bytes(),
        },
        data: describe(&dataset, &examples)?,
        scores: predictions.score(&header.task, &examples)?,
        primary: header.task.primary().to_string(),
        spikes: spikes_of(student, spikes, &predictions.rates, tokens(&examples)),
        operations,
        connection_sparsity,
    };
    Ok((measured, examples.iter().map(|example| example.ids.len()).collect()))
}

/// Spikes with their rates, population by population.
fn spikes_of(student: &StudentConfig, spikes: Vec<u64>, rates: &BTreeMap<String, f64>, tokens: u64) -> Spikes {
    let population = |((name, spikes), neurons): ((String, u64), usize)| Population {
        neurons: neurons as u64,
        spikes,
        rate: rates[&name],
        name,
    };
    let names = population_names(student.layers).into_iter();
    let populations: Vec<Population> = names.zip(spikes).zip(student.population_widths()).map(population).collect();
    let total = populations.iter().map(|population| population.spikes).sum();
    Spikes {
        total,
        per_token: total as f64 / tokens as f64,
        mean_rate: populations.iter().map(|population| population.rate).sum::<f64>() / populations.len() as f64,
        populations,
    }
}

fn tokens(examples: &[Encoded]) -> u64 {
    examples.iter().map(|example| example.ids.len() as u64).sum()
}

fn describe(dataset: &Dataset, examples: &[Encoded]) -> Result<Data> {
    let mut files = BTreeMap::new();
    for path in &dataset.files {
        let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        files.insert(name, facts(&bytes));
    }
    Ok(Data {
        split: dataset.split.name().to_owned(),
        files,
        examples: examples.len() as u64,
        examples_sha256: digest(&dataset.examples),
        tokens: tokens(examples),
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
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(first: &str, second: Option<&str>, target: f32) -> Example {
        Example { id: "0".into(), first: first.into(), second: second.map(Into::into), target: Some(target) }
    }

    #[test]
    fn the_digest_knows_where_texts_end() {
        let digests: Vec<String> = [
            [example("ab", None, 0.0), example("c", None, 0.0)],
            [example("a", None, 0.0), example("bc", None, 0.0)],
            [example("ab", Some(""), 0.0), example("c", None, 0.0)],
            [example("ab", None, 0.0), example("c", None, 1.0)],
        ]
        .iter()
        .map(|examples| digest(examples))
        .collect();
        for (i, digest) in digests.iter().enumerate() {
            assert!(!digests[..i].contains(digest), "{i}");
        }
        let renamed = Example { id: "7".into(), ..example("c", None, 0.0) };
        assert_eq!(digest(&[example("ab", None, 0.0), renamed]), digests[0], "names are no part of it");
    }
}

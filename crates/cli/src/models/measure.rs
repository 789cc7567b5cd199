//! A packed model measured on a dev set: scores and every spike, the same on every machine.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bitspike_core::config::StudentConfig;
use bitspike_core::engine::Model;
use bitspike_core::glue::{self, Dataset, Example, Split};
use bitspike_core::model::population_names;
use bitspike_core::tokenizer::Encoding;
use bitspike_train::data::{Encoded, encode, sorted_batches};
use bitspike_train::evaluate::Predictions;
use sha2::{Digest, Sha256};

use super::metrics::{Data, FileFacts, Measured, Operations, Population, Shape, Spikes};
use super::{MODEL, TOKENIZER};

/// Sentences simulated at a time.
const BATCH: usize = 64;

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

/// Scores `subject` on the dev set of its task in `data` and counts every spike of it.
///
/// # Errors
/// If the data is missing, bad or has no labels, or a current is not finite.
pub(crate) fn measure(subject: &Subject, data: &Path) -> Result<Measured> {
    let Subject { model, file, tokenizer } = subject;
    let header = model.header();
    let dataset = glue::load(&header.task, data, Split::Dev)?;
    if !dataset.is_labelled() {
        bail!("{}: the dev set has no labels; nothing can be scored", data.display());
    }
    let examples = encode(&dataset, model.tokenizer(), header.max_length);
    let (predictions, spikes, operations) = predict(model, &examples)?;
    let student = &header.student;
    let values = model.packed().tensors().map(|(tensor, ..)| tensor.rows as u64 * tensor.columns as u64).sum();
    Ok(Measured {
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
        spikes,
        operations,
    })
}

/// Answers, spikes and operations of `examples` by the engine's simulation.
fn predict(model: &Model, examples: &[Encoded]) -> Result<(Predictions, Spikes, Operations)> {
    let student = &model.header().student;
    let names = population_names(student.layers);
    let mut logits = vec![Vec::new(); examples.len()];
    let mut sums = vec![0u64; names.len()];
    let mut operations = Operations { synaptic_events: 0, dense_macs: 0 };
    for indices in sorted_batches(examples, BATCH) {
        let encodings: Vec<Encoding> = indices
            .iter()
            .map(|&i| Encoding { ids: examples[i].ids.clone(), type_ids: examples[i].types.clone() })
            .collect();
        for (index, run) in indices.into_iter().zip(model.simulate_ids(&encodings, false)?) {
            let tokens = examples[index].ids.len() as u64;
            for (((sum, &spikes), name), p) in sums.iter_mut().zip(&run.spikes).zip(&names).zip(0..) {
                *sum += u64::from(spikes);
                // The last population drives the classifier alone.
                let last = p + 1 == names.len();
                operations.synaptic_events +=
                    if last { 0 } else { u64::from(spikes) * synapses(name, student, tokens) };
            }
            operations.dense_macs += dense_macs(student, tokens);
            logits[index] = run.logits;
        }
    }
    let tokens = tokens(examples);
    let population = |((name, spikes), neurons): ((String, u64), usize)| {
        let places = tokens * neurons as u64 * u64::from(student.time_steps);
        Population { name, neurons: neurons as u64, spikes, rate: spikes as f64 / places as f64 }
    };
    let populations: Vec<Population> =
        names.into_iter().zip(sums).zip(student.population_widths()).map(population).collect();
    let total = populations.iter().map(|population| population.spikes).sum();
    let spikes = Spikes {
        total,
        per_token: total as f64 / tokens as f64,
        mean_rate: populations.iter().map(|population| population.rate).sum::<f64>() / populations.len() as f64,
        populations,
    };
    Ok((Predictions { logits, rates: BTreeMap::new(), feedback: None }, spikes, operations))
}

/// Synapses that a spike of the population `name` reaches in a sentence of so many tokens.
fn synapses(name: &str, student: &StudentConfig, tokens: u64) -> u64 {
    let (hidden, intermediate) = (student.hidden as u64, student.intermediate as u64);
    match name.rsplit('.').next() {
        // The next layer's query, key and value.
        Some("embedding" | "output") => 3 * hidden,
        // A key meets the query of every token, a value the attention of every token.
        Some("key" | "value") => tokens,
        Some("attention") => intermediate,
        // `W_o` and `W_2`
        _ => hidden,
    }
}

/// Multiply-adds of a sentence: six matrices for each token, scores and mixtures for each pair of tokens.
fn dense_macs(student: &StudentConfig, tokens: u64) -> u64 {
    let (hidden, intermediate) = (student.hidden as u64, student.intermediate as u64);
    let matrices = 4 * hidden * hidden + 2 * hidden * intermediate;
    student.layers as u64 * (tokens * matrices + 2 * tokens * tokens * hidden)
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

//! From examples to packed batches: tokenisation, length buckets, a seeded order that any epoch can recompute.

use std::path::Path;

use bitspike_core::glue::Dataset;
use bitspike_core::tokenizer::{Encoding, Tokenizer};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};
use crate::layers::PackedTokens;

/// One example as token ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// The example's id in its file.
    pub id: String,
    /// Token ids with `[CLS]` and `[SEP]`.
    pub ids: Vec<u32>,
    /// Segment type of each token.
    pub types: Vec<u32>,
    /// Class index or score, where known.
    pub target: Option<f32>,
}

impl Encoded {
    /// Its tokens as the engine takes them.
    pub fn encoding(&self) -> Encoding {
        Encoding { ids: self.ids.clone(), type_ids: self.types.clone() }
    }
}

/// Tokenises a data set, keeping at most `max_length` tokens of each example.
pub fn encode(dataset: &Dataset, tokenizer: &Tokenizer, max_length: usize) -> Vec<Encoded> {
    let pairs: Vec<(&str, Option<&str>)> =
        dataset.examples.iter().map(|example| (example.first.as_str(), example.second.as_deref())).collect();
    let encodings = tokenizer.encode_batch(&pairs, max_length);
    let join = |(example, encoding): (&bitspike_core::glue::Example, Encoding)| Encoded {
        id: example.id.clone(),
        ids: encoding.ids,
        types: encoding.type_ids,
        target: example.target,
    };
    dataset.examples.iter().zip(encodings).map(join).collect()
}

/// Tokenises plain text, a paragraph a line, into windows of at most `max_length` tokens for general distillation.
///
/// # Errors
/// If the file cannot be read, is not UTF-8, or holds no text.
pub fn encode_text(path: &Path, tokenizer: &Tokenizer, max_length: usize) -> Result<Vec<Encoded>> {
    let paragraphs = bitspike_core::glue::read_plain_text(path)?;
    // A paragraph of any length is tokenised whole and cut into windows that each get their own [CLS] and [SEP].
    let pairs: Vec<(&str, Option<&str>)> = paragraphs.iter().map(|text| (text.as_str(), None)).collect();
    let mut windows = Vec::new();
    for encoding in tokenizer.encode_batch(&pairs, 65_536) {
        let [first, inner @ .., last] = encoding.ids.as_slice() else { continue };
        for window in inner.chunks(max_length - 2) {
            let ids: Vec<u32> = std::iter::once(*first).chain(window.iter().copied()).chain([*last]).collect();
            windows.push(Encoded { id: windows.len().to_string(), types: vec![0; ids.len()], ids, target: None });
        }
    }
    if windows.is_empty() {
        return Err(Error::Mismatch(format!("{}: no text; expected a paragraph a line", path.display())));
    }
    Ok(windows)
}

/// The batches of one epoch as indices into the examples: shuffled, bucketed by length within a hundred batches, batches
/// shuffled again. The same `seed` gives the same batches.
pub fn epoch_batches(examples: &[Encoded], batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.shuffle(&mut rng);
    let mut batches = Vec::with_capacity(order.len() / batch_size + 1);
    for bucket in order.chunks_mut(batch_size * 100) {
        bucket.sort_by_key(|&i| examples[i].ids.len());
        batches.extend(bucket.chunks(batch_size).map(<[usize]>::to_vec));
    }
    batches.shuffle(&mut rng);
    batches
}

/// Batches in order of length, for evaluation.
pub fn sorted_batches(examples: &[Encoded], batch_size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_by_key(|&i| examples[i].ids.len());
    order.chunks(batch_size).map(<[usize]>::to_vec).collect()
}

/// A choice of `limit` examples by `seed`, in their old order; all of them where `limit` is 0.
pub fn choose(examples: Vec<Encoded>, limit: usize, seed: u64) -> Vec<Encoded> {
    if limit == 0 || limit >= examples.len() {
        return examples;
    }
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut keep = vec![false; examples.len()];
    order[..limit].iter().for_each(|&i| keep[i] = true);
    examples.into_iter().zip(keep).filter_map(|(example, keep)| keep.then_some(example)).collect()
}

/// The packed tokens of the chosen examples.
pub fn pack(examples: &[Encoded], indices: &[usize]) -> PackedTokens {
    PackedTokens::new(indices.iter().map(|&i| (examples[i].ids.as_slice(), examples[i].types.as_slice())))
}

/// The targets of the chosen examples.
///
/// # Errors
/// If one has none.
pub fn targets(examples: &[Encoded], indices: &[usize]) -> Result<Vec<f32>> {
    indices
        .iter()
        .map(|&i| {
            let missing = || {
                Error::Mismatch(format!("example {} has no label; train and score on labelled data", examples[i].id))
            };
            examples[i].target.ok_or_else(missing)
        })
        .collect()
}

/// A seed for one purpose, derived from the run's seed so that purposes do not share a stream (SplitMix64's mixing step).
pub fn derive_seed(seed: u64, purpose: u64) -> u64 {
    let mut z = seed ^ purpose.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(count: usize) -> Vec<Encoded> {
        let length = |i: usize| 3 + (i * 7919) % 50;
        (0..count)
            .map(|i| Encoded { id: i.to_string(), ids: vec![0; length(i)], types: vec![0; length(i)], target: None })
            .collect()
    }

    #[test]
    fn an_epoch_holds_each_example_once_in_an_order_of_its_seed() {
        let examples = examples(1003);
        let batches = epoch_batches(&examples, 8, 5);
        let mut seen: Vec<usize> = batches.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..1003).collect::<Vec<_>>());
        assert_eq!(batches, epoch_batches(&examples, 8, 5));
        assert_ne!(batches, epoch_batches(&examples, 8, 6));
    }

    #[test]
    fn buckets_hold_sentences_of_like_length() {
        let examples = examples(4000);
        let spread = |batches: &[Vec<usize>]| {
            let range = |batch: &Vec<usize>| {
                let lengths = batch.iter().map(|&i| examples[i].ids.len());
                lengths.clone().max().unwrap() - lengths.min().unwrap()
            };
            batches.iter().map(range).sum::<usize>() as f64 / batches.len() as f64
        };
        let random: Vec<Vec<usize>> = (0..4000).collect::<Vec<_>>().chunks(8).map(<[usize]>::to_vec).collect();
        assert!(spread(&epoch_batches(&examples, 8, 1)) < spread(&random) / 10.0);
    }

    #[test]
    fn choosing_keeps_order_and_count() {
        let chosen = choose(examples(100), 10, 3);
        let ids: Vec<usize> = chosen.iter().map(|e| e.id.parse().unwrap()).collect();
        assert_eq!(ids.len(), 10);
        assert!(ids.is_sorted());
        assert_eq!(choose(examples(5), 0, 3).len(), 5);
    }
}

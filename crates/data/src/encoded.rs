//! Examples as token ids.

use std::path::Path;
use std::sync::Arc;

use bitspike::tokenizer::{Encoding, Tokenizer};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::examples::Example;
use crate::plain_text::read_plain_text;

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
    /// What a teacher said of it, logits of the classes or a score, where that was read.
    pub answer: Option<Arc<[f32]>>,
}

impl Encoded {
    /// The example `id` of these tokens.
    pub fn new(id: String, encoding: Encoding, target: Option<f32>) -> Self {
        Self { id, ids: encoding.ids, types: encoding.type_ids, target, answer: None }
    }

    /// Its tokens as the engine takes them.
    pub fn encoding(&self) -> Encoding {
        Encoding { ids: self.ids.clone(), type_ids: self.types.clone() }
    }

    /// Its class index or score.
    ///
    /// # Errors
    /// If it has none.
    pub fn label(&self) -> Result<f32> {
        let missing = || Error::invalid(format!("example {}", self.id), "a label, to train or score on", "none");
        self.target.ok_or_else(missing)
    }
}

/// Tokenises a data set, keeping at most `max_length` tokens of each example. Where the texts of a pair are read apart, an example is
/// two in a row, the first of which has the target.
pub fn encode(dataset: &Dataset, tokenizer: &Tokenizer, max_length: usize) -> Vec<Encoded> {
    if dataset.apart {
        return apart(dataset, tokenizer, max_length);
    }
    let pairs: Vec<(&str, Option<&str>)> =
        dataset.examples.iter().map(|example| (example.first.as_str(), example.second.as_deref())).collect();
    let encodings = tokenizer.encode_batch(&pairs, max_length);
    let join = |(example, encoding): (&Example, Encoding)| Encoded::new(example.id.clone(), encoding, example.target);
    dataset.examples.iter().zip(encodings).map(join).collect()
}

fn apart(dataset: &Dataset, tokenizer: &Tokenizer, max_length: usize) -> Vec<Encoded> {
    let texts = dataset.examples.iter().flat_map(|example| [Some(example.first.as_str()), example.second.as_deref()]);
    let texts: Vec<(&str, Option<&str>)> = texts.map(|text| (text.unwrap_or_default(), None)).collect();
    let encodings = tokenizer.encode_batch(&texts, max_length).into_iter().enumerate();
    let join = |(i, encoding): (usize, Encoding)| {
        let example = &dataset.examples[i / 2];
        let target = if i % 2 == 0 { example.target } else { None };
        Encoded::new(example.id.clone(), encoding, target)
    };
    encodings.map(join).collect()
}

/// Tokenises plain text, a paragraph a line, into windows of at most `max_length` tokens for general distillation.
///
/// # Errors
/// If the file cannot be read, is not UTF-8, or holds no text.
pub fn encode_text(path: &Path, tokenizer: &Tokenizer, max_length: usize) -> Result<Vec<Encoded>> {
    let paragraphs = read_plain_text(path)?;
    // A paragraph of any length is tokenised whole and cut into windows that each get their own [CLS] and [SEP].
    let pairs: Vec<(&str, Option<&str>)> = paragraphs.iter().map(|text| (text.as_str(), None)).collect();
    let mut windows = Vec::new();
    for encoding in tokenizer.encode_batch(&pairs, usize::MAX) {
        let [first, inner @ .., last] = encoding.ids.as_slice() else { continue };
        for window in inner.chunks(max_length - 2) {
            let ids: Vec<u32> = std::iter::once(*first).chain(window.iter().copied()).chain([*last]).collect();
            windows.push(Encoded {
                id: windows.len().to_string(),
                types: vec![0; ids.len()],
                ids,
                target: None,
                answer: None,
            });
        }
    }
    if windows.is_empty() {
        return Err(Error::malformed(path, "no text; expected a paragraph a line"));
    }
    Ok(windows)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choosing_keeps_order_and_count() {
        let chosen = choose(examples(100), 10, 3);
        let ids: Vec<usize> = chosen.iter().map(|e| e.id.parse().unwrap()).collect();
        assert_eq!(ids.len(), 10);
        assert!(ids.is_sorted());
        assert_eq!(choose(examples(5), 0, 3).len(), 5);
    }

    #[test]
    fn a_paragraph_of_any_length_is_read_whole() {
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert-tiny");
        let tokenizer = Tokenizer::load(fixture).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let words = 70_000;
        std::fs::write(file.path(), "? ".repeat(words)).unwrap();
        let windows = encode_text(file.path(), &tokenizer, 102).unwrap();
        assert_eq!(windows.iter().map(|window| window.ids.len() - 2).sum::<usize>(), words);
    }

    fn examples(count: usize) -> Vec<Encoded> {
        (0..count)
            .map(|i| Encoded { id: i.to_string(), ids: vec![0], types: vec![0], target: None, answer: None })
            .collect()
    }
}

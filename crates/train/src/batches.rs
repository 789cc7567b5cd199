//! Packed batches: length buckets, in a seeded order that any epoch can recompute.

use bitspike_data::Encoded;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::error::Result;
use crate::layers::PackedTokens;

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

/// The packed tokens of the chosen examples.
pub fn pack(examples: &[Encoded], indices: &[usize]) -> PackedTokens {
    PackedTokens::new(indices.iter().map(|&i| (examples[i].ids.as_slice(), examples[i].types.as_slice())))
}

/// The targets of the chosen examples.
///
/// # Errors
/// If one has none.
pub fn targets(examples: &[Encoded], indices: &[usize]) -> Result<Vec<f32>> {
    Ok(indices.iter().map(|&i| examples[i].label()).collect::<bitspike_data::Result<_>>()?)
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
            .map(|i| Encoded {
                id: i.to_string(),
                ids: vec![0; length(i)],
                types: vec![0; length(i)],
                target: None,
                answer: None,
            })
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
}

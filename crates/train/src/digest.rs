//! Digests of what a run is made from, so that going on with it can be refused where that has changed.

use std::path::Path;

use bitspike_analysis::digest::hexadecimal;
use bitspike_data::Encoded;
use bitspike_run::origin::{Examples, Source};
use bitspike_run::run::RunFolder;
use bitspike_run::weights::Weights;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::parameters::collect;
use crate::predecessor::Predecessor;
use crate::teacher::Teacher;

/// The teacher that was read from `path`: its values, the settings that they are used with, and its classes; in which files it lay
/// does not count.
pub(crate) fn of_teacher(path: &Path, teacher: &Teacher) -> Source {
    let config = &teacher.config;
    let mut weights = collect(&teacher.net);
    teacher.words.store(&mut weights);
    let mut hash = of_weights(&weights);
    hash.update((config.num_attention_heads as u64).to_le_bytes());
    hash.update(config.layer_norm_eps.to_le_bytes());
    for label in config.labels() {
        hash.update((label.len() as u64).to_le_bytes());
        hash.update(label);
    }
    Source { path: path.to_path_buf(), sha256: hexadecimal(&hash.finalize()) }
}

/// The student that another run starts from.
///
/// # Errors
/// If a run has no checkpoint.
pub(crate) fn of_predecessor(from: &Predecessor) -> Result<Source> {
    let weights = from.weights()?;
    Ok(Source { path: from.path().to_path_buf(), sha256: hexadecimal(&of_weights(&weights).finalize()) })
}

/// The same of a run.
///
/// # Errors
/// If the run has no checkpoint.
pub(crate) fn of_run(run: &RunFolder) -> Result<Source> {
    Ok(Source { path: run.path().to_path_buf(), sha256: hexadecimal(&of_weights(&run.weights()?).finalize()) })
}

/// Encoded examples.
pub(crate) fn of_examples(examples: &[Encoded]) -> Examples {
    let mut ordered = Sha256::new();
    let mut unordered = 0u128;
    for Encoded { ids, types, target, .. } in examples {
        let mut one = Sha256::new();
        one.update((ids.len() as u64).to_le_bytes());
        ids.iter().chain(types).for_each(|id| one.update(id.to_le_bytes()));
        one.update(target.unwrap_or(f32::NAN).to_le_bytes());
        let digest = one.finalize();
        ordered.update(digest);
        // A sum has no order.
        let part = digest.first_chunk().expect("32 bytes");
        unordered = unordered.wrapping_add(u128::from_le_bytes(*part));
    }
    let count = examples.len() as u64;
    Examples { count, sha256: hexadecimal(&ordered.finalize()), unordered: format!("{unordered:032x}") }
}

fn of_weights(weights: &Weights) -> Sha256 {
    let mut hash = Sha256::new();
    for name in weights.names() {
        let Some(array) = weights.get(name) else { continue };
        hash.update(name);
        array.shape.iter().for_each(|&size| hash.update((size as u64).to_le_bytes()));
        hash.update(bytemuck::cast_slice(&array.values));
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_have_a_digest_of_their_order_and_one_of_any() {
        let example =
            |i: u32| Encoded { id: String::new(), ids: vec![2, i, 3], types: vec![0; 3], target: Some(i as f32) };
        let (up, down): (Vec<_>, Vec<_>) = ((0..20).map(example).collect(), (0..20).rev().map(example).collect());
        let (up, down) = (of_examples(&up), of_examples(&down));
        assert_eq!((up.count, &up.unordered), (20, &down.unordered));
        assert_ne!(up.sha256, down.sha256);
        let other: Vec<_> = (1..21).map(example).collect();
        assert_ne!(of_examples(&other).unordered, up.unordered);
    }
}

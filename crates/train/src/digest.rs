//! Digests of what a run is made from, so that going on with it can be refused where that has changed.

use std::path::Path;

use bitspike_analysis::digest::hexadecimal;
use bitspike_run::origin::Source;
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

//! Checkpoints: students in those of a run's folder, and whatever is in training in `last.safetensors`.

use std::path::{Path, PathBuf};

use bitspike_run::run::{Checkpoint, Counters, RunFolder, counters, load_kept, save, save_keeping};
use burn::module::Module;
use burn::tensor::Device;

use crate::error::Result;
use crate::layers::WordTable;
use crate::optimizer::AdamW;
use crate::parameters::{collect, replace};
use crate::sparsity::Controller;
use crate::student::Student;

impl Student {
    /// One of the students of `run` with its counters.
    ///
    /// # Errors
    /// If there is no complete checkpoint.
    pub fn of_run(run: &RunFolder, checkpoint: Checkpoint, device: &Device) -> Result<(Self, Counters)> {
        let mut weights = run.weights_of(checkpoint)?;
        let counters = counters(&weights)?;
        weights.flush();
        Ok((Self::load(run.description()?.student, &mut weights, device)?, counters))
    }

    /// Writes `best.safetensors`.
    ///
    /// # Errors
    /// If the disk is full or the folder cannot be written; the old file is then untouched.
    pub fn save_best(&self, run: &RunFolder, counters: &Counters) -> Result<PathBuf> {
        Ok(save(&run.best(), self.to_weights(), counters)?)
    }
}

/// Writes everything that a resumed run needs of a network in training to `path`.
///
/// # Errors
/// If the disk is full or the folder cannot be written; the old file is then untouched.
pub(crate) fn save_last<M: Module>(
    path: &Path,
    net: &M,
    words: &WordTable,
    optimizer: &AdamW,
    controller: Option<&Controller>,
    counters: &Counters,
) -> Result<PathBuf> {
    let mut weights = collect(net);
    words.store(&mut weights);
    optimizer.store(&mut weights);
    if let Some(controller) = controller {
        controller.store(&mut weights);
    }
    Ok(save_keeping(path, weights, counters)?)
}

/// Reads what [`save_last`] wrote, or what it wrote before where that is damaged, into a network of the same shape.
///
/// # Errors
/// If it is missing or does not fit the network.
pub(crate) fn restore_last<M: Module>(
    path: &Path,
    net: &mut M,
    words: &mut WordTable,
) -> Result<(AdamW, Controller, Counters)> {
    let (mut weights, _) = load_kept(path)?;
    let counters = counters(&weights)?;
    let (optimizer, controller) = (AdamW::restore(&mut weights)?, Controller::restore(&mut weights)?);
    words.restore(&mut weights)?;
    *net = replace(net.clone(), &mut weights)?;
    Ok((optimizer, controller, counters))
}

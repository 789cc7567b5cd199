//! Students in the checkpoints of a run's folder.

use std::path::PathBuf;

use bitspike_run::run::{Checkpoint, Counters, RunFolder, counters, save};
use bitspike_run::weights::Weights;
use burn::tensor::Device;

use crate::error::Result;
use crate::optimizer::AdamW;
use crate::student::Student;

impl Student {
    /// The student that scored best in `run`, or the last one of a run that was never evaluated, with its counters.
    ///
    /// # Errors
    /// If there is no complete checkpoint.
    pub fn best_of(run: &RunFolder, device: &Device) -> Result<(Self, Counters)> {
        Self::of_run(run, Checkpoint::Best, device)
    }

    /// One of the students of `run` with its counters.
    ///
    /// # Errors
    /// If there is no complete checkpoint.
    pub fn of_run(run: &RunFolder, checkpoint: Checkpoint, device: &Device) -> Result<(Self, Counters)> {
        let mut weights = run.weights_of(checkpoint)?;
        let counters = counters(&weights)?;
        Ok((Self::load(run.description()?.student, &mut weights, device)?, counters))
    }

    /// Writes `best.safetensors`.
    ///
    /// # Errors
    /// If the disk is full or the folder cannot be written; the old file is then untouched.
    pub fn save_best(&self, run: &RunFolder, counters: &Counters) -> Result<PathBuf> {
        Ok(save(&run.best(), self.to_weights(), counters)?)
    }

    /// Writes `last.safetensors`, with the optimiser's state.
    ///
    /// # Errors
    /// If the disk is full or the folder cannot be written; the old file is then untouched.
    pub fn save_last(&self, run: &RunFolder, optimizer: &AdamW, counters: &Counters) -> Result<PathBuf> {
        let mut weights = self.to_weights();
        optimizer.store(&mut weights);
        Ok(save(&run.last(), weights, counters)?)
    }

    /// Reads `last.safetensors` into this student.
    ///
    /// # Errors
    /// If it is missing or does not fit the student.
    pub fn restore_last(&mut self, run: &RunFolder) -> Result<(AdamW, Counters)> {
        let mut weights = Weights::load(&run.last())?;
        let counters = counters(&weights)?;
        let optimizer = AdamW::restore(&mut weights)?;
        self.load_weights(&mut weights)?;
        Ok((optimizer, counters))
    }
}

//! A split in memory.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::examples::{Entry, Example, Examples};
use super::fingerprint::Itself;
use super::identifiers::RepeatedIds;
use super::labels::Labels;
use super::locate;
use super::split::Split;
use super::task::TaskSpec;

/// The examples of one split.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Which part of the data this is.
    pub split: Split,
    /// The files it came from; several where the split is sharded.
    pub files: Vec<PathBuf>,
    /// The examples, in the files' order.
    pub examples: Vec<Example>,
    /// Records left out by a documented tolerance: MNLI pairs without an agreed label, broken lines of QQP.
    pub skipped: usize,
    /// Ids that more than one example has; none if all differ.
    pub repeated_ids: Option<RepeatedIds>,
    /// What was decided about the files without being asked, a line each.
    pub notes: Vec<String>,
    /// Whether each text of a pair is read by itself, as vectors are made.
    pub apart: bool,
}

impl Dataset {
    /// Whether every example has a label.
    pub fn is_labelled(&self) -> bool {
        self.examples.iter().all(|example| example.target.is_some())
    }

    /// How many sequences of tokens an example makes.
    pub fn sequences(&self) -> usize {
        if self.apart { 2 } else { 1 }
    }

    /// Gives the examples their numbers from 0 as ids.
    pub fn number(&mut self) {
        self.examples.iter_mut().enumerate().for_each(|(i, example)| example.id = i.to_string());
        self.repeated_ids = None;
    }
}

/// A part of the training examples that is kept from training and serves as the dev split.
///
/// Examples with the same texts come into the same part. A share and a seed always choose the same ones of a file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevShare {
    /// How many of the examples, above 0 and below 1.
    pub share: f64,
    /// What chooses them; 42 unless given.
    #[serde(default = "seed")]
    pub seed: u64,
}

fn seed() -> u64 {
    42
}

/// Reads a split of `task` from a folder, or from the file `path` itself.
///
/// A folder may hold GLUE's official TSV files (`train.tsv`, `dev.tsv`, `dev_matched.tsv`, MRPC's `msr_paraphrase_*.txt`), the
/// Hugging Face hub's Parquet files (`validation-00000-of-00001.parquet`, `default/validation/0000.parquet`), a folder a split with
/// its parts as Spark writes it, or a user's own `train`, `dev` (or `validation`) and `test` as `.tsv`, `.csv`, `.jsonl`, `.json` or
/// `.parquet`. Text is kept as it stands, of any length.
///
/// # Errors
/// If the split is missing or has no examples, a column is missing, or a record is bad: the first one, with its line. Labels
/// may be missing in test splits only.
pub fn load(task: &TaskSpec, path: &Path, split: Split) -> Result<Dataset> {
    load_with(task, path, split, Labels::of(split))
}

/// As [`load`], for those who say themselves whether every example must have a label.
///
/// # Errors
/// As [`load`].
pub fn load_with(task: &TaskSpec, path: &Path, split: Split, labels: Labels) -> Result<Dataset> {
    task.validate()?;
    let apart = task.target.is_embedding();
    let pairs = TaskSpec::scored_pairs();
    // Vectors are told by pairs whose likeness somebody scored.
    let task = if apart { &pairs } else { task };
    let files = locate::require(task, path, split)?;
    let (mut examples, mut skipped) = (Vec::new(), 0);
    let mut entries = Examples::new(task, files.clone(), labels);
    for entry in &mut entries {
        match entry? {
            Entry::Example(example) => examples.push(example),
            Entry::Skipped => skipped += 1,
        }
    }
    let (notes, repeated_ids) = entries.end();
    if examples.is_empty() {
        let but = if skipped > 0 { format!(" ({skipped} records were skipped as unusable)") } else { String::new() };
        let file = files.first().map_or(path, PathBuf::as_path);
        return Err(Error::malformed(file, format!("no examples{but}; expected a record a line below the header")));
    }
    Ok(Dataset { split, files, examples, skipped, repeated_ids, notes, apart })
}

/// The dev examples: those of the dev split, or those that `share` sets aside of the training examples, of data that has none. A note of
/// the data set says which they are.
///
/// # Errors
/// As [`load_for_training`].
pub fn load_dev(task: &TaskSpec, path: &Path, share: Option<DevShare>) -> Result<Dataset> {
    let Some(share) = share else { return load(task, path, Split::Dev) };
    let (train, mut dev) = load_for_training(task, path, Labels::Optional, Some(share))?;
    let (aside, all) = (dev.examples.len(), train.examples.len() + dev.examples.len());
    let DevShare { share, seed } = share;
    dev.notes.push(format!(
        "{aside} of {all} examples, the share of {share} that the seed {seed} sets aside; the others were for training"
    ));
    Ok(dev)
}

/// The examples to train on, which need labels if `labels` says so, and those of the dev split, which always do.
///
/// # Errors
/// As [`load`]; also if `path` is one file, or a folder without a dev split, and no share of it is set aside, if one is set aside
/// though there is a dev split, or if a share is not between 0 and 1 or leaves no example on either side.
pub fn load_for_training(
    task: &TaskSpec,
    path: &Path,
    labels: Labels,
    dev: Option<DevShare>,
) -> Result<(Dataset, Dataset)> {
    let one_file = locate::is_one(path);
    let Some(dev) = dev else {
        if one_file {
            let message = "training and dev examples would be the same, since this is one file and not a folder with both; set \
                           a part of it aside (--dev-share 0.1), or name a folder with a file for each split";
            return Err(Error::malformed(path, message));
        }
        let (train, mut dev) = (load_with(task, path, Split::Train, labels)?, load(task, path, Split::Dev)?);
        let trained: HashSet<u64, Itself> = train.examples.iter().map(Example::fingerprint).collect();
        if dev.examples.iter().all(|example| trained.contains(&example.fingerprint())) {
            dev.notes.push(format!(
                "all {} dev examples are training examples too, so that scores say nothing about other texts",
                dev.examples.len()
            ));
        }
        return Ok((train, dev));
    };
    if !(dev.share > 0.0 && dev.share < 1.0) {
        return Err(Error::invalid("dev share", "a number above 0 and below 1", dev.share));
    }
    if !one_file && !locate::find(task, path, Split::Dev)?.is_empty() {
        let message =
            "there is a dev split, so that no share of the training examples can be one; leave --dev-share out";
        return Err(Error::malformed(path, message));
    }
    load_with(task, path, Split::Train, labels)?.set_aside(dev)
}

impl Dataset {
    /// These without the share, and the share as the dev split.
    fn set_aside(mut self, dev: DevShare) -> Result<(Self, Self)> {
        // Examples with the same texts are one group, in the order of their first.
        let mut numbers: HashMap<(&str, Option<&str>), usize> = HashMap::new();
        let groups: Vec<usize> = self
            .examples
            .iter()
            .map(|example| {
                let next = numbers.len();
                *numbers.entry((&example.first, example.second.as_deref())).or_insert(next)
            })
            .collect();
        // Those that could be scored on, by group; a group with one that could not is not set aside.
        let mut labelled = vec![Some(0_usize); numbers.len()];
        for (example, &group) in self.examples.iter().zip(&groups) {
            labelled[group] = labelled[group].filter(|_| example.target.is_some()).map(|count| count + 1);
        }
        let mut order: Vec<usize> = (0..labelled.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(dev.seed));
        let wanted = (labelled.iter().flatten().sum::<usize>() as f64 * dev.share).round() as usize;
        let (mut aside, mut count) = (vec![false; labelled.len()], 0);
        for group in order {
            if count >= wanted {
                break;
            }
            aside[group] = labelled[group].is_some();
            count += labelled[group].unwrap_or(0);
        }
        if count == 0 || count == self.examples.len() {
            let what = format!("dev share {} of {} examples", dev.share, self.examples.len());
            return Err(Error::invalid(what, "labelled examples on both sides", format!("{count} in dev")));
        }
        let mut train = Vec::with_capacity(self.examples.len() - count);
        let mut chosen = Vec::with_capacity(count);
        for (example, group) in std::mem::take(&mut self.examples).into_iter().zip(groups) {
            if aside[group] { chosen.push(example) } else { train.push(example) }
        }
        let dev = Self { split: Split::Dev, examples: chosen, skipped: 0, ..self.clone() };
        Ok((Self { examples: train, ..self }, dev))
    }
}

#[cfg(test)]
mod tests;

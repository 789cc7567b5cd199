//! Inspecting a data folder one record at a time: counts, labels, lengths, repeats, and the first bad line.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::{Error, Result};
use super::examples::{Entry, Example, Examples};
use super::fingerprint::Itself;
use super::identifiers::RepeatedIds;
use super::labels::Labels;
use super::locate;
use super::split::Split;
use super::task::TaskSpec;
use bitspike::Target;

/// What a split holds. Figures cover the good examples; bad lines are counted apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitReport {
    /// Which part of the data this is.
    pub split: Split,
    /// Its files; several where the split is sharded.
    pub files: Vec<PathBuf>,
    /// Good examples.
    pub examples: usize,
    /// Records left out by a documented tolerance, as in [`Dataset::skipped`](super::Dataset::skipped).
    pub skipped: usize,
    /// Examples that carry a label.
    pub labelled: usize,
    /// Examples of each class, in the order of the task's labels; empty for regression.
    pub labels: Vec<LabelCount>,
    /// Range of the scores; none for classification or without labels.
    pub scores: Option<ScoreRange>,
    /// The first text.
    pub first: TextReport,
    /// The second text of a task on pairs.
    pub second: Option<TextReport>,
    /// Examples whose texts have occurred before in this split, labels aside. Compared by a 64-bit hash.
    pub duplicates: usize,
    /// Examples of a split other than train whose texts the training split holds too, labels aside; none where there is no
    /// training split beside it. Compared by a 64-bit hash.
    pub in_train: Option<usize>,
    /// Ids that more than one example has; none if all differ.
    pub repeated_ids: Option<RepeatedIds>,
    /// What was decided about the files without being asked, a line each.
    pub notes: Vec<String>,
    /// Records that cannot be used.
    pub bad_lines: usize,
    /// The first of them.
    pub first_bad: Option<BadLine>,
}

impl SplitReport {
    /// Whether [`load_with`](super::load_with) will take the split, without its labels if it is train.
    pub fn is_usable(&self) -> bool {
        self.first_bad.is_none() && self.examples > 0
    }
}

/// How often a class occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelCount {
    /// Name of the class.
    pub label: String,
    /// Examples of it.
    pub count: usize,
}

/// Range of the scores of a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreRange {
    /// Lowest.
    pub min: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Highest.
    pub max: f64,
}

/// Lengths of one text column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TextReport {
    /// Unicode scalar values.
    pub characters: Lengths,
    /// Words between white space; a tokenizer gives more pieces than this.
    pub words: Lengths,
    /// Texts that are empty or all white space.
    pub empty: usize,
}

/// Distribution of a length; all zero without examples.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Lengths {
    /// Shortest.
    pub min: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// The smallest length that at least 99 % of the texts do not exceed (nearest rank).
    pub p99: usize,
    /// Longest.
    pub max: usize,
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// The file.
    pub file: PathBuf,
    /// Line from 1, or record number in Parquet; none where the file as a whole is bad.
    pub line: Option<usize>,
    /// What was expected and found.
    pub reason: String,
}

/// Inspects every split of `task` that the folder holds, in the order train, dev, test. Memory grows with the number of
/// examples only by a hash each.
///
/// # Errors
/// If `folder` is none or cannot be read, holds no split of the task, or several files claim one. What is wrong inside a file is
/// part of its report.
pub fn check(task: &TaskSpec, folder: &Path) -> Result<Vec<SplitReport>> {
    task.validate()?;
    let metadata = std::fs::metadata(folder).map_err(|e| Error::io("open", folder, e))?;
    if !metadata.is_dir() || locate::is_one(folder) {
        return Err(Error::malformed(folder, "expected a folder with a file for each split"));
    }
    let mut reports = Vec::new();
    // Of the texts of train.
    let mut train = None;
    for &split in task.splits() {
        let files = locate::find(task, folder, split)?;
        if !files.is_empty() {
            let (report, seen) = report(task, files, split, train.as_ref());
            reports.push(report);
            if split == Split::Train {
                train = Some(seen);
            }
        }
    }
    if reports.is_empty() {
        // Says what was looked for.
        locate::require(task, folder, Split::Train)?;
    }
    Ok(reports)
}

/// Inspects one split in a folder, or the file `path` as that split.
///
/// # Errors
/// If there is no such split, or several files claim it.
pub fn check_split(task: &TaskSpec, path: &Path, split: Split) -> Result<SplitReport> {
    task.validate()?;
    Ok(report(task, locate::require(task, path, split)?, split, None).0)
}

/// The report on a split, and the fingerprints of its texts.
fn report(
    task: &TaskSpec,
    files: Vec<PathBuf>,
    split: Split,
    train: Option<&HashSet<u64, Itself>>,
) -> (SplitReport, HashSet<u64, Itself>) {
    let mut tally = Tally { classes: vec![0; task.labels().len()], train, ..Tally::default() };
    let (mut skipped, mut bad_lines, mut first_bad) = (0, 0, None);
    // Those of train may be learnt from by a teacher's answers alone.
    let labels = if split == Split::Train { Labels::Optional } else { Labels::of(split) };
    let mut entries = Examples::new(task, files.clone(), labels);
    for entry in &mut entries {
        match entry {
            Ok(Entry::Example(example)) => tally.add(&example),
            Ok(Entry::Skipped) => skipped += 1,
            Err(error) => {
                bad_lines += 1;
                first_bad.get_or_insert_with(|| bad_line(error));
            }
        }
    }
    let (mut notes, repeated_ids) = entries.end();
    let unlabelled = tally.examples - tally.labelled;
    if split == Split::Train && unlabelled > 0 {
        notes.push(format!(
            "{unlabelled} of {} examples have no label; a teacher's answers to them can be distilled, but nothing learns from \
             their labels",
            tally.examples
        ));
    }
    let labels = task.labels().iter().zip(&tally.classes);
    let scored = matches!(task.target, Target::Regression { .. }) && tally.labelled > 0;
    let report = SplitReport {
        split,
        files,
        examples: tally.examples,
        skipped,
        labelled: tally.labelled,
        labels: labels.map(|(label, &count)| LabelCount { label: label.clone(), count }).collect(),
        scores: scored.then(|| ScoreRange { mean: tally.sum / tally.labelled as f64, min: tally.min, max: tally.max }),
        first: tally.first.report(),
        second: task.second.is_some().then(|| tally.second.report()),
        duplicates: tally.duplicates,
        in_train: train.map(|_| tally.in_train),
        repeated_ids,
        notes,
        bad_lines,
        first_bad,
    };
    (report, tally.seen)
}

fn bad_line(error: Error) -> BadLine {
    let (file, line, reason) = error.parts();
    BadLine { file: file.unwrap_or_default(), line, reason }
}

#[derive(Default)]
struct Tally<'a> {
    /// Fingerprints of the texts of train.
    train: Option<&'a HashSet<u64, Itself>>,
    in_train: usize,
    examples: usize,
    labelled: usize,
    classes: Vec<usize>,
    min: f64,
    sum: f64,
    max: f64,
    first: TextTally,
    second: TextTally,
    seen: HashSet<u64, Itself>,
    duplicates: usize,
}

impl Tally<'_> {
    fn add(&mut self, example: &Example) {
        self.examples += 1;
        self.first.add(&example.first);
        if let Some(second) = &example.second {
            self.second.add(second);
        }
        let number = example.fingerprint();
        self.in_train += usize::from(self.train.is_some_and(|train| train.contains(&number)));
        self.duplicates += usize::from(!self.seen.insert(number));
        let Some(target) = example.target else { return };
        // A class index is an index into `classes`; a score finds none there.
        if let Some(count) = self.classes.get_mut(target as usize) {
            *count += 1;
        }
        let target = f64::from(target);
        let first = self.labelled == 0;
        self.min = if first { target } else { self.min.min(target) };
        self.max = if first { target } else { self.max.max(target) };
        self.sum += target;
        self.labelled += 1;
    }
}

#[derive(Default)]
struct TextTally {
    /// Texts by length.
    characters: BTreeMap<usize, usize>,
    words: BTreeMap<usize, usize>,
    empty: usize,
}

impl TextTally {
    fn add(&mut self, text: &str) {
        let (characters, words) = lengths_of(text);
        *self.characters.entry(characters).or_default() += 1;
        *self.words.entry(words).or_default() += 1;
        self.empty += usize::from(words == 0);
    }

    fn report(&self) -> TextReport {
        TextReport { characters: lengths(&self.characters), words: lengths(&self.words), empty: self.empty }
    }
}

/// The characters and the words of a text.
fn lengths_of(text: &str) -> (usize, usize) {
    if !text.is_ascii() {
        return (text.chars().count(), text.split_whitespace().count());
    }
    // What `char::is_whitespace` says of ASCII.
    let is_space = |byte: u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let bytes = text.as_bytes();
    let begins = bytes.windows(2).filter(|pair| is_space(pair[0]) && !is_space(pair[1])).count();
    (bytes.len(), begins + usize::from(bytes.first().is_some_and(|&byte| !is_space(byte))))
}

fn lengths(histogram: &BTreeMap<usize, usize>) -> Lengths {
    let (Some((&min, _)), Some((&max, _))) = (histogram.first_key_value(), histogram.last_key_value()) else {
        return Lengths::default();
    };
    let count: usize = histogram.values().sum();
    let sum: f64 = histogram.iter().map(|(&length, &texts)| length as f64 * texts as f64).sum();
    // Nearest rank: at least ceil(0.99 n) texts are this short, in integers so that no rounding moves the rank.
    let rank = (count * 99).div_ceil(100);
    let mut below = 0;
    let reaches = |(&length, &texts): (&usize, &usize)| {
        below += texts;
        (below >= rank).then_some(length)
    };
    Lengths { min, mean: sum / count as f64, p99: histogram.iter().find_map(reaches).unwrap_or(max), max }
}

#[cfg(test)]
mod tests;

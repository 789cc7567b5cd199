//! From records to examples: what counts as a text, a label, an identifier.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::builtin::GlueTask;
use super::columns::{TaskColumns, shorten};
use super::error::{Error, Result};
use super::records::{self, Record, Records, TaskRow};
use super::split::Split;
use super::table::Cell;
use super::task::TaskSpec;
use bitspike::config::{Target, preview};

/// One or two texts and, where known, their label.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The file's own identifier (column `idx`, `index` or `id`), otherwise the example's number in the split from 0.
    pub id: String,
    /// The first text, exactly as in the file.
    pub first: String,
    /// The second text of a task on pairs.
    pub second: Option<String>,
    /// Class index or score; none where the file gives none.
    pub target: Option<f32>,
}

/// A split read one example at a time.
pub(super) struct Examples<'a> {
    columns: TaskColumns,
    labels: LabelReader<'a>,
    files: std::vec::IntoIter<PathBuf>,
    /// The file being read.
    current: Option<(PathBuf, Records)>,
    /// Records seen, the skipped and the bad ones included.
    seen: usize,
}

/// What became of a record.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    Example(Example),
    Skipped,
}

impl<'a> Examples<'a> {
    pub(super) fn new(task: &'a TaskSpec, files: Vec<PathBuf>, split: Split) -> Self {
        Self {
            columns: TaskColumns::new(task, split),
            labels: LabelReader::new(task, split),
            files: files.into_iter(),
            current: None,
            seen: 0,
        }
    }
}

/// After an error the rest can be read, except of a file that is damaged as a whole.
impl Iterator for Examples<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, records)) = &mut self.current {
                if let Some(record) = records.next() {
                    self.seen += 1;
                    return Some(record.and_then(|record| entry(record, path, &self.labels, self.seen - 1)));
                }
                self.current = None;
            }
            let path = self.files.next()?;
            match records::open(&path, &self.columns) {
                Ok(records) => self.current = Some((path, records)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn entry(record: Record, path: &Path, labels: &LabelReader<'_>, index: usize) -> Result<Entry> {
    let Record::Row(row) = record else { return Ok(Entry::Skipped) };
    let line = row.line;
    let example = example(row, labels, index).map_err(|message| Error::record(&path.into(), line, message))?;
    Ok(example.map_or(Entry::Skipped, Entry::Example))
}

fn example(row: TaskRow, labels: &LabelReader<'_>, index: usize) -> Result<Option<Example>, String> {
    let task = labels.task;
    if labels.is_undecided(row.label.as_ref()) {
        return Ok(None);
    }
    let target = labels.read(row.label.as_ref())?;
    let first = text(row.first, &task.first)?;
    let second = row.second.map(|cell| text(cell, task.second.as_deref().unwrap_or_default())).transpose()?;
    let id = row.id.as_ref().and_then(Cell::plain).filter(|id| !id.is_empty());
    let id = id.map_or_else(|| index.to_string(), |id| id.into_owned());
    Ok(Some(Example { id, first, second, target }))
}

fn text(cell: Cell, column: &str) -> Result<String, String> {
    let hint = match cell {
        Cell::Text(text) => return Ok(text),
        Cell::Missing => "give an empty string if that is meant",
        _ => "write it as a string",
    };
    Err(format!("column `{column}`: expected text, found {}; {hint}", cell.describe()))
}

/// Reads the label column of one task and split.
pub(super) struct LabelReader<'a> {
    task: &'a TaskSpec,
    required: bool,
    classes: HashMap<&'a str, usize>,
    /// Whether a whole number is a class index. Not so where a class is itself called by a number.
    by_index: bool,
}

impl<'a> LabelReader<'a> {
    pub(super) fn new(task: &'a TaskSpec, split: Split) -> Self {
        let labels = task.labels();
        Self {
            task,
            required: split.must_be_labelled(),
            classes: labels.iter().enumerate().map(|(i, label)| (label.as_str(), i)).collect(),
            by_index: labels.iter().all(|label| label.parse::<i64>().is_err()),
        }
    }

    /// MNLI marks a pair on which its annotators did not agree with `-`; GLUE leaves such pairs out.
    fn is_undecided(&self, cell: Option<&Cell>) -> bool {
        self.task.glue == Some(GlueTask::Mnli) && matches!(cell, Some(Cell::Text(text)) if text.trim() == "-")
    }

    /// Class index or score; none for an absent column, an empty field, a null, and the hub's -1 for "no label", all of which
    /// only a test split may have.
    fn read(&self, cell: Option<&Cell>) -> Result<Option<f32>, String> {
        let Some(cell) = cell else { return Ok(None) };
        let found = cell.plain().unwrap_or_default();
        let marks_absence = match &self.task.target {
            Target::Classification { labels } => !labels.iter().any(|label| label == "-1"),
            Target::Regression { min, .. } => *min > -1.0,
        };
        if found.is_empty() || (marks_absence && found.parse() == Ok(-1.0_f32)) {
            if self.required {
                let found = if found.is_empty() { "nothing" } else { "-1, which stands for no label" };
                return Err(format!("column `{}`: expected {}, found {found}", self.task.label, self.expected()));
            }
            return Ok(None);
        }
        let value = match &self.task.target {
            Target::Classification { labels } => {
                let index = || found.parse::<usize>().ok().filter(|&i| self.by_index && i < labels.len());
                self.classes.get(found.as_ref()).copied().or_else(index).map(|i| i as f32)
            }
            Target::Regression { min, max } => {
                let fits = |x: &f32| x.is_finite() && (self.task.discovered || (*min..=*max).contains(x));
                found.parse::<f32>().ok().filter(fits)
            }
        };
        let refuse =
            || format!("column `{}`: expected {}, found {}", self.task.label, self.expected(), shorten(&found));
        value.map(Some).ok_or_else(refuse)
    }

    fn expected(&self) -> String {
        match &self.task.target {
            Target::Classification { labels } if self.by_index => {
                format!("one of {} or a class index from 0 to {}", preview(labels), labels.len() - 1)
            }
            Target::Classification { labels } => format!("one of {}", preview(labels)),
            Target::Regression { .. } if self.task.discovered => "a finite number".to_owned(),
            Target::Regression { min, max } => format!("a number from {min} to {max}"),
        }
    }
}

#[cfg(test)]
mod tests;

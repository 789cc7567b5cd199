//! From records to examples: what counts as a text, a label, an identifier.

use std::path::{Path, PathBuf};

use super::columns::TaskColumns;
use super::error::{Error, Result};
use super::fingerprint;
use super::identifiers::{Identifiers, RepeatedIds};
use super::labels::{LabelReader, Labels};
use super::records::{self, Record, Records, TaskRow};
use super::table::Cell;
use super::task::TaskSpec;

/// One or two texts and, where known, their label.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The file's own identifier (column `idx`, `index` or `id`) as it is written there, otherwise the example's number in the split
    /// from 0.
    pub id: String,
    /// The first text, exactly as in the file.
    pub first: String,
    /// The second text of a task on pairs.
    pub second: Option<String>,
    /// Class index or score; none where the file gives none.
    pub target: Option<f32>,
}

impl Example {
    /// A number that tells its texts from others, labels aside.
    pub(super) fn fingerprint(&self) -> u64 {
        match &self.second {
            Some(second) => fingerprint::of_pair(&self.first, second),
            None => fingerprint::of(&self.first),
        }
    }
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
    identifiers: Identifiers,
    /// What was decided about the files without being asked, for whoever started it.
    notes: Vec<String>,
}

/// What became of a record.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    Example(Example),
    Skipped,
}

impl<'a> Examples<'a> {
    pub(super) fn new(task: &'a TaskSpec, files: Vec<PathBuf>, labels: Labels) -> Self {
        Self {
            columns: TaskColumns::new(task, labels),
            labels: LabelReader::new(task, labels),
            files: files.into_iter(),
            current: None,
            seen: 0,
            identifiers: Identifiers::default(),
            notes: Vec::new(),
        }
    }

    /// What is left to say once all have been read: notes, and ids that repeat.
    pub(super) fn end(mut self) -> (Vec<String>, Option<RepeatedIds>) {
        self.notes.extend(self.labels.note());
        (self.notes, self.identifiers.repeated())
    }

    fn close(&mut self) {
        let Some((_, records)) = self.current.take() else { return };
        for note in records.into_notes() {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
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
                    let (labels, identifiers) = (&self.labels, &mut self.identifiers);
                    return Some(record.and_then(|record| entry(record, path, labels, identifiers, self.seen - 1)));
                }
                self.close();
            }
            let path = self.files.next()?;
            match records::open(&path, &self.columns) {
                Ok(records) => self.current = Some((path, records)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The example that a record of the file `path` is.
fn entry(
    record: Record,
    path: &Path,
    labels: &LabelReader<'_>,
    identifiers: &mut Identifiers,
    index: usize,
) -> Result<Entry> {
    let Record::Row(row) = record else { return Ok(Entry::Skipped) };
    let line = row.line;
    let in_file = row.id.is_some();
    let example = example(row, labels, index).map_err(|message| Error::record(&path.into(), line, message))?;
    let Some(example) = example else { return Ok(Entry::Skipped) };
    if in_file {
        identifiers.add(&example.id, path, line);
    }
    Ok(Entry::Example(example))
}

fn example(row: TaskRow, labels: &LabelReader<'_>, index: usize) -> Result<Option<Example>, String> {
    let task = labels.task;
    if labels.is_undecided(row.label.as_ref()) {
        return Ok(None);
    }
    let target = labels.read(row.label.as_ref())?;
    let first = text(row.first, &task.first)?;
    let second = row.second.map(|cell| text(cell, task.second.as_deref().unwrap_or_default())).transpose()?;
    let id = row.id.as_ref().and_then(Cell::identifier);
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

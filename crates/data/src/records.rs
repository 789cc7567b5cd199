//! Records cut down to the columns a task needs, whatever form they come from.

use std::path::Path;
use std::sync::Arc;

use super::columns::{Positions, TaskColumns, Twins};
use super::error::{Error, Result, shorten};
use super::locate;
use super::table::{Cell, Column, Columns, Form, QuotedFields, ReadOptions, Row, Source, Table};

/// The cells of one record that a task uses.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskRow {
    /// 1-based line, or record number in Parquet.
    pub(super) line: usize,
    pub(super) first: Cell,
    pub(super) second: Option<Cell>,
    pub(super) label: Option<Cell>,
    pub(super) id: Option<Cell>,
}

/// What a file yields.
#[derive(Debug, PartialEq)]
pub(super) enum Record {
    Row(TaskRow),
    /// A record left out by a documented tolerance.
    Skipped,
}

/// Records of one file in order. They go on after an error about one record and end after one about the file.
pub(super) struct Records {
    table: Table,
    wanted: TaskColumns,
    /// Where the task's are in rows of these columns.
    known: Option<(Columns, Positions)>,
    /// What the file itself calls the classes that are numbers in it, where they are meant by their names.
    classes: Option<Arc<[String]>>,
    notes: Vec<String>,
    /// The record last read.
    row: Row,
}

/// Opens `path` as its extension says. Columns that the task does not use are not decoded.
///
/// # Errors
/// If the file cannot be opened, is empty or damaged, or lacks a column of a type that a task can use.
pub(super) fn open(path: &Path, wanted: &TaskColumns) -> Result<Records> {
    let quoted_fields = if wanted.quotes_are_text { QuotedFields::Kept } else { QuotedFields::Refused };
    let options = ReadOptions { short_rows: wanted.skip_short, quoted_fields, ..ReadOptions::strict() };
    let mut table = Table::open(Source::File(path.to_owned()), locate::form(path)?, &options)?;
    let wanted = wanted.clone();
    let records = |table| Records {
        table,
        wanted: wanted.clone(),
        known: None,
        classes: None,
        notes: Vec::new(),
        row: Row::default(),
    };
    let Some(columns) = table.columns() else {
        if table.form() != Form::Jsonl {
            let header = wanted.expected();
            return Err(table.refuse(format!("the file is empty; expected a header line with {header}")));
        }
        // Every object says for itself where its columns are.
        table.want(&wanted.names());
        return Ok(records(table));
    };
    let headerless = wanted.headerless(columns).filter(|_| table.form() == Form::Tsv);
    let mut positions = match headerless {
        Some(positions) => positions,
        None => wanted.positions(columns, Twins::Refused).map_err(|message| {
            let hint = table.separator_hint(&wanted.names());
            table.refuse(format!("{message}{hint}"))
        })?,
    };
    let column = |place: usize| &columns[place];
    let mut notes = Vec::new();
    let is_plain = |column: &Column| column.unreadable.is_none() && !column.is_nested();
    if let Some(id) = positions.id.map(column).filter(|id| !is_plain(id)) {
        let holds =
            id.unreadable.clone().unwrap_or_else(|| format!("it holds {}", id.special.as_deref().unwrap_or("lists")));
        notes.push(format!(
            "column {}: {holds}, and is not taken for an id; the examples are numbered",
            shorten(&id.name)
        ));
        positions.id = None;
    }
    let texts = [Some(positions.first), positions.second].into_iter().flatten().map(column);
    let bad = texts.filter(|column| column.special.is_some());
    if let Some(column) = bad.chain(positions.label.map(column).filter(|label| label.is_nested())).next() {
        let (name, found) = (&column.name, column.special.as_deref().unwrap_or_default());
        let message = format!("column `{name}` holds {found}; expected text, integers, floats or booleans");
        return Err(table.refuse(message));
    }
    let classes = positions.label.and_then(|place| columns[place].classes.clone());
    if let Some(names) = classes.as_ref().filter(|names| !wanted.means_names(names))
        && names.len() == wanted.classes().len()
    {
        let pairs = names.iter().zip(wanted.classes()).take(10);
        let pairs: Vec<String> = pairs.map(|(own, class)| format!("{} = {}", shorten(own), shorten(class))).collect();
        notes.push(format!(
            "the file has names of its own for the classes, taken by their numbers: {}",
            pairs.join(", ")
        ));
    }
    let classes = classes.filter(|names| wanted.means_names(names));
    table.select(&positions.used().collect::<Vec<_>>());
    if headerless.is_some() {
        table.unread_header();
    }
    let known = table.columns().map(|columns| (Arc::clone(columns), positions.packed()));
    Ok(Records { known, classes, notes, ..records(table) })
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.table.read(&mut self.row)?.and_then(|()| self.record()))
    }
}

impl Records {
    /// Names of the classes as the file itself keeps them, where its labels are the numbers of those.
    pub(super) fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// What was decided without being asked.
    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes
    }

    fn record(&mut self) -> Result<Record> {
        let row = &mut self.row;
        if row.cells.len() < row.columns.len() {
            return Ok(Record::Skipped);
        }
        let line = row.line;
        let refuse = |message: String| Error::record(self.table.place(), line, message);
        let positions = match &self.known {
            Some((columns, positions)) if Arc::ptr_eq(&row.columns, columns) => *positions,
            _ => {
                let positions = self
                    .wanted
                    .positions(&row.columns, Twins::LastCounts)
                    .map_err(|message| refuse(format!("{message}; every object is one record")))?;
                self.known.insert((Arc::clone(&row.columns), positions)).1
            }
        };
        let Positions { first, second, label, id } = positions;
        let nested = |place: &usize| row.cells[*place].is_nested();
        if let Some(place) = [Some(first), second, label].into_iter().flatten().find(nested) {
            let (name, found) = (&row.columns[place].name, row.cells[place].describe());
            return Err(refuse(format!(
                "column `{name}` holds {found}; expected a string or a number, one record an object (pandas: \
                 orient=\"records\", lines=True)"
            )));
        }
        if id.as_ref().is_some_and(nested) && self.notes.is_empty() {
            self.notes
                .push("ids that are lists or objects are not taken for ids; those examples are numbered".to_owned());
        }
        let mut take = |place: usize| std::mem::replace(&mut row.cells[place], Cell::Missing);
        let (first, second, mut label, id) =
            (take(first), second.map(&mut take), label.map(&mut take), id.map(&mut take));
        if let (Some(names), Some(cell)) = (&self.classes, &mut label) {
            name(cell, names).map_err(|message| refuse(format!("column `{}`: {message}", self.wanted.label())))?;
        }
        Ok(Record::Row(TaskRow { line, first, second, label, id }))
    }
}

/// Puts the name of a class in the place of its number; -1 stays, which means none.
fn name(cell: &mut Cell, names: &[String]) -> Result<(), String> {
    let index = match cell {
        Cell::Integer(-1) => return Ok(()),
        Cell::Integer(number) => usize::try_from(*number).ok(),
        Cell::Unsigned(number) => usize::try_from(*number).ok(),
        _ => return Ok(()),
    };
    match index.and_then(|index| names.get(index)) {
        Some(name) => {
            *cell = Cell::Text(name.clone());
            Ok(())
        }
        None => Err(format!(
            "expected a class from 0 to {} of those that the file names, found {}",
            names.len() - 1,
            cell.text()
        )),
    }
}

#[cfg(test)]
mod tests;

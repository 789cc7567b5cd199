//! Records cut down to the columns a task needs, whatever form they come from.

use std::path::Path;
use std::sync::Arc;

use super::columns::{Positions, TaskColumns, Twins};
use super::error::{Error, Result};
use super::locate;
use super::table::{Cell, Columns, Form, ReadOptions, Row, Source, Table};

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
    /// The record last read.
    row: Row,
}

/// Opens `path` as its extension says.
///
/// # Errors
/// If the file cannot be opened, is empty or damaged, or lacks a column of a type that a task can use.
pub(super) fn open(path: &Path, wanted: &TaskColumns) -> Result<Records> {
    let options = ReadOptions { short_rows: wanted.skip_short, ..ReadOptions::strict() };
    let mut table = Table::open(Source::File(path.to_owned()), locate::form(path)?, &options)?;
    let wanted = wanted.clone();
    let Some(columns) = table.columns() else {
        if table.form() != Form::Jsonl {
            let header = wanted.expected();
            return Err(table.refuse(format!("the file is empty; expected a header line with {header}")));
        }
        // Every object says for itself where its columns are.
        return Ok(Records { table, wanted, known: None, row: Row::default() });
    };
    let headerless = wanted.headerless(columns).filter(|_| table.form() == Form::Tsv);
    let positions = match headerless {
        Some(positions) => positions,
        None => wanted.positions(columns, Twins::Refused).map_err(|message| table.refuse(message))?,
    };
    for column in positions.used().map(|place| &columns[place]) {
        if let Some(found) = &column.special {
            let name = &column.name;
            let message = format!("column `{name}` holds {found}; expected text, integers, floats or booleans");
            return Err(table.refuse(message));
        }
    }
    table.select(&positions.used().collect::<Vec<_>>());
    if headerless.is_some() {
        table.unread_header();
    }
    let known = table.columns().map(|columns| (Arc::clone(columns), positions.packed()));
    Ok(Records { table, wanted, known, row: Row::default() })
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.table.read(&mut self.row)?.and_then(|()| self.record()))
    }
}

impl Records {
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
                let positions = self.wanted.positions(&row.columns, Twins::LastCounts).map_err(refuse)?;
                self.known.insert((Arc::clone(&row.columns), positions)).1
            }
        };
        let special = |&place: &usize| matches!(row.cells[place], Cell::Json(_)) && row.cells[place].plain().is_none();
        if row.cells.iter().any(|cell| matches!(cell, Cell::Json(_)))
            && let Some(place) = positions.used().find(special)
        {
            let (name, found) = (&row.columns[place].name, row.cells[place].describe());
            return Err(refuse(format!("column `{name}` holds {found}; expected a string or a number")));
        }
        let Positions { first, second, label, id } = positions;
        let mut take = |place: usize| std::mem::replace(&mut row.cells[place], Cell::Missing);
        let (first, second, label, id) = (take(first), second.map(&mut take), label.map(&mut take), id.map(&mut take));
        Ok(Record::Row(TaskRow { line, first, second, label, id }))
    }
}

#[cfg(test)]
mod tests;

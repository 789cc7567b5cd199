//! Which columns of a table hold the texts, and its records as the header has them.

use std::sync::Arc;

use crate::columns::{Twins, find, shorten};
use crate::error::{Error, Result};
use crate::table::{Cell, Column, Columns, Form, Kind, Row, Table};
use crate::task::TaskSpec;

/// The columns that hold the texts; where several names are given the first one present counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumns {
    /// Names of the first text's column.
    pub first: Vec<String>,
    /// Names of the second's, where the model takes pairs.
    pub second: Option<Vec<String>>,
    /// Whether the only column of text will do where none has such a name.
    pub sole: bool,
    /// How a user names the two, for the message that a column is missing: a flag, a parameter.
    pub flags: Option<[&'static str; 2]>,
}

impl TextColumns {
    /// The columns `first` and `second` or, where they are not given, those that the task's own data has. Where a model takes one
    /// text and the table has one column of text, any name will do unless `first` is given.
    ///
    /// # Errors
    /// If `second` is given for a task of one text.
    pub fn new(task: &TaskSpec, first: Option<&str>, second: Option<&str>) -> Result<Self> {
        if let (Some(second), None) = (second, &task.second) {
            let expected = format!("none, since the model takes one text (task {})", task.name);
            return Err(Error::invalid("column of the second text", expected, second));
        }
        let official = task.glue.map(|glue| glue.official_columns());
        let names = |given: Option<&str>, name: &str, i: usize| match given {
            Some(name) => vec![name.to_owned()],
            None => {
                let official = official.map(|names| names[i]).filter(|official| *official != name);
                [Some(name), official].into_iter().flatten().map(str::to_owned).collect()
            }
        };
        let pair = task.second.as_deref().map(|name| names(second, name, 1));
        let sole = first.is_none() && pair.is_none();
        Ok(Self { first: names(first, &task.first, 0), second: pair, sole, flags: None })
    }
}

/// The columns of a table, and which of them hold the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) columns: Columns,
    pub(super) first: usize,
    pub(super) second: Option<usize>,
}

/// One record, with the columns of the header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) row: Row,
    /// Keys of an object of JSON Lines that the header lacks.
    pub(super) extra: Vec<String>,
}

impl Header {
    /// The header of plain text.
    pub(super) fn plain(pair: bool) -> Self {
        let names = if pair { &["text", "text2"][..] } else { &["text"] };
        Self { columns: names.iter().map(|name| Column::text(*name)).collect(), first: 0, second: pair.then_some(1) }
    }

    /// The header of a table, and the row that was read for it: that of JSON Lines has the keys of the first object.
    ///
    /// # Errors
    /// If the table is empty, cannot be read, or lacks a column of the texts.
    pub(super) fn read(table: &mut Table, wanted: &TextColumns) -> Result<(Self, Option<Row>)> {
        if let Some(columns) = table.columns().cloned() {
            let header = match table.form() {
                Form::Text => Ok(Self { columns, first: 0, second: wanted.second.as_ref().map(|_| 1) }),
                _ => Self::find(columns, wanted),
            };
            return Ok((header.map_err(|message| table.refuse(message))?, None));
        }
        if table.form() != Form::Jsonl {
            return Err(table.refuse("nothing there; expected a header line with the names of the columns"));
        }
        let row = table.next().transpose()?;
        let line = row.as_ref().map_or(1, |row| row.line);
        let columns = row.as_ref().map(|row| row.columns.clone()).unwrap_or_else(|| {
            // No line, no records: columns that nobody asks for.
            let asked = [Some(&wanted.first), wanted.second.as_ref()].into_iter().flatten();
            asked.filter_map(|names| names.first()).map(Column::text).collect()
        });
        let header = Self::find(columns, wanted).map_err(|message| Error::record(table.place(), line, message))?;
        Ok((header, row))
    }

    /// Finds the texts among the columns.
    ///
    /// # Errors
    /// A message that lists the columns, if one is missing or ambiguous.
    fn find(columns: Columns, wanted: &TextColumns) -> Result<Self, String> {
        let one = |names: &[String], flag: Option<&str>| {
            if let Some(place) = find(&columns, names, Twins::Refused)? {
                return Ok(place);
            }
            let mut text = (0..columns.len()).filter(|&i| columns[i].kind == Kind::Text);
            if let (true, Some(place), None) = (wanted.sole, text.next(), text.next()) {
                return Ok(place);
            }
            let hint = flag.map(|flag| format!("; name the one that holds the text with {flag}")).unwrap_or_default();
            let found = listed(columns.iter().map(|column| &column.name));
            Err(format!("no column `{}`; found {found}{hint}", names.join("` or `")))
        };
        let flag = |i: usize| wanted.flags.map(|flags| flags[i]);
        let first = one(&wanted.first, flag(0))?;
        let second = wanted.second.as_deref().map(|names| one(names, flag(1))).transpose()?;
        Ok(Self { columns, first, second })
    }

    /// A row as a record.
    ///
    /// # Errors
    /// A message that names the column, if one that should be text is missing or is not.
    pub(super) fn record(&self, mut row: Row) -> Result<Record, String> {
        let mut extra = Vec::new();
        if !Arc::ptr_eq(&row.columns, &self.columns) {
            let mut cells = vec![None; self.columns.len()];
            for (column, cell) in row.columns.iter().zip(row.cells) {
                match self.columns.iter().position(|own| own.name == column.name) {
                    Some(place) => cells[place] = Some(cell),
                    None => extra.push(column.name.clone()),
                }
            }
            if let Some(place) = self.texts().find(|&place| cells[place].is_none()) {
                let present = self.columns.iter().zip(&cells).filter(|(_, cell)| cell.is_some());
                let found = listed(present.map(|(column, _)| &column.name).chain(&extra));
                return Err(format!("no column `{}`; found {found}", self.columns[place].name));
            }
            row.cells = cells.into_iter().map(|cell| cell.unwrap_or(Cell::Missing)).collect();
            row.columns = Arc::clone(&self.columns);
        }
        for place in self.texts() {
            let cell = &row.cells[place];
            if !matches!(cell, Cell::Text(_)) {
                let name = &self.columns[place].name;
                return Err(format!("column `{name}`: expected text, found {}", cell.describe()));
            }
        }
        Ok(Record { row, extra })
    }

    /// The text, or the two, of a record.
    pub(super) fn text<'a>(&self, record: &'a Record) -> (&'a str, Option<&'a str>) {
        let text = |place: usize| if let Cell::Text(text) = &record.row.cells[place] { text.as_str() } else { "" };
        (text(self.first), self.second.map(text))
    }

    fn texts(&self) -> impl Iterator<Item = usize> {
        [Some(self.first), self.second].into_iter().flatten()
    }
}

/// Names for a message, at most 50 of them.
fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.take(50).map(|name| shorten(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_column_of_text_will_do() {
        let column = |(name, kind): &(&str, Kind)| Column::new(*name, *kind);
        let find = |columns: &[(&str, Kind)], sole| {
            let wanted = TextColumns { first: vec!["sentence".into()], second: None, sole, flags: None };
            Header::find(columns.iter().map(column).collect(), &wanted).map(|header| header.first)
        };
        let table = [("id", Kind::Integer), ("review", Kind::Text), ("stars", Kind::Double)];
        assert_eq!(find(&table, true), Ok(1));
        assert!(find(&table, false).unwrap_err().contains("found `id`, `review`, `stars`"));
        assert_eq!(find(&[table[1], ("sentence", Kind::Text)], true), Ok(1));
        assert!(find(&[table[1], ("title", Kind::Text)], true).unwrap_err().contains("no column `sentence`"));
        assert!(find(&table[..1], true).unwrap_err().contains("no column `sentence`"));
    }
}

//! Which columns of a table hold the texts, and its records as the header has them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::options::OnError;
use crate::columns::{Twins, find};
use crate::error::{Error, Result, shorten};
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

    /// Every name that one of the columns may have.
    fn names(&self) -> impl Iterator<Item = &String> {
        self.first.iter().chain(self.second.iter().flatten())
    }
}

/// Objects of JSON that are looked through for the text.
const PATIENCE: usize = 1000;

/// The columns of a table, and which of them hold the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) columns: Columns,
    pub(super) first: usize,
    pub(super) second: Option<usize>,
    /// Columns that cannot be read and are left out, each with the reason.
    pub(super) unreadable: Vec<String>,
    /// Whether every line is a text, rather than a record with one.
    plain: bool,
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
        let columns = names.iter().map(|name| Column::text(*name)).collect();
        Self { columns, first: 0, second: pair.then_some(1), unreadable: Vec::new(), plain: true }
    }

    /// The header of a table, and the rows that were read for it: that of JSON has the keys of the first object with a text. Columns that are not
    /// wanted, which are all but those of the texts if `texts_only`, are not decoded, nor are those that cannot be.
    ///
    /// # Errors
    /// If the table is empty, cannot be read, or lacks a column of the texts.
    pub(super) fn read(table: &mut Table, wanted: &TextColumns, texts_only: bool) -> Result<(Self, Vec<Row>)> {
        if let Some(columns) = table.columns().cloned() {
            if table.form() == Form::Text {
                return Ok((Self::plain(wanted.second.is_some()), Vec::new()));
            }
            let found = Self::find(columns, wanted).map_err(|message| {
                let names: Vec<String> = wanted.names().cloned().collect();
                let hint = table.separator_hint(&names);
                table.refuse(format!("{message}{hint}"))
            });
            return Ok((found?.selected(table, texts_only), Vec::new()));
        }
        if table.form() != Form::Jsonl {
            return Err(table.refuse("nothing there; expected a header line with the names of the columns"));
        }
        if texts_only && !wanted.sole {
            table.want(&wanted.names().cloned().collect::<Vec<_>>());
        }
        // Writers that leave nulls out leave the text out of some objects, the first ones perhaps.
        let mut rows = Vec::new();
        for row in table.by_ref() {
            let row = row?;
            // The only column will do if it is one of text.
            let has_text = |header: Self| {
                let named = wanted.first.iter().any(|name| *name == header.columns[header.first].name.trim());
                named || matches!(row.cells[header.first], Cell::Text(_))
            };
            let found = Self::find(row.columns.clone(), wanted).is_ok_and(has_text);
            rows.push(row);
            if found || rows.len() == PATIENCE {
                break;
            }
        }
        let header = match (rows.first(), rows.last()) {
            (Some(first), Some(last)) => Self::find(last.columns.clone(), wanted)
                .or_else(|_| Self::find(first.columns.clone(), wanted))
                .map_err(|message| Error::record(table.place(), first.line, message))?,
            _ => {
                // No line, no records: columns that nobody asks for.
                let asked = [Some(&wanted.first), wanted.second.as_ref()].into_iter().flatten();
                let columns = asked.filter_map(|names| names.first()).map(Column::text).collect();
                Self::find(columns, wanted).map_err(|message| Error::record(table.place(), 1, message))?
            }
        };
        Ok((header, rows))
    }

    /// Makes another part of the table, whose first part this header is of, give the columns of the header. Whether it does so:
    /// objects of JSON have what they have.
    ///
    /// # Errors
    /// If the part has other columns.
    pub(super) fn select_in(&self, table: &mut Table, wanted: &TextColumns, texts_only: bool) -> Result<bool> {
        let Some(columns) = table.columns().cloned() else {
            if texts_only && !wanted.sole {
                table.want(&wanted.names().cloned().collect::<Vec<_>>());
            }
            return Ok(false);
        };
        let same =
            |own: &Column| columns.iter().position(|column| (&column.name, column.kind) == (&own.name, own.kind));
        let places: Vec<usize> = self.columns.iter().filter_map(same).collect();
        let all = places.iter().collect::<BTreeSet<_>>().len() == self.columns.len();
        if !all || !(texts_only || columns.len() == self.columns.len() + self.unreadable.len()) {
            let [expected, found] =
                [&self.columns, &columns].map(|columns| listed(columns.iter().map(|column| &column.name)));
            return Err(table.refuse(format!(
                "expected the columns that the first part has, of the same types: {expected}; found {found}; write all parts alike"
            )));
        }
        table.select(&places);
        Ok(true)
    }

    /// Selects the columns that are wanted and can be read.
    fn selected(mut self, table: &mut Table, texts_only: bool) -> Self {
        let mut places: Vec<usize> = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            if self.texts().any(|text| text == place) {
                places.push(place);
            } else if let (Some(reason), false) = (&column.unreadable, texts_only) {
                self.unreadable.push(format!("{}: {reason}", shorten(&column.name)));
            } else if !texts_only {
                places.push(place);
            }
        }
        if places.len() < self.columns.len() {
            table.select(&places);
            let moved = |old: usize| places.iter().position(|&place| place == old).unwrap_or(old);
            (self.first, self.second) = (moved(self.first), self.second.map(moved));
            self.columns = table.columns().cloned().unwrap_or_default();
        }
        self
    }

    /// Finds the texts among the columns.
    ///
    /// # Errors
    /// A message that lists the columns, if one is missing or ambiguous.
    fn find(columns: Columns, wanted: &TextColumns) -> Result<Self, String> {
        let one = |names: &[String], flag: Option<&str>| {
            if let Some(place) = find(&columns, names, Twins::Refused)? {
                return match (&columns[place].unreadable, &columns[place].special) {
                    (Some(reason), _) => {
                        Err(format!("column {} cannot be read: {reason}", shorten(&columns[place].name)))
                    }
                    (None, Some(found)) => {
                        Err(format!("column {} holds {found}; expected text", shorten(&columns[place].name)))
                    }
                    (None, None) => Ok(place),
                };
            }
            let mut text =
                (0..columns.len()).filter(|&i| columns[i].kind == Kind::Text && columns[i].special.is_none());
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
        Ok(Self { columns, first, second, unreadable: Vec::new(), plain: false })
    }

    /// A row as a record.
    ///
    /// # Errors
    /// A message that names the column, if one that should be text is something else, or is missing and `on_error` says to stop.
    pub(super) fn record(&self, mut row: Row, on_error: OnError) -> Result<Record, String> {
        let mut extra = Vec::new();
        if !Arc::ptr_eq(&row.columns, &self.columns) {
            let mut cells = vec![None; self.columns.len()];
            for (column, cell) in row.columns.iter().zip(row.cells) {
                match self.columns.iter().position(|own| own.name == column.name) {
                    Some(place) => cells[place] = Some(cell),
                    None => extra.push(column.name.clone()),
                }
            }
            // An object without any of the keys that the first one has is of another table.
            if self.texts().any(|place| cells[place].is_none()) && cells.iter().all(Option::is_none) {
                let place = self.texts().find(|&place| cells[place].is_none()).unwrap_or(self.first);
                let found = listed(extra.iter());
                return Err(format!("no column `{}`; found {found}", self.columns[place].name));
            }
            row.cells = cells.into_iter().map(|cell| cell.unwrap_or(Cell::Missing)).collect();
            row.columns = Arc::clone(&self.columns);
        }
        for place in self.texts() {
            let cell = &row.cells[place];
            let missing = !self.plain && cell.is_absent();
            if (missing && on_error == OnError::Stop) || !(missing || matches!(cell, Cell::Text(_))) {
                let name = &self.columns[place].name;
                let found = if missing { "nothing".to_owned() } else { cell.describe() };
                return Err(format!("column `{name}`: expected text, found {found}"));
            }
        }
        Ok(Record { row, extra })
    }

    /// Whether a text of a record is missing.
    pub(super) fn lacks_text(&self, record: &Record) -> bool {
        !self.plain && self.texts().any(|place| record.row.cells[place].is_absent())
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

//! The one reader of tables.

use super::csv::Csv;
use super::disguise;
use super::form::Form;
use super::json::Json;
use super::lines::Lines;
#[cfg(feature = "parquet")]
use super::parquet::ParquetFile;
use super::row::{Cell, Column, Columns, Reader, Row, Selection};
use super::separator;
use super::source::{ReadOptions, Source};
use super::tsv::Tsv;
use crate::error::{Error, Fault, Place, Result};

/// A table whose header has been read, and an iterator over its rows. After an error about one record the rest can be read; there
/// is none after an error about the file as a whole.
pub struct Table {
    form: Form,
    place: Place,
    reader: Box<dyn Reader>,
    columns: Option<Columns>,
    /// Line of the header, in the forms that have one.
    header_line: Option<usize>,
    /// The header as a row, where it is a record in truth.
    first: Option<Row>,
}

impl Table {
    /// Opens `source` as `form` and reads as far as the header goes. Of JSON Lines nothing is read.
    ///
    /// # Errors
    /// If it cannot be opened or read, is not of that form, or its header is damaged. [`Error::Malformed`] for Parquet that is not
    /// a file, or that this build does not read.
    pub fn open(source: Source, form: Form, options: &ReadOptions) -> Result<Self> {
        let place = source.place();
        if let Some(message) = place.path().and_then(|path| disguise::explain(path, form)) {
            return Err(Error::malformed(place, message));
        }
        let (reader, columns, header_line): (Box<dyn Reader>, Option<Vec<Column>>, Option<usize>) = match form {
            #[cfg(feature = "parquet")]
            Form::Parquet => {
                let Some(path) = place.path() else {
                    let message = "Parquet has its table of contents at the end and cannot be streamed; name a file";
                    return Err(Error::malformed(place, message));
                };
                let (file, columns) = ParquetFile::open(path)?;
                (Box::new(file), Some(columns), None)
            }
            #[cfg(not(feature = "parquet"))]
            Form::Parquet => return Err(Error::malformed(place, format!("expected {}", super::NO_PARQUET))),
            Form::Text => {
                let (text, columns) = Tsv::plain(Lines::open(source, options)?, options.pair);
                (Box::new(text), Some(columns), None)
            }
            Form::Jsonl => (Box::new(Json::open(source, options)?), None, None),
            Form::Tsv => {
                let (tsv, header) = Tsv::open(Lines::open(source, options)?, options)?;
                let (line, columns) = header.unzip();
                (Box::new(tsv), columns, Some(line.unwrap_or(1)))
            }
            Form::Csv => {
                let (csv, header) = Csv::open(source.open()?, options)?;
                let (line, columns) = header.unzip();
                (Box::new(csv), columns, Some(line.unwrap_or(1)))
            }
        };
        let columns = columns.map(Columns::from);
        let width = columns.as_ref().map_or(0, |columns| columns.len());
        let mut table = Self { form, place, reader, columns, header_line, first: None };
        table.select(&(0..width).collect::<Vec<_>>());
        Ok(table)
    }

    /// Its form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Where it comes from.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its columns; none of JSON Lines, whose objects have each their own, and of an empty file.
    pub fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// Leaves of the columns those at `places` alone, in that order; the others are not decoded. Once, and before a row is read.
    /// Objects of JSON Lines have what they have.
    ///
    /// # Panics
    /// If there is no column at one of the places.
    pub fn select(&mut self, places: &[usize]) {
        if let Some(all) = &self.columns {
            let columns: Columns = places.iter().map(|&place| all[place].clone()).collect();
            self.reader.select(Selection::new(all.len(), places, &columns));
            self.columns = Some(columns);
        }
    }

    /// Says that of the objects of JSON those values alone are wanted whose keys are among `names`, white space around them aside;
    /// the others are not decoded. Other forms have [`Table::select`].
    pub fn want(&mut self, names: &[String]) {
        self.reader.want(names);
    }

    /// Makes what was read as the header of CSV or TSV the first record.
    pub(crate) fn unread_header(&mut self) {
        let columns = self.columns.clone().unwrap_or_default();
        let cells = columns.iter().map(|column| Cell::Text(column.name.clone())).collect();
        let line = self.header_line.unwrap_or(1);
        self.first = Some(Row { line, columns, cells, object: None, position: 0 });
    }

    /// An error about its header, or its columns.
    pub(crate) fn refuse(&self, fault: impl Into<Fault>) -> Error {
        match self.header_line {
            Some(line) => Error::record(&self.place, line, fault),
            None => Error::malformed(self.place.clone(), fault),
        }
    }

    /// What to say beside "no such column", where the header would have one of `wanted` if it were split at another separator.
    pub(crate) fn separator_hint(&self, wanted: &[String]) -> String {
        let own = match self.form {
            Form::Csv => ',',
            Form::Tsv => '\t',
            _ => return String::new(),
        };
        let hint = self.columns().and_then(|columns| separator::hint(columns, wanted, own));
        hint.map(|hint| format!("; {hint}")).unwrap_or_default()
    }

    /// Makes `row` the next record, as the iterator gives it, in the memory that it has.
    pub fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        match self.first.take() {
            Some(first) => {
                *row = first;
                Some(Ok(()))
            }
            None => self.reader.read(row),
        }
    }
}

impl Iterator for Table {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut row = Row::default();
        Some(self.read(&mut row)?.map(|()| row))
    }
}

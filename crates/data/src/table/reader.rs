//! The one reader of tables.

use super::csv::Csv;
use super::form::Form;
use super::json::JsonLines;
use super::lines::{Lines, PlainText};
#[cfg(feature = "parquet")]
use super::parquet::ParquetFile;
use super::row::{Cell, Column, Columns, Reader, Row};
use super::source::{ReadOptions, Source};
use super::tsv::Tsv;
use crate::error::{Error, Fault, Place, Result};

/// A table whose header has been read.
pub struct Table {
    form: Form,
    place: Place,
    reader: Box<dyn Reader>,
    columns: Option<Vec<Column>>,
    /// Line of the header, in the forms that have one.
    header_line: Option<usize>,
    /// Whether the first record stands in place of a header.
    headerless: bool,
}

impl Table {
    /// Opens `source` as `form` and reads as far as the header goes. Of JSON Lines nothing is read.
    ///
    /// # Errors
    /// If it cannot be opened or read, is not of that form, or its header is damaged. [`Error::Malformed`] for Parquet that is not
    /// a file, or that this build does not read.
    pub fn open(source: Source, form: Form, options: &ReadOptions) -> Result<Self> {
        let place = source.place();
        let mut header_line = None;
        let reader: Box<dyn Reader> = match form {
            #[cfg(feature = "parquet")]
            Form::Parquet => {
                let Some(path) = place.path() else {
                    let message = "Parquet has its table of contents at the end and cannot be streamed; name a file";
                    return Err(Error::malformed(place, message));
                };
                Box::new(ParquetFile::open(path)?)
            }
            #[cfg(not(feature = "parquet"))]
            Form::Parquet => return Err(Error::malformed(place, format!("expected {}", super::NO_PARQUET))),
            Form::Text => Box::new(PlainText::new(Lines::open(source, options)?, options.pair)),
            Form::Jsonl => Box::new(JsonLines::new(Lines::open(source, options)?)),
            Form::Tsv => {
                let tsv = Tsv::new(Lines::open(source, options)?, options.short_rows)?;
                header_line = Some(tsv.header_line);
                Box::new(tsv)
            }
            Form::Csv => {
                let csv = Csv::new(source.open()?, options)?;
                header_line = Some(csv.header_line);
                Box::new(csv)
            }
        };
        let columns = reader.columns();
        Ok(Self { form, place, reader, columns, header_line, headerless: false })
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
    pub fn columns(&self) -> Option<&[Column]> {
        self.columns.as_deref()
    }

    /// An error about its header, or its columns.
    pub(crate) fn refuse(&self, fault: impl Into<Fault>) -> Error {
        match self.header_line {
            Some(line) => Error::record(&self.place, line, fault),
            None => Error::malformed(self.place.clone(), fault),
        }
    }

    /// The same table, where what was read as the header of CSV or TSV is the first record.
    pub(crate) fn without_header(self) -> Self {
        Self { headerless: true, ..self }
    }

    /// All of its rows, with all columns.
    ///
    /// # Errors
    /// If a column cannot be decoded.
    pub fn rows(self) -> Result<Rows> {
        let places: Vec<usize> = (0..self.columns.as_ref().map_or(0, Vec::len)).collect();
        self.rows_of(&places)
    }

    /// All of its rows, with the columns at `places` alone and in that order. Objects of JSON Lines have what they have.
    ///
    /// # Errors
    /// If one of the columns cannot be decoded.
    ///
    /// # Panics
    /// If there is no column at one of the places.
    pub fn rows_of(mut self, places: &[usize]) -> Result<Rows> {
        let all = self.columns.unwrap_or_default();
        let columns: Columns = places.iter().map(|&place| all[place].clone()).collect();
        self.reader.select(places, &columns)?;
        let first = self.headerless.then(|| {
            let cells = columns.iter().map(|column| Cell::Text(column.name.clone())).collect();
            let line = self.header_line.unwrap_or(1);
            Row { line, columns: columns.clone(), cells, object: None, position: 0 }
        });
        Ok(Rows { place: self.place, reader: self.reader, columns, first })
    }
}

/// The rows of a table, one after the other. After an error about one record the rest can be read; there is none after an error
/// about the file as a whole.
pub struct Rows {
    place: Place,
    reader: Box<dyn Reader>,
    columns: Columns,
    first: Option<Row>,
}

impl Rows {
    /// Where they come from.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Their columns; none of JSON Lines.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}

impl Rows {
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

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut row = Row::default();
        Some(self.read(&mut row)?.map(|()| row))
    }
}

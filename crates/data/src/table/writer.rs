//! The one writer of tables.

use std::io::Write;

use super::fields::{csv_field, json_entry, tsv_field};
use super::form::Form;
#[cfg(feature = "parquet")]
use super::parquet::ParquetWriter;
use super::row::{Cell, Column, Row};
use crate::error::{Error, Result};

/// Writes rows as CSV, TSV, JSON Lines or Parquet.
///
/// CSV is quoted as RFC 4180 says, and an empty first field too, so that no line is empty. TSV has no quotes: a tab or a line break
/// inside a field becomes a space, and such fields are counted. Lines wait until [`TableWriter::flush`], rows of Parquet until a
/// row group is full.
///
/// ```
/// use bitspike_data::table::{Column, Form, Kind, TableWriter};
///
/// let columns = vec![Column::text("name"), Column::new("seed", Kind::Integer)];
/// let mut out = Vec::new();
/// let mut writer = TableWriter::create(&mut out, Form::Csv, columns)?;
/// writer.write(vec!["a, b".into(), bitspike_data::table::Cell::Integer(3)])?;
/// writer.finish()?;
/// assert_eq!(out, b"name,seed\n\"a, b\",3\n");
/// # Ok::<(), bitspike_data::Error>(())
/// ```
pub struct TableWriter<W: Write + Send> {
    columns: Vec<Column>,
    sink: Sink<W>,
    spaced: usize,
}

enum Sink<W: Write + Send> {
    Lines {
        form: Form,
        out: W,
        /// Lines that have not gone out.
        buffer: Vec<u8>,
    },
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetWriter<W>>),
}

impl<W: Write + Send> TableWriter<W> {
    /// A writer of a table with these columns; it begins with a header where the form has one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the form is none of a table or not part of this build, [`Error::Write`] if Parquet cannot have such
    /// columns or the beginning cannot be written.
    pub fn create(out: W, form: Form, columns: Vec<Column>) -> Result<Self> {
        let sink = match form {
            Form::Text => return Err(Error::invalid("form of a table", "csv, tsv, jsonl or parquet", form)),
            #[cfg(feature = "parquet")]
            Form::Parquet => Sink::Parquet(Box::new(ParquetWriter::new(&columns, out).map_err(Error::write)?)),
            #[cfg(not(feature = "parquet"))]
            Form::Parquet => return Err(Error::invalid("form of a table", super::NO_PARQUET, form)),
            form => Sink::Lines { form, out, buffer: Vec::new() },
        };
        let mut writer = Self { columns, sink, spaced: 0 };
        if let Form::Csv | Form::Tsv = form {
            let names = writer.columns.iter().map(|column| column.name.as_str().into()).collect();
            writer.write(names)?;
            writer.spaced = 0;
        }
        Ok(writer)
    }

    /// Writes a row, a cell a column.
    ///
    /// # Errors
    /// [`Error::Write`] if a row group of Parquet goes out and cannot be written.
    pub fn write(&mut self, cells: Vec<Cell>) -> Result<()> {
        let row = Row { line: 0, columns: Default::default(), cells, object: None, position: 0 };
        self.write_beside(row, Vec::new())
    }

    /// Writes a row of another table, whose columns are the first of this one's, and beside it the cells of the others. To JSON
    /// Lines a row of JSON Lines is written as it was: order, spelling and numbers of its object are not changed.
    ///
    /// # Errors
    /// As [`TableWriter::write`].
    pub fn write_beside(&mut self, row: Row, beside: Vec<Cell>) -> Result<()> {
        let own = row.cells.len();
        let (form, buffer) = match &mut self.sink {
            Sink::Lines { form, buffer, .. } => (*form, buffer),
            #[cfg(feature = "parquet")]
            Sink::Parquet(writer) => {
                let bytes = row.size() + beside.iter().map(Cell::size).sum::<usize>();
                let cells = row.cells.into_iter().chain(beside).collect();
                return writer.write(cells, bytes).map_err(Error::write);
            }
        };
        let cells = row.cells.iter().chain(&beside);
        match form {
            Form::Jsonl => {
                let object = row.object.as_deref().and_then(|object| object.strip_suffix('}')).map(str::trim_end);
                buffer.extend(object.unwrap_or("{").bytes());
                let (skip, mut first) = (object.map_or(0, |_| own), object.is_none_or(|object| object == "{"));
                for (column, cell) in self.columns.iter().zip(cells).skip(skip) {
                    json_entry(first, &column.name, cell, buffer).map_err(Error::write)?;
                    first = false;
                }
                buffer.push(b'}');
            }
            Form::Csv => cells.enumerate().for_each(|(i, cell)| csv_field(i == 0, &cell.text(), buffer)),
            _ => {
                for (i, cell) in cells.enumerate() {
                    self.spaced += usize::from(tsv_field(i == 0, &cell.text(), buffer));
                }
            }
        }
        buffer.push(b'\n');
        Ok(())
    }

    /// Lets go out what has been written, as far as the form allows it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn flush(&mut self) -> Result<()> {
        match &mut self.sink {
            Sink::Lines { out, buffer, .. } => {
                out.write_all(buffer).and_then(|()| out.flush()).map_err(Error::write)?;
                buffer.clear();
            }
            #[cfg(feature = "parquet")]
            Sink::Parquet(_) => {}
        }
        Ok(())
    }

    /// Ends the table. Returns how many fields of TSV had tabs or line breaks replaced by spaces.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(mut self) -> Result<usize> {
        self.flush()?;
        match self.sink {
            Sink::Lines { .. } => {}
            #[cfg(feature = "parquet")]
            Sink::Parquet(writer) => writer.finish().map_err(Error::write)?,
        }
        Ok(self.spaced)
    }
}

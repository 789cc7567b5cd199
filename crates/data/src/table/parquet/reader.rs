//! Parquet as data-frame libraries and the Hugging Face hub write it. Flat columns are decoded in batches, column by column;
//! nested and dated ones record by record.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

use super::super::row::{Cell, Column, Reader, Row, Selection};
use super::field;
use crate::error::{Error, Fault, Place, Result};

/// Records decoded at a time.
const BATCH: usize = 1024;

const FEW: &str = "a column holds fewer values than records";

/// Records of a Parquet file; their numbers count from 1.
pub(crate) struct ParquetFile {
    place: Place,
    reader: SerializedFileReader<File>,
    columns: Vec<Column>,
    /// Columns of a row, and how each is read.
    selection: Selection,
    ways: Vec<Way>,
    /// Readers of the columns that are not flat.
    nested: Option<RowIter<'static>>,
    /// Row group to open next, and records that the open one still holds.
    group: usize,
    left: usize,
    /// Records that the batch still holds.
    decoded: usize,
    /// Records given so far.
    number: usize,
    finished: bool,
}

/// How a column is read.
enum Way {
    Flat {
        /// Its place among the leaves of the schema.
        leaf: usize,
        /// Its reader in the open row group.
        reader: Option<Box<ColumnReader>>,
        /// What it has decoded.
        cells: VecDeque<Cell>,
    },
    /// As one of the fields of [`ParquetFile::nested`].
    Nested,
}

impl ParquetFile {
    /// Reads the table of contents, and gives the columns.
    ///
    /// # Errors
    /// If the file cannot be opened or is not Parquet.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Column>)> {
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let reader = guard(|| SerializedFileReader::new(file)).map_err(|e| {
            let what = "not a readable Parquet file (is it whole, and not a Git LFS pointer?)";
            Error::malformed(path, Fault::new(what, e))
        })?;
        let fields = reader.metadata().file_metadata().schema().get_fields();
        let columns: Vec<Column> = fields.iter().map(|field| field::column(field)).collect();
        let file = Self {
            place: path.into(),
            columns: columns.clone(),
            reader,
            selection: Selection::default(),
            ways: Vec::new(),
            nested: None,
            group: 0,
            left: 0,
            decoded: 0,
            number: 0,
            finished: false,
        };
        Ok((file, columns))
    }

    /// Prepares to read the selected columns.
    ///
    /// # Errors
    /// If the pages of one cannot be decompressed.
    fn start(&mut self) -> Result<()> {
        let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
        for group in self.reader.metadata().row_groups() {
            for (leaf, column) in group.columns().iter().enumerate() {
                let place = schema.get_column_root_idx(leaf);
                if self.selection.places.contains(&place) && !is_read(column.compression()) {
                    let expected = if cfg!(feature = "zstd") { "Snappy, Zstandard or none" } else { "Snappy or none" };
                    let (name, codec) = (&self.columns[place].name, column.compression());
                    let message = format!(
                        "column `{name}` is compressed with {codec}; expected {expected}, write the file again with one of them"
                    );
                    return Err(Error::malformed(self.place.clone(), message));
                }
            }
        }
        let leaf = |place| (0..schema.num_columns()).find(|&leaf| schema.get_column_root_idx(leaf) == place);
        let way = |&place: &usize| match leaf(place).filter(|_| self.columns[place].special.is_none()) {
            Some(leaf) => Way::Flat { leaf, reader: None, cells: VecDeque::new() },
            None => Way::Nested,
        };
        self.ways = self.selection.places.iter().map(way).collect();
        let special = |&place: &usize| self.columns[place].special.is_some();
        let nested: Vec<usize> = self.selection.places.iter().copied().filter(special).collect();
        if !nested.is_empty() {
            let rows = guard(|| self.nested(nested));
            self.nested =
                Some(rows.map_err(|e| Error::malformed(self.place.clone(), Fault::new("cannot be read", e)))?);
        }
        Ok(())
    }

    /// A reader of the fields at `places` alone, record by record, in the order of the file.
    fn nested(&self, mut places: Vec<usize>) -> Result<RowIter<'static>, ParquetError> {
        let schema = self.reader.metadata().file_metadata().schema();
        places.sort_unstable();
        let fields = places.iter().map(|&place| Arc::clone(&schema.get_fields()[place])).collect();
        let projection = Type::group_type_builder(schema.name()).with_fields(fields).build()?;
        let path = self.place.path().unwrap_or(Path::new(""));
        RowIter::from_file_into(Box::new(SerializedFileReader::new(File::open(path)?)?)).project(Some(projection))
    }

    /// Decodes the next batch; `false` at the end of the file.
    fn refill(&mut self) -> Result<bool, ParquetError> {
        while self.left == 0 {
            if self.group == self.reader.num_row_groups() {
                return Ok(false);
            }
            let group = self.reader.get_row_group(self.group)?;
            self.group += 1;
            let rows = group.metadata().num_rows();
            self.left =
                usize::try_from(rows).map_err(|_| ParquetError::General(format!("a row group of {rows} records")))?;
            for way in &mut self.ways {
                if let Way::Flat { leaf, reader, .. } = way {
                    *reader = Some(Box::new(group.get_column_reader(*leaf)?));
                }
            }
        }
        let count = self.left.min(BATCH);
        let schema = self.reader.metadata().file_metadata().schema_descr();
        for way in &mut self.ways {
            if let Way::Flat { leaf, reader: Some(reader), cells } = way {
                let column = schema.column(*leaf);
                decode(reader, column.max_def_level(), column.converted_type(), count, cells)?;
            }
        }
        self.left -= count;
        self.decoded = count;
        Ok(true)
    }

    /// Puts the cells of the next record into `found`; `false` at the end of the file.
    fn cells(&mut self, found: &mut Vec<Cell>) -> Result<bool, ParquetError> {
        if self.decoded == 0 && !self.refill()? {
            return Ok(false);
        }
        self.decoded -= 1;
        let mut nested: Vec<(String, Cell)> = Vec::new();
        if let Some(rows) = &mut self.nested {
            let row = rows.next().ok_or_else(|| ParquetError::EOF("a nested column ends early".to_owned()))??;
            nested = row.into_columns().into_iter().map(|(name, value)| (name, field::cell(value))).collect();
        }
        found.clear();
        for (way, column) in self.ways.iter_mut().zip(self.selection.columns.iter()) {
            let cell = match way {
                Way::Flat { cells, .. } => cells.pop_front(),
                Way::Nested => {
                    let place = nested.iter().position(|(name, _)| *name == column.name);
                    place.map(|place| nested.swap_remove(place).1)
                }
            };
            found.push(cell.ok_or_else(|| ParquetError::EOF(FEW.to_owned()))?);
        }
        Ok(true)
    }
}

impl Reader for ParquetFile {
    fn select(&mut self, selection: Selection) {
        self.selection = selection;
    }

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        if self.finished {
            return None;
        }
        if self.number == 0
            && let Err(error) = self.start()
        {
            self.finished = true;
            return Some(Err(error));
        }
        match guard(|| self.cells(&mut row.cells)) {
            Ok(true) => {
                self.number += 1;
                (row.line, row.position) = (self.number, self.number as u64);
                row.columns = Arc::clone(&self.selection.columns);
                Some(Ok(()))
            }
            Ok(false) => {
                self.finished = true;
                None
            }
            Err(error) => {
                self.finished = true;
                let fault = Fault::new("the record cannot be decoded, the file is damaged or cut short", error);
                Some(Err(Error::record(&self.place, self.number + 1, fault)))
            }
        }
    }
}

/// Whether pages of this compression can be read. Zstandard needs a C library and is a feature of this crate therefore.
fn is_read(codec: Compression) -> bool {
    matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY)
        || (cfg!(feature = "zstd") && matches!(codec, Compression::ZSTD(_)))
}

/// Adds the next `count` cells of a flat column, whose nulls have a definition level below `present`.
fn decode(
    reader: &mut ColumnReader,
    present: i16,
    kind: ConvertedType,
    count: usize,
    cells: &mut VecDeque<Cell>,
) -> Result<(), ParquetError> {
    match reader {
        ColumnReader::BoolColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Boolean(v))),
        ColumnReader::Int32ColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Integer(v.into()))),
        ColumnReader::Int64ColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Integer(v))),
        ColumnReader::FloatColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Single(v))),
        ColumnReader::DoubleColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Number(v))),
        ColumnReader::ByteArrayColumnReader(r) if kind == ConvertedType::NONE => {
            read(r, present, count, cells, |v| Ok(field::text_or_digits(v.data())))
        }
        ColumnReader::ByteArrayColumnReader(r) => read(r, present, count, cells, text),
        _ => Err(ParquetError::NYI("this column type".to_owned())),
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    present: i16,
    count: usize,
    cells: &mut VecDeque<Cell>,
    cell: impl Fn(T::T) -> Result<Cell, ParquetError>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut records = 0;
    while records < count {
        let (read, _, _) = reader.read_records(count - records, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Err(ParquetError::EOF(format!("a column ends {} records early", count - records)));
        }
        records += read;
    }
    // A column without nulls has no levels.
    levels.resize(count, present);
    let mut values = values.into_iter();
    for level in levels {
        cells.push_back(match level == present {
            true => cell(values.next().ok_or_else(|| ParquetError::EOF(FEW.to_owned()))?)?,
            false => Cell::Missing,
        });
    }
    Ok(())
}

fn text(bytes: ByteArray) -> Result<Cell, ParquetError> {
    let text = bytes.as_utf8().map_err(|_| ParquetError::General("text that is not UTF-8".to_owned()))?;
    Ok(text.into())
}

/// Runs `decode` and turns a panic into an error. The Parquet decoder checks most but not all of what it reads: a damaged length
/// in a dictionary page trips one of its assertions. What was being decoded is not used again.
fn guard<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let caught = catch_unwind(AssertUnwindSafe(decode));
    caught.unwrap_or_else(|_| Err(ParquetError::General("lengths inside the file contradict each other".to_owned())))
}

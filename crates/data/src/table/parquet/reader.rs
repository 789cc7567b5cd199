//! Parquet as data-frame libraries and the Hugging Face hub write it. Flat columns are decoded in batches, column by column;
//! nested ones record by record. Of columns that are not selected nothing is read.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

use super::super::row::{Cell, Column, Kind, Reader, Row, Selection};
use super::leaf::Leaf;
use super::{classes, field};
use crate::error::{Error, Fault, Place, Result};

/// Records decoded at a time.
const BATCH: usize = 1024;

const FEW: &str = "a column holds fewer values than records";

/// Records of a Parquet file; their numbers count from 1.
pub(crate) struct ParquetFile {
    place: Place,
    reader: SerializedFileReader<File>,
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
        /// What its values mean.
        meaning: Leaf,
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
            let what = "not a readable Parquet file; is it whole?";
            Error::malformed(path, Fault::new(what, e))
        })?;
        let metadata = reader.metadata().file_metadata();
        let fields = metadata.schema().get_fields();
        let mut columns: Vec<Column> = fields.iter().map(|field| field::column(field)).collect();
        for column in &mut columns {
            let whole = matches!(column.kind, Kind::Integer | Kind::Unsigned);
            let kept = metadata.key_value_metadata().filter(|_| whole);
            column.classes = kept.and_then(|kept| classes::of(kept, &column.name));
        }
        for (leaf, place) in leaves(&reader) {
            for group in reader.metadata().row_groups() {
                let codec = group.columns().get(leaf).map(|column| column.compression());
                if let Some(codec) = codec.filter(|codec| !is_read(*codec)) {
                    let expected =
                        if cfg!(feature = "zstd") { "any other than LZO" } else { "any other than LZO and Zstandard" };
                    columns[place].unreadable = Some(format!("it is compressed with {codec}; expected {expected}"));
                }
            }
        }
        let file = Self {
            place: path.into(),
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
    /// If one of them cannot be read.
    fn start(&mut self) -> Result<()> {
        let unread = self.selection.columns.iter().find_map(|column| Some((&column.name, column.unreadable.as_ref()?)));
        if let Some((name, reason)) = unread {
            let message = format!("column `{name}` cannot be read: {reason}; write the file again without");
            return Err(Error::malformed(self.place.clone(), message));
        }
        let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
        let flat = |place: usize| {
            let field = &schema.root_schema().get_fields()[place];
            let leaf = (0..schema.num_columns()).find(|&leaf| schema.get_column_root_idx(leaf) == place)?;
            // One that repeats is a list.
            (field.is_primitive() && schema.column(leaf).max_rep_level() == 0).then(|| (leaf, Leaf::of(field)))
        };
        let way = |&place: &usize| match flat(place) {
            Some((leaf, meaning)) => Way::Flat { leaf, meaning, reader: None, cells: VecDeque::new() },
            None => Way::Nested,
        };
        self.ways = self.selection.places.iter().map(way).collect();
        let nested: Vec<usize> = self.selection.places.iter().copied().filter(|&place| flat(place).is_none()).collect();
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
            if let Way::Flat { leaf, meaning, reader: Some(reader), cells } = way {
                decode(reader, schema.column(*leaf).max_def_level(), *meaning, count, cells)?;
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

/// The leaves of the schema, each with the column that it belongs to.
fn leaves(reader: &SerializedFileReader<File>) -> Vec<(usize, usize)> {
    let schema = reader.metadata().file_metadata().schema_descr();
    (0..schema.num_columns()).map(|leaf| (leaf, schema.get_column_root_idx(leaf))).collect()
}

/// Whether pages of this compression can be read. Zstandard needs a C library and is a feature of this crate therefore.
fn is_read(codec: Compression) -> bool {
    match codec {
        Compression::LZO => false,
        Compression::ZSTD(_) => cfg!(feature = "zstd"),
        _ => true,
    }
}

/// Adds the next `count` cells of a flat column, whose nulls have a definition level below `present`.
fn decode(
    reader: &mut ColumnReader,
    present: i16,
    meaning: Leaf,
    count: usize,
    cells: &mut VecDeque<Cell>,
) -> Result<(), ParquetError> {
    match reader {
        ColumnReader::BoolColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Boolean(v))),
        ColumnReader::Int32ColumnReader(r) => read(r, present, count, cells, |v| Ok(meaning.int32(v))),
        ColumnReader::Int64ColumnReader(r) => read(r, present, count, cells, |v| Ok(meaning.int64(v))),
        ColumnReader::Int96ColumnReader(r) => read(r, present, count, cells, |v| Ok(meaning.int96(&v))),
        ColumnReader::FloatColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Single(v))),
        ColumnReader::DoubleColumnReader(r) => read(r, present, count, cells, |v| Ok(Cell::Number(v))),
        ColumnReader::ByteArrayColumnReader(r) => read(r, present, count, cells, |v| meaning.bytes(v)),
        ColumnReader::FixedLenByteArrayColumnReader(r) => read(r, present, count, cells, |v| meaning.bytes(v.into())),
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

/// Runs `decode` and turns a panic into an error. The Parquet decoder checks most but not all of what it reads: a damaged length
/// in a dictionary page trips one of its assertions. What was being decoded is not used again.
fn guard<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let caught = catch_unwind(AssertUnwindSafe(decode));
    caught.unwrap_or_else(|_| Err(ParquetError::General("lengths inside the file contradict each other".to_owned())))
}

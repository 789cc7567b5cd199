//! Parquet as the Hugging Face hub and data-frame libraries write it: flat columns, read in batches column by column.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parquet::basic::{Compression, ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::records::{Cell, Columns, Positions, Record, Records};
use bitspike::{Error, Result};

/// Records decoded at a time.
const BATCH: usize = 1024;

/// Records of the file at `path`; a record's number counts from 1.
///
/// # Errors
/// If the file cannot be opened, is not Parquet, or lacks a column of a readable type.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Records> {
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let reader = guard(|| SerializedFileReader::new(file)).map_err(|e| refuse(path, &e))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    // A nested column goes by its dotted path, which is no column of a task.
    let paths: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let names: Vec<&str> = paths.iter().map(String::as_str).collect();
    let positions = columns.positions(&names).map_err(|message| Error::malformed(path, message))?;
    let used: Vec<usize> =
        [Some(positions.first), positions.second, positions.label, positions.id].into_iter().flatten().collect();
    for &i in &used {
        readable(&schema.column(i)).map_err(|found| {
            let message = format!("column `{}` holds {found}; expected text, integers, floats or booleans", names[i]);
            Error::malformed(path, message)
        })?;
    }
    for (group, &i) in reader.metadata().row_groups().iter().flat_map(|group| used.iter().map(move |i| (group, i))) {
        let codec = group.columns().get(i).map(|chunk| chunk.compression());
        if let Some(codec) = codec.filter(|&codec| !is_read(codec)) {
            let expected = if cfg!(feature = "zstd") { "Snappy, Zstandard or none" } else { "Snappy or none" };
            let message = format!(
                "column `{}` is compressed with {codec}; expected {expected}, write the file again with one of them",
                names[i]
            );
            return Err(Error::malformed(path, message));
        }
    }
    Ok(Box::new(ParquetFile {
        path: path.to_owned(),
        width: names.len(),
        reader,
        positions,
        used,
        group: 0,
        open: Vec::new(),
        left: 0,
        batch: Vec::new(),
        next: 0,
        number: 0,
        finished: false,
    }))
}

/// Whether pages of this compression can be read. Zstandard needs a C library and is a feature of this crate therefore.
fn is_read(codec: Compression) -> bool {
    matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY)
        || (cfg!(feature = "zstd") && matches!(codec, Compression::ZSTD(_)))
}

struct ParquetFile {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// Leaf columns in the file.
    width: usize,
    positions: Positions,
    /// Leaf columns that are read.
    used: Vec<usize>,
    /// Row group to open next.
    group: usize,
    /// Readers of the current row group, in the order of `used`, and the records they still hold.
    open: Vec<(ColumnReader, Nullable)>,
    left: usize,
    /// Decoded cells, by leaf column; empty for columns that are not read.
    batch: Vec<Vec<Cell>>,
    /// Next record within the batch.
    next: usize,
    /// Records yielded so far.
    number: usize,
    finished: bool,
}

/// Whether a column may hold nulls: its maximal definition level.
#[derive(Clone, Copy)]
struct Nullable(i16);

impl Iterator for ParquetFile {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let decoded = self.batch.iter().map(Vec::len).max().unwrap_or(0);
        if self.next == decoded {
            match guard(|| self.refill()) {
                Ok(true) => {}
                Ok(false) => {
                    self.finished = true;
                    return None;
                }
                Err(error) => {
                    self.finished = true;
                    let message = format!("the record cannot be decoded, the file is damaged or cut short: {error}");
                    return Some(Err(Error::record(&self.path, self.number + 1, message)));
                }
            }
        }
        self.number += 1;
        self.next += 1;
        let at = self.next - 1;
        let batch = &mut self.batch;
        let row = self.positions.row(self.number, |i| std::mem::replace(&mut batch[i][at], Cell::Missing));
        Some(Ok(Record::Row(row)))
    }
}

impl ParquetFile {
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
            let schema = self.reader.metadata().file_metadata().schema_descr();
            let open = |&i: &usize| Ok((group.get_column_reader(i)?, Nullable(schema.column(i).max_def_level())));
            self.open = self.used.iter().map(open).collect::<Result<_, ParquetError>>()?;
        }
        let count = self.left.min(BATCH);
        self.batch = vec![Vec::new(); self.width];
        for ((reader, nullable), &i) in self.open.iter_mut().zip(&self.used) {
            self.batch[i] = cells(reader, *nullable, count)?;
        }
        self.left -= count;
        self.next = 0;
        Ok(true)
    }
}

/// The next `count` cells of a column.
fn cells(reader: &mut ColumnReader, nullable: Nullable, count: usize) -> Result<Vec<Cell>, ParquetError> {
    match reader {
        ColumnReader::BoolColumnReader(r) => read(r, nullable, count, |v| Ok(Cell::Integer(i64::from(v)))),
        ColumnReader::Int32ColumnReader(r) => read(r, nullable, count, |v| Ok(Cell::Integer(v.into()))),
        ColumnReader::Int64ColumnReader(r) => read(r, nullable, count, |v| Ok(Cell::Integer(v))),
        ColumnReader::FloatColumnReader(r) => read(r, nullable, count, |v| Ok(Cell::Number(v.into()))),
        ColumnReader::DoubleColumnReader(r) => read(r, nullable, count, |v| Ok(Cell::Number(v))),
        ColumnReader::ByteArrayColumnReader(r) => read(r, nullable, count, text),
        _ => Err(ParquetError::NYI("this column type".to_owned())),
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    nullable: Nullable,
    count: usize,
    cell: impl Fn(T::T) -> Result<Cell, ParquetError>,
) -> Result<Vec<Cell>, ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut records = 0;
    while records < count {
        let (read, _, _) = reader.read_records(count - records, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Err(ParquetError::EOF(format!("a column ends {} records early", count - records)));
        }
        records += read;
    }
    let mut values = values.into_iter();
    let mut value =
        || values.next().ok_or_else(|| ParquetError::EOF("a column holds fewer values than records".to_owned()));
    if nullable.0 == 0 {
        return (0..count).map(|_| cell(value()?)).collect();
    }
    levels.iter().map(|&level| if level == nullable.0 { cell(value()?) } else { Ok(Cell::Missing) }).collect()
}

fn text(bytes: ByteArray) -> Result<Cell, ParquetError> {
    let text = bytes.as_utf8().map_err(|_| ParquetError::General("text that is not UTF-8".to_owned()))?;
    Ok(Cell::Text(text.to_owned()))
}

/// Whether values of `column` can become cells; otherwise what they are.
fn readable(column: &ColumnDescriptor) -> Result<(), String> {
    use ConvertedType::{ENUM, INT_8, INT_16, INT_32, INT_64, JSON, NONE, UINT_8, UINT_16, UTF8};
    let fits = match (column.physical_type(), column.converted_type()) {
        (Type::BYTE_ARRAY, kind) => matches!(kind, NONE | UTF8 | ENUM | JSON),
        // Unsigned integers of 32 and 64 bits are stored in signed ones and would need their own reading.
        (Type::INT32, kind) => matches!(kind, NONE | INT_8 | INT_16 | INT_32 | UINT_8 | UINT_16),
        (Type::INT64, kind) => matches!(kind, NONE | INT_64),
        (Type::FLOAT | Type::DOUBLE | Type::BOOLEAN, _) => true,
        _ => false,
    };
    if column.max_rep_level() > 0 {
        return Err("lists".to_owned());
    }
    if fits { Ok(()) } else { Err(format!("{} ({})", column.physical_type(), column.converted_type())) }
}

/// Runs `decode` and turns a panic into an error. The Parquet decoder checks most but not all of what it reads: a damaged length
/// in a dictionary page trips one of its assertions. What was being decoded is not used again.
fn guard<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let caught = catch_unwind(AssertUnwindSafe(decode));
    caught.unwrap_or_else(|_| Err(ParquetError::General("lengths inside the file contradict each other".to_owned())))
}

fn refuse(path: &Path, error: &ParquetError) -> Error {
    Error::malformed(path, format!("not a readable Parquet file (is it whole, and not a Git LFS pointer?): {error}"))
}

#[cfg(test)]
mod tests;

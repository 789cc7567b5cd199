//! Parquet, record by record.

use std::fmt::Write as _;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::Result;
use bitspike::error::Error;
use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use serde_json::Value;

use super::super::record::{Cell, Column, Header, Kind, Record, Wanted};
use super::Records;

/// Parquet in the file `path`; a record's number counts from 1.
pub(super) fn open(path: &Path, wanted: &Wanted) -> Result<(Header, Records)> {
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let reader = guard(|| SerializedFileReader::new(file)).map_err(|e| {
        let what = "not a readable Parquet file (is it whole, and not a Git LFS pointer?)";
        Error::malformed(path, format!("{what}: {e}"))
    })?;
    let columns: Vec<Column> = reader.metadata().file_metadata().schema().get_fields().iter().map(column).collect();
    let header = Header::find(columns, wanted).map_err(|message| Error::malformed(path, message))?;
    let (path, found) = (path.to_owned(), header.clone());
    let mut rows = RowIter::from_file_into(Box::new(reader));
    let mut number = 0;
    let mut next = move || -> Result<Option<Record>> {
        let row = guard(|| rows.next().transpose()).map_err(|e| {
            let message = format!(
                "the record cannot be decoded: {e}; write the file again, with Snappy, Zstandard or no compression"
            );
            Error::record(&path, number + 1, message)
        })?;
        let Some(row) = row else { return Ok(None) };
        number += 1;
        Ok(Some(record(&header, number, row).map_err(|message| Error::record(&path, number, message))?))
    };
    Ok((found, Box::new(std::iter::from_fn(move || next().transpose()))))
}

fn record(header: &Header, number: usize, row: Row) -> Result<Record, String> {
    let cells: Vec<Cell> = row.into_columns().into_iter().map(|(_, field)| cell(field)).collect();
    if cells.len() != header.columns.len() {
        return Err(format!("expected {} columns, found {}", header.columns.len(), cells.len()));
    }
    header.check(&cells)?;
    let text = |cell: &Cell| if let Cell::Text(text) | Cell::Json(text) = cell { text.len() } else { 0 };
    let bytes = cells.iter().map(|cell| text(cell) + size_of::<Cell>()).sum();
    Ok(Record { line: number, cells, object: None, extra: Vec::new(), bytes, position: number as u64 })
}

fn column(field: &std::sync::Arc<Type>) -> Column {
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16, UINT_32};
    let info = field.get_basic_info();
    let plain =
        field.is_primitive() && !(info.has_repetition() && info.repetition() == parquet::basic::Repetition::REPEATED);
    let whole = matches!(info.converted_type(), NONE | INT_8 | INT_16 | INT_32 | INT_64 | UINT_8 | UINT_16 | UINT_32)
        && matches!(info.logical_type_ref(), None | Some(LogicalType::Integer { .. }));
    let kind = match plain.then(|| field.get_physical_type()) {
        Some(Physical::BOOLEAN) => Kind::Boolean,
        Some(Physical::INT32 | Physical::INT64) if whole => Kind::Integer,
        Some(Physical::FLOAT) => Kind::Single,
        Some(Physical::DOUBLE) => Kind::Double,
        _ => Kind::Text,
    };
    Column { name: field.name().to_owned(), kind }
}

fn cell(field: Field) -> Cell {
    match field {
        Field::Null => Cell::Missing,
        Field::Bool(value) => Cell::Boolean(value),
        Field::Byte(value) => Cell::Integer(value.into()),
        Field::Short(value) => Cell::Integer(value.into()),
        Field::Int(value) => Cell::Integer(value.into()),
        Field::Long(value) => Cell::Integer(value),
        Field::UByte(value) => Cell::Integer(value.into()),
        Field::UShort(value) => Cell::Integer(value.into()),
        Field::UInt(value) => Cell::Integer(value.into()),
        Field::ULong(value) => i64::try_from(value).map_or_else(|_| Cell::Json(value.to_string()), Cell::Integer),
        // The double that is written as the float is: 0.1, not 0.10000000149011612.
        Field::Float(value) => Cell::Number(value.to_string().parse().unwrap_or_else(|_| value.into())),
        Field::Double(value) => Cell::Number(value),
        Field::Str(text) => Cell::Text(text),
        Field::Bytes(bytes) => {
            bytes.as_utf8().map_or_else(|_| Cell::Json(hex(bytes.data())), |text| Cell::Text(text.to_owned()))
        }
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => Cell::Json(json(&field).to_string()),
        // Decimals, dates and times, as they are written.
        other => Cell::Text(other.to_string()),
    }
}

/// Nested values as JSON; keys of a map as text.
fn json(field: &Field) -> Value {
    let entry = |(name, field): (&String, &Field)| (name.clone(), json(field));
    match field {
        Field::Group(row) => Value::Object(row.get_column_iter().map(entry).collect()),
        Field::ListInternal(list) => list.elements().iter().map(json).collect(),
        Field::MapInternal(map) => {
            let entry = |(key, value): &(Field, Field)| (cell(key.clone()).text().into_owned(), json(value));
            Value::Object(map.entries().iter().map(entry).collect())
        }
        other => match cell(other.clone()) {
            Cell::Missing => Value::Null,
            Cell::Boolean(value) => value.into(),
            Cell::Integer(value) => value.into(),
            Cell::Number(value) => value.into(),
            Cell::Text(text) | Cell::Json(text) => text.into(),
        },
    }
}

/// Bytes that are no text, as a JSON string of their hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len() + 2);
    text.push('"');
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

/// Runs `decode` and turns a panic into an error: the Parquet decoder checks most but not all of what it reads, and a damaged
/// length trips one of its assertions. What was being decoded is not used again.
fn guard<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let caught = catch_unwind(AssertUnwindSafe(decode));
    caught.unwrap_or_else(|_| Err(ParquetError::General("lengths inside the file contradict each other".to_owned())))
}

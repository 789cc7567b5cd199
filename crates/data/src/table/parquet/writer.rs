//! Rows to Parquet.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::super::row::{Cell, Column, Kind};

/// A row group goes out when it has so many records, or so many bytes.
const GROUP: usize = 1 << 14;
const GROUP_BYTES: usize = 16 << 20;

/// Collects records and writes them in row groups, compressed by Snappy. Every column may hold nulls.
pub(crate) struct ParquetWriter<W: Write + Send> {
    kinds: Vec<Kind>,
    writer: SerializedFileWriter<W>,
    records: Vec<Vec<Cell>>,
    bytes: usize,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(crate) fn new(columns: &[Column], out: W) -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
        let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
        Ok(Self { kinds: columns.iter().map(|column| column.kind).collect(), writer, records: Vec::new(), bytes: 0 })
    }

    /// Adds a record, which takes about `bytes`.
    pub(crate) fn write(&mut self, record: Vec<Cell>, bytes: usize) -> Result<(), ParquetError> {
        self.bytes += bytes;
        self.records.push(record);
        if self.records.len() >= GROUP || self.bytes >= GROUP_BYTES { self.group() } else { Ok(()) }
    }

    pub(crate) fn finish(mut self) -> Result<(), ParquetError> {
        if !self.records.is_empty() {
            self.group()?;
        }
        self.writer.close().map(drop)
    }

    /// Writes what has been collected as a row group. A cell that is not of its column's kind is null.
    fn group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for (i, kind) in self.kinds.iter().enumerate() {
            let cells = self.records.iter().filter_map(|record| record.get(i));
            match kind {
                Kind::Boolean => column::<BoolType, W>(&mut group, cells, |cell| {
                    if let Cell::Boolean(value) = cell { Some(*value) } else { None }
                }),
                Kind::Integer => column::<Int64Type, W>(&mut group, cells, |cell| {
                    if let Cell::Integer(value) = cell { Some(*value) } else { None }
                }),
                Kind::Unsigned => column::<Int64Type, W>(&mut group, cells, |cell| {
                    // The bits of the number, as the format stores it.
                    if let Cell::Unsigned(value) = cell { Some(value.cast_signed()) } else { None }
                }),
                Kind::Single => column::<FloatType, W>(&mut group, cells, |cell| {
                    if let Cell::Single(value) = cell { Some(*value) } else { None }
                }),
                Kind::Double => column::<DoubleType, W>(&mut group, cells, |cell| {
                    if let Cell::Number(value) = cell { Some(*value) } else { None }
                }),
                Kind::Text => column::<ByteArrayType, W>(&mut group, cells, |cell| match cell {
                    Cell::Missing => None,
                    cell => Some(ByteArray::from(cell.text().as_ref())),
                }),
            }?;
        }
        group.close()?;
        self.records.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Writes the next column of a row group; what has no `value` is null.
fn column<'a, T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: impl Iterator<Item = &'a Cell>,
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column more than the schema has".to_owned()));
    };
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    for value in cells.map(value) {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    let typed: &mut ColumnWriterImpl<'_, T> = column.typed();
    typed.write_batch(&present, Some(&levels), None)?;
    column.close()
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let physical = match column.kind {
        Kind::Boolean => Physical::BOOLEAN,
        Kind::Integer | Kind::Unsigned => Physical::INT64,
        Kind::Single => Physical::FLOAT,
        Kind::Double => Physical::DOUBLE,
        Kind::Text => Physical::BYTE_ARRAY,
    };
    let logical = match column.kind {
        Kind::Text => Some(LogicalType::String),
        Kind::Unsigned => Some(LogicalType::integer(64, false)),
        _ => None,
    };
    let field = Type::primitive_type_builder(&column.name, physical).with_logical_type(logical);
    Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?))
}

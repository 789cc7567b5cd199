//! Rows to Parquet.

use std::io::Write;
use std::sync::Arc;

use bitspike::vector::{Precision, Values};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

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
        let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        for column in columns.iter().filter(|column| matches!(column.kind, Kind::Vector(..))) {
            // No value comes twice: a dictionary of them is more than they are.
            let path = |inner: &[&str]| {
                ColumnPath::new([&[column.name.as_str()], inner].concat().into_iter().map(str::to_owned).collect())
            };
            properties = properties.set_column_dictionary_enabled(path(&["list", "element"]), false);
            properties = properties.set_column_dictionary_enabled(path(&[]), false);
        }
        let properties = properties.build();
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
                Kind::Vector(Precision::Single, _) => list::<FloatType, W>(&mut group, cells, |values| {
                    if let Values::Single(values) = values { values.clone() } else { Vec::new() }
                }),
                Kind::Vector(Precision::Int8, _) => list::<Int32Type, W>(&mut group, cells, |values| {
                    if let Values::Int8(codes) = values {
                        codes.iter().map(|&code| code.into()).collect()
                    } else {
                        Vec::new()
                    }
                }),
                Kind::Vector(Precision::Binary(_), _) => {
                    column::<FixedLenByteArrayType, W>(&mut group, cells, |cell| {
                        let Cell::Vector(Values::Binary(bytes)) = cell else { return None };
                        Some(FixedLenByteArray::from(bytes.clone()))
                    })
                }
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

/// Writes the next column, whose cells are vectors, as lists of their values; what is no vector is null.
fn list<'a, T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: impl Iterator<Item = &'a Cell>,
    values: impl Fn(&Values) -> Vec<T::T>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column more than the schema has".to_owned()));
    };
    // A null is defined to level 0, an empty list to 1, a value to 2; the values behind the first continue their list.
    let (mut present, mut defined, mut continued) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let values = if let Cell::Vector(vector) = cell { values(vector) } else { Vec::new() };
        if values.is_empty() {
            defined.push(i16::from(matches!(cell, Cell::Vector(_))));
            continued.push(0);
        }
        defined.extend(values.iter().map(|_| 2));
        continued.extend((0..values.len()).map(|i| i16::from(i > 0)));
        present.extend(values);
    }
    let typed: &mut ColumnWriterImpl<'_, T> = column.typed();
    typed.write_batch(&present, Some(&defined), Some(&continued))?;
    column.close()
}

/// A list of three levels, as the format wants it: none, with values, all of which are there.
fn list_field(name: &str, element: Physical, logical: Option<LogicalType>) -> Result<TypePtr, ParquetError> {
    let element = Type::primitive_type_builder("element", element).with_logical_type(logical);
    let element = Arc::new(element.with_repetition(Repetition::REQUIRED).build()?);
    let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![element]);
    let outer = Type::group_type_builder(name).with_logical_type(Some(LogicalType::List));
    Ok(Arc::new(outer.with_repetition(Repetition::OPTIONAL).with_fields(vec![Arc::new(list.build()?)]).build()?))
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let mut length = -1;
    let physical = match column.kind {
        Kind::Vector(Precision::Single, _) => return list_field(&column.name, Physical::FLOAT, None),
        Kind::Vector(Precision::Int8, _) => {
            return list_field(&column.name, Physical::INT32, Some(LogicalType::integer(8, true)));
        }
        Kind::Vector(precision @ Precision::Binary(_), dims) => {
            length = i32::try_from(precision.width(dims)).unwrap_or(i32::MAX);
            Physical::FIXED_LEN_BYTE_ARRAY
        }
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
    let field = Type::primitive_type_builder(&column.name, physical).with_logical_type(logical).with_length(length);
    Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?))
}

//! Parquet: columns of the input as they are, label, probabilities.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use bitspike::model::Answer;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::super::record::{Cell, Kind, Record};
use super::Table;

/// A row group goes out when it has so many records, or so many bytes.
const GROUP: usize = 1 << 14;
const GROUP_BYTES: usize = 16 << 20;

/// Collects records and writes them in row groups, compressed by Snappy.
pub(super) struct ParquetWriter<'a> {
    table: &'a Table,
    writer: SerializedFileWriter<&'a mut (dyn Write + Send)>,
    records: Vec<Record>,
    answers: Vec<Answer>,
    bytes: usize,
}

type Group<'g, 'a> = SerializedRowGroupWriter<'g, &'a mut (dyn Write + Send)>;

impl<'a> ParquetWriter<'a> {
    pub(super) fn new(table: &'a Table, out: &'a mut (dyn Write + Send)) -> Result<Self> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(out, schema(table)?, Arc::new(properties))?;
        Ok(Self { table, writer, records: Vec::new(), answers: Vec::new(), bytes: 0 })
    }

    pub(super) fn write(&mut self, records: Vec<Record>, answers: Vec<Answer>) -> Result<()> {
        self.bytes += records.iter().map(|record| record.bytes).sum::<usize>();
        self.records.extend(records);
        self.answers.extend(answers);
        if self.records.len() >= GROUP || self.bytes >= GROUP_BYTES {
            self.group()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        if !self.records.is_empty() {
            self.group()?;
        }
        self.writer.close()?;
        Ok(())
    }

    /// Writes what has been collected as a row group.
    fn group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (i, column) in self.table.header.columns.iter().enumerate() {
            let cells = self.records.iter().map(|record| &record.cells[i]);
            match column.kind {
                Kind::Boolean => write::<BoolType>(
                    &mut group,
                    cells.map(|cell| match cell {
                        Cell::Boolean(value) => Some(*value),
                        _ => None,
                    }),
                ),
                Kind::Integer => write::<Int64Type>(
                    &mut group,
                    cells.map(|cell| match cell {
                        Cell::Integer(value) => Some(*value),
                        _ => None,
                    }),
                ),
                Kind::Single => {
                    write::<FloatType>(&mut group, cells.map(|cell| number(cell).map(|value| value as f32)))
                }
                Kind::Double => write::<DoubleType>(&mut group, cells.map(number)),
                Kind::Text => write::<ByteArrayType>(
                    &mut group,
                    cells.map(|cell| match cell {
                        Cell::Missing => None,
                        cell => Some(ByteArray::from(cell.text().as_ref())),
                    }),
                ),
            }?;
        }
        let answers = &self.answers;
        let labels = &self.table.answers.labels;
        if !labels.is_empty() {
            let label = |answer: &Answer| labels.get(answer.label).map(|label| ByteArray::from(label.as_str()));
            write::<ByteArrayType>(&mut group, answers.iter().map(label))?;
        }
        for i in 0..labels.len().max(1) {
            write::<FloatType>(&mut group, answers.iter().map(|answer| answer.probabilities.get(i).copied()))?;
        }
        group.close()?;
        self.records.clear();
        self.answers.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Number(value) => Some(*value),
        _ => None,
    }
}

/// Writes the next column of a row group; what is missing is null.
fn write<T: DataType>(
    group: &mut Group<'_, '_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column more than the schema has".to_owned()));
    };
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    let typed: &mut ColumnWriterImpl<'_, T> = column.typed();
    typed.write_batch(&present, Some(&levels), None)?;
    column.close()
}

fn schema(table: &Table) -> Result<TypePtr, ParquetError> {
    let kinds = table.header.columns.iter().map(|column| (column.name.as_str(), column.kind));
    let label = table.answers.labels.len().min(1);
    let answer = |(i, name): (usize, &'_ String)| (name.clone(), if i < label { Kind::Text } else { Kind::Single });
    let answers: Vec<(String, Kind)> = table.answers.names.iter().enumerate().map(answer).collect();
    let fields: Result<Vec<TypePtr>, ParquetError> =
        kinds.chain(answers.iter().map(|(name, kind)| (name.as_str(), *kind))).map(field).collect();
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields?).build()?))
}

fn field((name, kind): (&str, Kind)) -> Result<TypePtr, ParquetError> {
    let physical = match kind {
        Kind::Boolean => Physical::BOOLEAN,
        Kind::Integer => Physical::INT64,
        Kind::Single => Physical::FLOAT,
        Kind::Double => Physical::DOUBLE,
        Kind::Text => Physical::BYTE_ARRAY,
    };
    let logical = (kind == Kind::Text).then_some(LogicalType::String);
    let field = Type::primitive_type_builder(name, physical).with_logical_type(logical);
    Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?))
}

//! The tables of a trace for Arrow: in memory, and as files.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::types::UInt16Type;
use arrow_array::{ArrayRef, DictionaryArray, Float32Array, Float64Array, Int8Array, RecordBatch, StringArray};
use arrow_array::{UInt16Array, UInt32Array};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use bitspike::trace::Spike;

use super::series::potentials;
use super::traced::TracedText;
use crate::error::{Error, Result};

/// Rows of a record batch of spikes: a few megabytes.
const BATCH: usize = 1 << 18;

/// A table in memory.
#[derive(Debug, Clone)]
pub struct ArrowTable {
    /// Its columns.
    pub schema: Arc<Schema>,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
}

impl TracedText {
    /// The tables of rates, of membranes and of spikes, in memory: a spike takes 14 bytes or so.
    ///
    /// # Errors
    /// If there are more populations than a table has names for.
    pub fn tables(&self) -> Result<[ArrowTable; 3]> {
        let collect = |columns: &[(&str, Kind)], fill: Fill| -> Result<ArrowTable> {
            let schema = schema(columns);
            let mut batches = Vec::new();
            let mut keep = |batch: RecordBatch| {
                batches.push(batch);
                Ok(())
            };
            let filled = fill(self, &mut Table { schema: schema.clone(), sink: &mut keep });
            let failed = |error: io::Error| Error::invalid("table of a trace", "columns that fit each other", error);
            filled.map_err(failed)?;
            Ok(ArrowTable { schema, batches })
        };
        Ok([collect(&RATES, fill_rates)?, collect(&MEMBRANE, fill_membranes)?, collect(&SPIKES, fill_spikes)?])
    }
}

/// What puts the rows of a trace into a table.
type Fill = fn(&TracedText, &mut Table<'_>) -> io::Result<()>;

/// Writes the table of rates as an Arrow file.
pub(super) fn write_rates(traced: &TracedText, out: impl Write) -> io::Result<()> {
    write(traced, &RATES, fill_rates, out)
}

/// Writes the table of membranes as an Arrow file.
pub(super) fn write_membranes(traced: &TracedText, out: impl Write) -> io::Result<()> {
    write(traced, &MEMBRANE, fill_membranes, out)
}

/// Writes the table of spikes, the raster, as an Arrow file.
pub(super) fn write_spikes(traced: &TracedText, out: impl Write) -> io::Result<()> {
    write(traced, &SPIKES, fill_spikes, out)
}

fn fill_rates(traced: &TracedText, table: &mut Table<'_>) -> io::Result<()> {
    let names = Names::new(traced);
    let steps = traced.trace.time_steps;
    let rows = || traced.rates.iter().flatten();
    let keys = traced.rates.iter().enumerate().flat_map(|(i, rates)| vec![i as u16; rates.len()]);
    let t = traced.rates.iter().flat_map(|_| 1..=steps);
    table.write(vec![
        names.column(keys.collect())?,
        Arc::new(UInt32Array::from_iter_values(t)),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.mean_absolute))),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.mean))),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.rms_distance))),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.max_distance))),
    ])
}

fn fill_membranes(traced: &TracedText, table: &mut Table<'_>) -> io::Result<()> {
    let names = Names::new(traced);
    let (tokens, steps) = (traced.trace.tokens, traced.trace.time_steps as usize);
    for (i, population) in traced.trace.populations.iter().enumerate() {
        for (column, &(token, neuron)) in population.chosen.iter().enumerate() {
            table.write(vec![
                names.column(vec![i as u16; steps])?,
                Arc::new(UInt32Array::from(vec![token as u32; steps])),
                Arc::new(StringArray::from(vec![traced.token_text(token); steps])),
                Arc::new(UInt32Array::from(vec![neuron as u32; steps])),
                Arc::new(UInt32Array::from_iter_values(1..=steps as u32)),
                Arc::new(Float32Array::from_iter_values(potentials(population, column))),
                Arc::new(Float32Array::from(vec![population.theta; steps])),
                Arc::new(Int8Array::from_iter_values(population.train(tokens, (token, neuron)))),
            ])?;
        }
    }
    Ok(())
}

fn fill_spikes(traced: &TracedText, table: &mut Table<'_>) -> io::Result<()> {
    let names = Names::new(traced);
    for (i, population) in traced.trace.populations.iter().enumerate() {
        let mut events = population.events(traced.trace.tokens).peekable();
        while events.peek().is_some() {
            let rows: Vec<Spike> = events.by_ref().take(BATCH).collect();
            table.write(vec![
                names.column(vec![i as u16; rows.len()])?,
                Arc::new(UInt32Array::from_iter_values(rows.iter().map(|spike| spike.token as u32))),
                Arc::new(UInt32Array::from_iter_values(rows.iter().map(|spike| spike.neuron as u32))),
                Arc::new(UInt32Array::from_iter_values(rows.iter().map(|spike| spike.t))),
                Arc::new(Int8Array::from_iter_values(rows.iter().map(|spike| spike.sign))),
            ])?;
        }
    }
    Ok(())
}

/// A column's type; names of populations repeat and are stored once.
#[derive(Clone, Copy)]
enum Kind {
    Name,
    Text,
    U32,
    I8,
    F32,
    F64,
}

const RATES: [(&str, Kind); 6] = [
    ("population", Kind::Name),
    ("t", Kind::U32),
    ("mean_absolute_rate", Kind::F64),
    ("mean_rate", Kind::F64),
    ("rms_distance", Kind::F64),
    ("max_distance", Kind::F64),
];

const MEMBRANE: [(&str, Kind); 8] = [
    ("population", Kind::Name),
    ("token", Kind::U32),
    ("token_text", Kind::Text),
    ("neuron", Kind::U32),
    ("t", Kind::U32),
    ("potential", Kind::F32),
    ("theta", Kind::F32),
    ("spike", Kind::I8),
];

const SPIKES: [(&str, Kind); 5] =
    [("population", Kind::Name), ("token", Kind::U32), ("neuron", Kind::U32), ("t", Kind::U32), ("sign", Kind::I8)];

/// The dictionary of population names.
struct Names(Arc<StringArray>);

impl Names {
    fn new(traced: &TracedText) -> Self {
        Self(Arc::new(StringArray::from_iter_values(traced.trace.populations.iter().map(|p| &p.name))))
    }

    fn column(&self, keys: Vec<u16>) -> io::Result<ArrayRef> {
        let array = DictionaryArray::<UInt16Type>::try_new(UInt16Array::from(keys), self.0.clone());
        Ok(Arc::new(array.map_err(failed)?))
    }
}

/// A table that is being filled, a batch at a time.
struct Table<'a> {
    schema: Arc<Schema>,
    sink: &'a mut dyn FnMut(RecordBatch) -> io::Result<()>,
}

impl Table<'_> {
    fn write(&mut self, columns: Vec<ArrayRef>) -> io::Result<()> {
        (self.sink)(RecordBatch::try_new(self.schema.clone(), columns).map_err(failed)?)
    }
}

fn schema(columns: &[(&str, Kind)]) -> Arc<Schema> {
    let field = |&(name, kind): &(&str, Kind)| {
        let kind = match kind {
            Kind::Name => DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)),
            Kind::Text => DataType::Utf8,
            Kind::U32 => DataType::UInt32,
            Kind::I8 => DataType::Int8,
            Kind::F32 => DataType::Float32,
            Kind::F64 => DataType::Float64,
        };
        Field::new(name, kind, false)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Writes an Arrow file (IPC format, with footer), its batches compressed by Zstandard.
fn write(traced: &TracedText, columns: &[(&str, Kind)], fill: Fill, out: impl Write) -> io::Result<()> {
    let schema = schema(columns);
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(failed)?;
    let mut writer = FileWriter::try_new_with_options(io::BufWriter::new(out), &schema, options).map_err(failed)?;
    fill(traced, &mut Table { schema, sink: &mut |batch| writer.write(&batch).map_err(failed) })?;
    writer.finish().map_err(failed)?;
    writer.into_inner().map_err(failed)?.flush()
}

fn failed(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests;

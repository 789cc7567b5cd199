//! A trace as one JSON document, or as Arrow files.
//!
//! | table | columns |
//! |---|---|
//! | rates | population, t, mean_absolute_rate, mean_rate, rms_distance, max_distance |
//! | membrane | population, token, token_text, neuron, t, potential, theta, spike |
//! | spikes | population, token, neuron, t, sign; a row a spike, by population, then step |
//!
//! `t` counts from 1, tokens and neurons from 0. JSON holds the same columns grouped by population, beside the summary.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::types::UInt16Type;
use arrow_array::{ArrayRef, DictionaryArray, Float32Array, Float64Array, Int8Array, RecordBatch, StringArray};
use arrow_array::{UInt16Array, UInt32Array};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use bitspike::trace::{PopulationTrace, RateAt, Spike};
use serde::{Serialize, Serializer};

use super::{Report, Summary};

/// Rows of a record batch of spikes: a few megabytes.
const BATCH: usize = 1 << 18;

/// Writes everything as one JSON document.
pub(crate) fn write_json(report: &Report, out: impl Write) -> io::Result<()> {
    let pairs = report.trace.populations.iter().zip(&report.rates);
    let populations = pairs.map(|(population, rates)| Population::new(report, population, rates)).collect();
    let mut out = io::BufWriter::new(out);
    serde_json::to_writer(&mut out, &Document { summary: &report.summary, populations })?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes the summary as JSON.
pub(crate) fn write_summary(report: &Report, mut out: impl Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&report.summary)?;
    writeln!(out, "{text}")
}

#[derive(Serialize)]
struct Document<'a> {
    summary: &'a Summary,
    populations: Vec<Population<'a>>,
}

#[derive(Serialize)]
struct Population<'a> {
    name: &'a str,
    rates: Rates<'a>,
    membranes: Vec<Membrane<'a>>,
    spikes: Spikes<'a>,
}

#[derive(Serialize)]
struct Rates<'a> {
    t: Column<'a, u32>,
    mean_absolute_rate: Column<'a, f64>,
    mean_rate: Column<'a, f64>,
    rms_distance: Column<'a, f64>,
    max_distance: Column<'a, f64>,
}

#[derive(Serialize)]
struct Membrane<'a> {
    token: usize,
    token_text: &'a str,
    neuron: usize,
    theta: f32,
    potential: Column<'a, f32>,
    spike: Column<'a, i8>,
}

#[derive(Serialize)]
struct Spikes<'a> {
    token: Column<'a, usize>,
    neuron: Column<'a, usize>,
    t: Column<'a, u32>,
    sign: Column<'a, i8>,
}

/// An array that is computed while it is written.
struct Column<'a, T>(Box<dyn Fn() -> Box<dyn Iterator<Item = T> + 'a> + 'a>);

impl<'a, T: 'a> Column<'a, T> {
    fn new<I: Iterator<Item = T> + Clone + 'a>(values: I) -> Self {
        Self(Box::new(move || Box::new(values.clone())))
    }
}

impl<T: Serialize> Serialize for Column<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl<'a> Population<'a> {
    fn new(report: &'a Report, population: &'a PopulationTrace, rates: &'a [RateAt]) -> Self {
        let tokens = report.trace.tokens;
        let events = move || population.events(tokens);
        let membranes = population.chosen.iter().enumerate().map(|(column, &(token, neuron))| Membrane {
            token,
            token_text: token_text(report, token),
            neuron,
            theta: population.theta,
            potential: Column::new(potentials(population, column)),
            spike: Column::new(population.train(tokens, (token, neuron))),
        });
        Self {
            name: &population.name,
            rates: Rates {
                t: Column::new(1..=report.trace.time_steps),
                mean_absolute_rate: Column::new(rates.iter().map(|at| at.mean_absolute)),
                mean_rate: Column::new(rates.iter().map(|at| at.mean)),
                rms_distance: Column::new(rates.iter().map(|at| at.rms_distance)),
                max_distance: Column::new(rates.iter().map(|at| at.max_distance)),
            },
            membranes: membranes.collect(),
            spikes: Spikes {
                token: Column::new(events().map(|spike| spike.token)),
                neuron: Column::new(events().map(|spike| spike.neuron)),
                t: Column::new(events().map(|spike| spike.t)),
                sign: Column::new(events().map(|spike| spike.sign)),
            },
        }
    }
}

/// The potential of the neuron `chosen[column]` after each step.
pub(crate) fn potentials(population: &PopulationTrace, column: usize) -> impl Iterator<Item = f32> + Clone {
    population.membrane.iter().skip(column).step_by(population.chosen.len().max(1)).copied()
}

fn token_text(report: &Report, token: usize) -> &str {
    report.origin.tokens.get(token).map_or("", String::as_str)
}

/// Writes the table of rates as an Arrow file.
pub(crate) fn write_rates(report: &Report, out: impl Write) -> io::Result<()> {
    let names = Names::new(report);
    let mut table = Table::new(out, &RATES)?;
    let steps = report.trace.time_steps;
    let rows = || report.rates.iter().flatten();
    let keys = report.rates.iter().enumerate().flat_map(|(i, rates)| vec![i as u16; rates.len()]);
    let t = report.rates.iter().flat_map(|_| 1..=steps);
    table.write(vec![
        names.column(keys.collect())?,
        Arc::new(UInt32Array::from_iter_values(t)),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.mean_absolute))),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.mean))),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.rms_distance))),
        Arc::new(Float64Array::from_iter_values(rows().map(|at| at.max_distance))),
    ])?;
    table.finish()
}

/// Writes the table of membranes as an Arrow file.
pub(crate) fn write_membranes(report: &Report, out: impl Write) -> io::Result<()> {
    let names = Names::new(report);
    let mut table = Table::new(out, &MEMBRANE)?;
    let (tokens, steps) = (report.trace.tokens, report.trace.time_steps as usize);
    for (i, population) in report.trace.populations.iter().enumerate() {
        for (column, &(token, neuron)) in population.chosen.iter().enumerate() {
            table.write(vec![
                names.column(vec![i as u16; steps])?,
                Arc::new(UInt32Array::from(vec![token as u32; steps])),
                Arc::new(StringArray::from(vec![token_text(report, token); steps])),
                Arc::new(UInt32Array::from(vec![neuron as u32; steps])),
                Arc::new(UInt32Array::from_iter_values(1..=steps as u32)),
                Arc::new(Float32Array::from_iter_values(potentials(population, column))),
                Arc::new(Float32Array::from(vec![population.theta; steps])),
                Arc::new(Int8Array::from_iter_values(population.train(tokens, (token, neuron)))),
            ])?;
        }
    }
    table.finish()
}

/// Writes the table of spikes, the raster, as an Arrow file.
pub(crate) fn write_spikes(report: &Report, out: impl Write) -> io::Result<()> {
    let names = Names::new(report);
    let mut table = Table::new(out, &SPIKES)?;
    for (i, population) in report.trace.populations.iter().enumerate() {
        let mut events = population.events(report.trace.tokens).peekable();
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
    table.finish()
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
    fn new(report: &Report) -> Self {
        Self(Arc::new(StringArray::from_iter_values(report.trace.populations.iter().map(|p| &p.name))))
    }

    fn column(&self, keys: Vec<u16>) -> io::Result<ArrayRef> {
        let array = DictionaryArray::<UInt16Type>::try_new(UInt16Array::from(keys), self.0.clone());
        Ok(Arc::new(array.map_err(failed)?))
    }
}

/// An Arrow file (IPC format, with footer), its batches compressed by Zstandard.
struct Table<W: Write> {
    writer: FileWriter<io::BufWriter<W>>,
    schema: Arc<Schema>,
}

impl<W: Write> Table<W> {
    fn new(out: W, columns: &[(&str, Kind)]) -> io::Result<Self> {
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
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(failed)?;
        let writer = FileWriter::try_new_with_options(io::BufWriter::new(out), &schema, options).map_err(failed)?;
        Ok(Self { writer, schema })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> io::Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)
    }

    fn finish(mut self) -> io::Result<()> {
        self.writer.finish().map_err(failed)?;
        self.writer.into_inner().map_err(failed)?.flush()
    }
}

fn failed(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests;

//! A trace as one JSON document.

use std::io::{self, Write};

use bitspike::trace::{PopulationTrace, RateAt};
use serde::{Serialize, Serializer};

use super::series::potentials;
use super::summary::Summary;
use super::traced::TracedText;

/// Writes everything as one JSON document.
pub(super) fn write(traced: &TracedText, out: impl Write) -> io::Result<()> {
    let pairs = traced.trace.populations.iter().zip(&traced.rates);
    let populations = pairs.map(|(population, rates)| Population::new(traced, population, rates)).collect();
    let mut out = io::BufWriter::new(out);
    serde_json::to_writer(&mut out, &Document { summary: &traced.summary, populations })?;
    out.write_all(b"\n")?;
    out.flush()
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
    fn new(traced: &'a TracedText, population: &'a PopulationTrace, rates: &'a [RateAt]) -> Self {
        let tokens = traced.trace.tokens;
        let events = move || population.events(tokens);
        let membranes = population.chosen.iter().enumerate().map(|(column, &(token, neuron))| Membrane {
            token,
            token_text: traced.token_text(token),
            neuron,
            theta: population.theta,
            potential: Column::new(potentials(population, column)),
            spike: Column::new(population.train(tokens, (token, neuron))),
        });
        Self {
            name: &population.name,
            rates: Rates {
                t: Column::new(1..=traced.trace.time_steps),
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

#[cfg(test)]
mod tests;

//! `phased`: population after population, each firing for a whole window on the constant current of finished rates.
//!
//! Where the count identity holds, counts fit a byte and nobody watches the steps, a window is reached at once
//! (`super::windows`); otherwise it is fired spike by spike, here.

mod fire;
mod tally;

use self::fire::{Exact, Fire, Leaky};
use super::neurons::{Input, Neurons, Step};
use super::readout::Readout;
use super::{Record, Sent, SentenceRun, Simulation, Wanted};
use crate::arithmetic::{Attention, AttentionInputs, Scaled, gelu, vectorised};
use crate::encoder::{Encoder, Projection, Sums};
use crate::error::Result;
use crate::kernels::{Kernels, SpikeBits};
use crate::neuron::NeuronConfig;

/// Runs one sentence.
pub(super) fn run<R: Record>(
    encoder: &Encoder,
    currents: &[f32],
    simulation: &Simulation,
    wanted: Wanted,
    record: &mut R,
) -> Result<SentenceRun> {
    if simulation.is_counts() && !R::ON {
        let at_once = match (wanted.sums, wanted.sent) {
            (true, true) => tally::run::<true, true>,
            (true, false) => tally::run::<true, false>,
            (false, true) => tally::run::<false, true>,
            (false, false) => tally::run::<false, false>,
        };
        return at_once(encoder, currents, simulation);
    }
    let mut phases = Phases { encoder, simulation, record, population: 0, run: SentenceRun::default(), wanted };
    let (config, kernels) = (&encoder.config, encoder.kernels);
    let d = config.hidden;
    let mut x = phases.fire(currents, encoder.embedding_threshold, d)?;
    for layer in &encoder.layers {
        let thresholds = layer.thresholds;
        let query = x.project(&layer.query, kernels);
        let key = phases.fire(&x.project(&layer.key, kernels), thresholds[0], d)?;
        let value = phases.fire(&x.project(&layer.value, kernels), thresholds[1], d)?;
        let mut ctx = vec![0.0; query.len()];
        let (key, value) = (key.scaled(), value.scaled());
        let inputs = AttentionInputs { query: &query, key, value, width: d, heads: config.heads };
        Attention::default().attend(inputs, &mut ctx);
        let ctx = phases.fire(&ctx, thresholds[2], d)?;
        let mut attention = ctx.project(&layer.attention_output, kernels);
        layer.attention_norm.rows(&mut attention, x.scaled());
        let attention = phases.fire(&attention, thresholds[3], d)?;
        let mut inner = attention.project(&layer.intermediate, kernels);
        vectorised!(|| inner.iter_mut().for_each(|x| *x = gelu(*x)));
        let inner = phases.fire(&inner, thresholds[4], config.intermediate)?;
        let mut out = inner.project(&layer.output, kernels);
        layer.output_norm.rows(&mut out, attention.scaled());
        x = phases.fire(&out, thresholds[5], d)?;
    }
    let mut readout = Readout::new(encoder, phases.run);
    readout.answer(Scaled { values: &x.sums[..d], scale: x.scale });
    readout.run.steps = simulation.time_steps;
    Ok(readout.run)
}

/// Population after population.
struct Phases<'a, R> {
    encoder: &'a Encoder,
    simulation: &'a Simulation,
    record: &'a mut R,
    population: usize,
    run: SentenceRun,
    wanted: Wanted,
}

/// A population's finished window.
struct Window {
    /// The spikes of each step.
    parts: Vec<(SpikeBits, Vec<i8>)>,
    keep: f32,
    /// `A[T]`, `[L, width]`: the counts `n`, where nothing leaks.
    sums: Vec<f32>,
    /// `theta / W[T]`
    scale: f32,
}

impl Window {
    fn scaled(&self) -> Scaled<'_> {
        Scaled { values: &self.sums, scale: self.scale }
    }

    /// `W (scale sums) + b`
    fn project(&self, map: &Projection, kernels: Kernels) -> Vec<f32> {
        let rows = self.parts.first().map_or(0, |(bits, _)| bits.rows());
        let (mut sums, mut out) = (vec![0.0; rows * map.rows()], vec![0.0; rows * map.rows()]);
        let mut work = Sums::default();
        for (bits, spikes) in &self.parts {
            map.of_spikes(kernels, (bits, spikes), 0..rows, &mut work);
            map.accumulate(&work, self.keep, &mut sums);
        }
        map.finish(&sums, self.scale, &mut out);
        out
    }
}

impl<R: Record> Phases<'_, R> {
    /// The window of the next population on the constant `current`.
    fn fire(&mut self, current: &[f32], theta: f32, width: usize) -> Result<Window> {
        if current.iter().any(|i| !i.is_finite()) {
            return Err(self.encoder.not_finite(self.population, 1));
        }
        let config = NeuronConfig { time_steps: self.simulation.time_steps, signed: self.encoder.config.signed, theta };
        let window = match self.simulation.is_exact() {
            true => self.spike_by_spike(current, width, Exact::at_rest(config, current)?),
            false => {
                let neurons = Neurons::at_rest((theta, config.signed), current.len(), Input::Current);
                let step = Step::rest(self.simulation, false, R::ON);
                self.spike_by_spike(current, width, Leaky { neurons, step, spikes: vec![0; current.len()] })
            }
        };
        if self.wanted.sums {
            self.run.sums.push(window.sums.clone());
        }
        if self.wanted.sent {
            let mut sent = Sent::silent(width, true);
            window.parts.iter().for_each(|(_, spikes)| sent.add_spikes(spikes));
            sent.add_active(&window.sums);
            self.run.sent.push(sent);
        }
        self.population += 1;
        Ok(window)
    }

    fn spike_by_spike(&mut self, current: &[f32], width: usize, mut neurons: impl Fire) -> Window {
        let mut parts = Vec::new();
        let mut sums = vec![0.0; current.len()];
        let beta = self.simulation.beta;
        let mut fired = 0;
        for step in 1..=self.simulation.time_steps {
            let (spikes, potentials) = neurons.fire(current);
            self.record.step(self.population, step, spikes, potentials);
            sums.iter_mut().zip(spikes).for_each(|(sum, &s)| *sum = beta * *sum + f32::from(s));
            let bits = SpikeBits::of(spikes, width);
            fired += bits.spikes(0..bits.rows()) as u32;
            parts.push((bits, spikes.to_vec()));
        }
        self.run.spikes.push(fired);
        let weight = self.simulation.weight(self.simulation.time_steps);
        Window { parts, keep: beta, scale: neurons.theta() / weight, sums }
    }
}

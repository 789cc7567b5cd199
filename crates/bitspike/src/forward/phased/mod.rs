//! `phased`: population after population, each firing for a whole window on the constant current of finished rates.
//!
//! Where the count identity holds, counts fit a byte and nobody watches the steps, a window is reached at once
//! (`super::windows`); otherwise it is fired spike by spike, here. What reads a population takes in each step's spikes as they are
//! sent, so that memory does not grow with `T`.

mod fire;
mod tally;

use self::fire::{Digits, Exact, Fire, Leaky};
use super::neurons::{Input, Neurons, Step};
use super::readout::Readout;
use super::{Record, Sent, SentenceRun, Simulation, Wanted};
use crate::arithmetic::{Attention, AttentionInputs, Scaled, gelu, vectorised};
use crate::config::StudentConfig;
use crate::encoder::{Encoder, Projection, Sums};
use crate::error::Result;
use crate::kernels::SpikeBits;
use crate::neuron::{Code, NeuronConfig};

/// Runs one sentence.
pub(super) fn run<R: Record>(
    encoder: &Encoder,
    currents: &[f32],
    simulation: &Simulation,
    wanted: Wanted<'_>,
    record: &mut R,
) -> Result<SentenceRun> {
    if simulation.is_counts() && !R::ON {
        return tally::run(encoder, currents, simulation, wanted);
    }
    let mut phases = Phases { encoder, simulation, record, population: 0, run: SentenceRun::default(), wanted };
    let config = &encoder.config;
    let d = config.hidden;
    let mut layers = encoder.layers.iter().peekable();
    let first = layers.peek().map_or(Vec::new(), |layer| layer.inputs());
    let (mut x, mut projected) = phases.fire(currents, encoder.embedding_threshold, d, &first)?;
    while let Some(layer) = layers.next() {
        let thresholds = layer.thresholds;
        let [query, key, value]: [Vec<f32>; 3] = projected.try_into().expect("three maps read a layer's input");
        let (key, _) = phases.fire(&key, thresholds[0], d, &[])?;
        let (value, _) = phases.fire(&value, thresholds[1], d, &[])?;
        let mut ctx = vec![0.0; query.len()];
        let (key, value) = (key.scaled(), value.scaled());
        let inputs = AttentionInputs {
            query: &query,
            key,
            value,
            width: d,
            heads: config.heads,
            relative: encoder.relative(0, 0),
        };
        Attention::default().attend(inputs, &mut ctx);
        let (_, mut attention) = phases.fire_through(&ctx, thresholds[2], d, &layer.attention_output)?;
        layer.attention_norm.rows(&mut attention, x.scaled());
        let (attention, mut inner) = phases.fire_through(&attention, thresholds[3], d, &layer.intermediate)?;
        vectorised!(|| inner.iter_mut().for_each(|x| *x = gelu(*x)));
        let (_, mut out) = phases.fire_through(&inner, thresholds[4], config.intermediate, &layer.output)?;
        layer.output_norm.rows(&mut out, attention.scaled());
        let next = layers.peek().map_or(Vec::new(), |layer| layer.inputs());
        (x, projected) = phases.fire(&out, thresholds[5], d, &next)?;
    }
    let spikes = std::mem::take(&mut phases.run.spikes);
    let mut readout = Readout::new(encoder, wanted, phases.run);
    let mut pool = encoder.readout.pool(d);
    readout.answer(Scaled { values: pool.of(&x.sums), scale: x.scale }, &spikes)?;
    readout.run.steps = simulation.steps();
    Ok(readout.run)
}

/// Population after population.
struct Phases<'a, R> {
    encoder: &'a Encoder,
    simulation: &'a Simulation,
    record: &'a mut R,
    population: usize,
    run: SentenceRun,
    wanted: Wanted<'a>,
}

/// A population's finished window. Its spikes are gone: what reads them read them step by step.
struct Window {
    /// `A[T]`, `[L, width]`: the counts `n`, where nothing leaks.
    sums: Vec<f32>,
    /// `theta / W[T]`
    scale: f32,
}

impl Window {
    fn scaled(&self) -> Scaled<'_> {
        Scaled { values: &self.sums, scale: self.scale }
    }
}

/// A map at work on the spikes of a window: `sums <- beta sums + W s[t]`, `[L, rows]`.
struct Reader<'a> {
    map: &'a Projection,
    sums: Vec<f32>,
}

impl<R: Record> Phases<'_, R> {
    /// The window of the next population on the constant `current`, and what each of `maps` makes of its values,
    /// `W (scale sums) + b`.
    fn fire(
        &mut self,
        current: &[f32],
        theta: f32,
        width: usize,
        maps: &[&Projection],
    ) -> Result<(Window, Vec<Vec<f32>>)> {
        if current.iter().any(|i| !i.is_finite()) {
            return Err(self.encoder.not_finite(self.population, 1));
        }
        let StudentConfig { code: levels, signed, .. } = self.encoder.config;
        let config = NeuronConfig { levels, time_steps: self.simulation.time_steps, signed, theta };
        let found = match (self.simulation.code, self.simulation.is_exact()) {
            (Code::Unary, true) => self.spike_by_spike(current, width, &mut Exact::at_rest(config, current)?, maps),
            (code @ (Code::Digits | Code::Naf | Code::Single), _) => {
                self.spike_by_spike(current, width, &mut Digits::after_window(code, config, current)?, maps)
            }
            (Code::Unary, false) => {
                let neurons = Neurons::at_rest((theta, config.signed), current.len(), Input::Current);
                let step = Step::rest(self.simulation, false, R::ON);
                let mut leaky = Leaky { neurons, step, spikes: vec![0; current.len()] };
                self.spike_by_spike(current, width, &mut leaky, maps)
            }
        };
        self.population += 1;
        Ok(found)
    }

    /// [`Phases::fire`] with one map.
    fn fire_through(
        &mut self,
        current: &[f32],
        theta: f32,
        width: usize,
        map: &Projection,
    ) -> Result<(Window, Vec<f32>)> {
        let (window, mut projected) = self.fire(current, theta, width, &[map])?;
        Ok((window, projected.swap_remove(0)))
    }

    fn spike_by_spike(
        &mut self,
        current: &[f32],
        width: usize,
        neurons: &mut dyn Fire,
        maps: &[&Projection],
    ) -> (Window, Vec<Vec<f32>>) {
        let (kernels, rows) = (self.encoder.kernels, current.len() / width);
        // What a sum of spikes keeps of itself from step to step: Horner's rule, of a leak or of digits.
        let keep = self.simulation.beta * self.simulation.code.keep();
        let readers = maps.iter().map(|&map| Reader { map, sums: vec![0.0; rows * map.rows()] });
        let mut readers: Vec<Reader<'_>> = readers.collect();
        let (mut sums, mut bits, mut work) =
            (vec![0.0; current.len()], SpikeBits::silent(rows, width), Sums::default());
        let mut sent = self.wanted.sent.then(|| Sent::silent(width, true));
        let mut fired = 0;
        for step in 1..=self.simulation.steps() {
            let (spikes, potentials) = neurons.fire(current);
            self.record.step(self.population, step, spikes, potentials);
            sums.iter_mut().zip(spikes).for_each(|(sum, &s)| *sum = keep * *sum + f32::from(s));
            spikes.chunks_exact(width).enumerate().for_each(|(row, spikes)| bits.set_row(row, spikes));
            fired += bits.spikes(0..rows);
            if let Some(sent) = &mut sent {
                sent.add_spikes(spikes);
            }
            for Reader { map, sums } in &mut readers {
                map.of_spikes(kernels, (&bits, spikes), 0..rows, &mut work);
                map.accumulate(&work, keep, sums);
            }
        }
        self.run.spikes.push(fired);
        if let Some(mut sent) = sent {
            sent.add_active(&sums);
            self.run.sent.push(sent);
        }
        if self.wanted.sums {
            self.run.sums.push(sums.clone());
        }
        let scale = neurons.theta() / self.simulation.weight(self.simulation.time_steps);
        let finish = |Reader { map, sums }: Reader<'_>| {
            let mut out = vec![0.0; sums.len()];
            map.finish(&sums, scale, &mut out);
            out
        };
        (Window { scale, sums }, readers.into_iter().map(finish).collect())
    }
}

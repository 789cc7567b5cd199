//! `phased`: population after population, each firing for a whole window on the constant current of finished rates.
//!
//! Where the count identity holds, counts fit a byte and nobody watches the steps, a window is reached at once
//! (`super::windows`); otherwise it is fired spike by spike, here.

use super::neurons::{Input, Neurons, Step};
use super::stepped::residual_norm;
use super::windows::{self, Pack, Watch, Workspace};
use super::{Readout, Record, Sent, SentenceRun, Simulation, Wanted, add_rows, not_finite};
use crate::arithmetic::{Attention, gelu, wide};
use crate::encoder::{Encoder, Projection, Sums};
use crate::error::Result;
use crate::kernels::{Kernels, SpikeBits};
use crate::neuron::{Equilibrium, NeuronConfig};

/// Spikes of every population, and its counts where `SUMS`.
#[derive(Debug, Default)]
struct Tally<const SUMS: bool, const SENT: bool> {
    spikes: Vec<u32>,
    sums: Vec<Vec<f32>>,
    sent: Vec<Tallied>,
}

/// [`Sent`] while it is added up: `f32` needs no conversion of each count, and holds integers of up to 2^24, which 65,536 tokens
/// of 127 spikes do not reach.
#[derive(Debug)]
struct Tallied {
    spikes: Vec<f32>,
    active: Vec<f32>,
}

impl Tallied {
    fn add(&mut self, counts: &[f32]) {
        let (spikes, active) = (self.spikes.as_mut_slice(), self.active.as_mut_slice());
        wide(
            #[inline(always)]
            move || {
                for row in counts.chunks_exact(spikes.len()) {
                    for ((&n, spikes), active) in row.iter().zip(spikes.iter_mut()).zip(active.iter_mut()) {
                        *spikes += n.abs();
                        *active += if n == 0.0 { 0.0 } else { 1.0 };
                    }
                }
            },
        );
    }

    fn finish(self) -> Sent {
        let [spikes, active] = [self.spikes, self.active].map(|sums| sums.into_iter().map(|n| n as u32).collect());
        Sent { spikes, active }
    }
}

impl<const SUMS: bool, const SENT: bool> Watch for Tally<SUMS, SENT> {
    const COUNTS: bool = true;

    fn counts(&mut self, population: usize, _first: usize, width: usize, counts: &[f32]) {
        if population == self.spikes.len() {
            self.spikes.push(0);
            self.sums.push(Vec::new());
            let width = if SENT { width } else { 0 };
            self.sent.push(Tallied { spikes: vec![0.0; width], active: vec![0.0; width] });
        }
        if SENT {
            self.sent[population].add(counts);
        }
        // A neuron under a constant current never spikes both ways.
        self.spikes[population] += wide(
            #[inline(always)]
            || counts.iter().map(|n| n.abs() as u32).sum::<u32>(),
        );
        if SUMS {
            self.sums[population].extend_from_slice(counts);
        }
    }
}

fn at_once<const SUMS: bool, const SENT: bool>(
    encoder: &Encoder,
    embedded: &[f32],
    simulation: &Simulation,
) -> Result<SentenceRun> {
    let mut workspace = Workspace::<Tally<SUMS, SENT>>::default();
    let mut readout = Readout::new(encoder);
    let length = embedded.len() / encoder.config.hidden;
    let pack = Pack { embedded, lengths: &[length] };
    windows::run(encoder, simulation.time_steps, pack, 1, &mut workspace, |sums, scale| readout.answer(sums, scale))?;
    let tally = workspace.take_watches().pop().unwrap_or_default();
    readout.run.steps = simulation.time_steps;
    readout.run.spikes = tally.spikes;
    if SUMS {
        readout.run.sums = tally.sums;
    }
    if SENT {
        readout.run.sent = tally.sent.into_iter().map(Tallied::finish).collect();
    }
    Ok(readout.run)
}

/// Runs one sentence.
pub(super) fn run<R: Record>(
    encoder: &Encoder,
    embedded: &[f32],
    simulation: &Simulation,
    options: Wanted,
    record: &mut R,
) -> Result<SentenceRun> {
    if simulation.is_counts() && !R::ON {
        let run = match (options.sums, options.sent) {
            (true, true) => at_once::<true, true>,
            (true, false) => at_once::<true, false>,
            (false, true) => at_once::<false, true>,
            (false, false) => at_once::<false, false>,
        };
        return run(encoder, embedded, simulation);
    }
    let mut phases = Phases { encoder, simulation, record, population: 0, run: SentenceRun::default(), options };
    let (config, kernels) = (&encoder.config, encoder.kernels);
    let (d, epsilon) = (config.hidden, config.layer_norm_eps);
    let mut x = phases.fire(embedded, encoder.embedding_threshold, d)?;
    for layer in &encoder.layers {
        let thresholds = layer.thresholds;
        let query = x.project(&layer.query, kernels);
        let key = phases.fire(&x.project(&layer.key, kernels), thresholds[0], d)?;
        let value = phases.fire(&x.project(&layer.value, kernels), thresholds[1], d)?;
        let mut ctx = vec![0.0; query.len()];
        let scales = (key.scale, value.scale);
        let mut attend = Attention::default();
        attend.attend((&query, &key.sums, &value.sums), scales, (d, config.heads), &mut ctx);
        let ctx = phases.fire(&ctx, thresholds[2], d)?;
        let mut attention = ctx.project(&layer.attention_output, kernels);
        residual_norm(&mut attention, (&x.sums, x.scale), &layer.attention_norm, epsilon);
        let attention = phases.fire(&attention, thresholds[3], d)?;
        let mut inner = attention.project(&layer.intermediate, kernels);
        wide(
            #[inline(always)]
            || inner.iter_mut().for_each(|x| *x = gelu(*x)),
        );
        let inner = phases.fire(&inner, thresholds[4], config.intermediate)?;
        let mut out = inner.project(&layer.output, kernels);
        residual_norm(&mut out, (&attention.sums, attention.scale), &layer.output_norm, epsilon);
        x = phases.fire(&out, thresholds[5], d)?;
    }
    let mut readout = Readout::new(encoder);
    readout.run = phases.run;
    readout.answer(&x.sums[..d], x.scale);
    readout.run.steps = simulation.time_steps;
    Ok(readout.run)
}

struct Phases<'a, R> {
    encoder: &'a Encoder,
    simulation: &'a Simulation,
    record: &'a mut R,
    population: usize,
    run: SentenceRun,
    options: Wanted,
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
            return Err(not_finite(self.encoder, self.population, 1));
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
        if self.options.sums {
            self.run.sums.push(window.sums.clone());
        }
        if self.options.sent {
            let mut sent = Sent { spikes: vec![0; width], active: vec![0; width] };
            window.parts.iter().for_each(|(_, spikes)| add_rows(spikes, &mut sent.spikes, |s| u32::from(s != 0)));
            add_rows(&window.sums, &mut sent.active, |n| u32::from(n != 0.0));
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

/// A population that takes steps on a constant current.
trait Fire {
    fn fire(&mut self, current: &[f32]) -> (&[i8], &[f32]);
    fn theta(&self) -> f32;
}

/// Any neuron, in `f32`.
struct Leaky {
    neurons: Neurons,
    step: Step,
    spikes: Vec<i8>,
}

impl Fire for Leaky {
    fn fire(&mut self, current: &[f32]) -> (&[i8], &[f32]) {
        self.step = self.step.next();
        // The current was checked, and a constant one keeps potentials finite.
        self.neurons.fire(0, current, self.step, &mut self.spikes);
        (&self.spikes, &self.neurons.recorded)
    }

    fn theta(&self) -> f32 {
        self.neurons.theta()
    }
}

/// Integrate-and-fire neurons whose every sum is exact, so that their counts are those of [`Equilibrium::count`]: potentials are
/// in units of `theta/T`, in `f64`, where a step adds the charge `T I / theta` as `f32` rounds it and a spike takes `T`.
struct Exact {
    config: NeuronConfig,
    charges: Vec<f64>,
    potentials: Vec<f64>,
    spikes: Vec<i8>,
    recorded: Vec<f32>,
}

impl Exact {
    fn at_rest(config: NeuronConfig, current: &[f32]) -> Result<Self> {
        let neuron = Equilibrium::new(config)?;
        let t = f64::from(config.time_steps);
        let rest = if config.signed { 0.0 } else { t / 2.0 };
        Ok(Self {
            config,
            charges: current.iter().map(|&i| neuron.charge(i)).collect(),
            potentials: vec![rest; current.len()],
            spikes: vec![0; current.len()],
            recorded: vec![0.0; current.len()],
        })
    }
}

impl Fire for Exact {
    fn fire(&mut self, _current: &[f32]) -> (&[i8], &[f32]) {
        let t = f64::from(self.config.time_steps);
        let unit = f64::from(self.config.theta) / t;
        let neurons = self.potentials.iter_mut().zip(&self.charges).zip(&mut self.spikes).zip(&mut self.recorded);
        for (((v, charge), spike), recorded) in neurons {
            *v += charge;
            *spike = match self.config.signed {
                true => i8::from(*v >= t / 2.0) - i8::from(*v < -t / 2.0),
                false => i8::from(*v >= t),
            };
            *v -= t * f64::from(*spike);
            *recorded = (*v * unit) as f32;
        }
        (&self.spikes, &self.recorded)
    }

    fn theta(&self) -> f32 {
        self.config.theta
    }
}

//! `accumulated` and `instantaneous`: every population fires at every step.
//!
//! A step runs through all layers without delay, so that a layer needs nothing of the layers above it. Layers therefore take
//! turns over a chunk of steps: while a layer works, its weights and its state stay in the cache.

use super::neurons::{Input, Neurons, Step};
use super::{Dynamics, Options, Readout, Record, SentenceRun, Simulation, not_finite};
use crate::arithmetic::{Attention, gelu, wide};
use crate::error::Result;
use crate::kernels::{Kernels, SpikeBits};
use crate::model::{Encoder, Layer, Norm, Projection, Sums};

/// Steps a layer takes before the next one follows.
const CHUNK: u32 = 8;

/// Runs one sentence.
pub(super) fn run(
    encoder: &Encoder,
    embedded: &[f32],
    simulation: &Simulation,
    options: Options<'_>,
    record: &mut impl Record,
) -> Result<SentenceRun> {
    let mut sentence = Sentence::new(encoder, embedded, simulation);
    let mut readout = Readout::new(encoder);
    let mut step = Step::rest(simulation, record_on(record));
    let mut done = 0;
    while done < simulation.time_steps {
        let steps = CHUNK.min(simulation.time_steps - done);
        let weights = sentence.chunk((done, steps), step, &mut readout, record)?;
        done += steps;
        step = weights;
        if let Some(rule) = options.exit
            && let Some(exit) = rule.exit_step(&readout.run.logits, &readout.run.change)
        {
            readout.end_at(exit);
            break;
        }
        if options.last_only && options.exit.is_none() {
            readout.keep_last(1 + 6 * encoder.layers.len());
        }
    }
    if options.sums {
        readout.run.sums = sentence.into_sums();
    }
    Ok(readout.run)
}

fn record_on<R: Record>(_: &R) -> bool {
    R::ON
}

impl Readout<'_> {
    /// Keeps one row: the last answer and change, and the sum of the spikes.
    fn keep_last(&mut self, populations: usize) {
        let run = &mut self.run;
        run.logits.drain(..run.logits.len() - self.encoder.config.num_labels);
        run.change.drain(..run.change.len() - 1);
        let (total, rest) = run.spikes.split_at_mut(populations);
        for row in rest.chunks_exact(populations) {
            total.iter_mut().zip(row).for_each(|(total, &n)| *total += n);
        }
        run.spikes.truncate(populations);
    }

    /// Forgets the steps after `step`.
    fn end_at(&mut self, step: u32) {
        let run = &mut self.run;
        let (steps, keep) = (run.steps as usize, step as usize);
        run.logits.truncate(run.logits.len() / steps * keep);
        run.spikes.truncate(run.spikes.len() / steps * keep);
        run.change.truncate(keep);
        run.steps = step;
    }
}

/// The spikes of one population over the steps of a chunk.
#[derive(Debug)]
struct Train {
    /// `[steps, L, width]`
    spikes: Vec<i8>,
    bits: Vec<SpikeBits>,
    theta: f32,
}

impl Train {
    fn new(theta: f32) -> Self {
        Self { spikes: Vec::new(), bits: Vec::new(), theta }
    }

    fn clear(&mut self) {
        self.spikes.clear();
        self.bits.clear();
    }

    fn push(&mut self, neurons: &Neurons) {
        self.spikes.extend_from_slice(&neurons.spikes);
        self.bits.push(neurons.bits.clone());
    }

    fn step(&self, step: usize) -> (&SpikeBits, &[i8]) {
        let size = self.spikes.len() / self.bits.len();
        (&self.bits[step], &self.spikes[step * size..][..size])
    }
}

struct Sentence<'a> {
    encoder: &'a Encoder,
    embedded: &'a [f32],
    embedding: Neurons,
    layers: Vec<LayerState<'a>>,
    length: usize,
}

impl<'a> Sentence<'a> {
    fn new(encoder: &'a Encoder, embedded: &'a [f32], simulation: &Simulation) -> Self {
        let width = encoder.config.hidden;
        let length = embedded.len() / width;
        let kind = (encoder.embedding_threshold, encoder.config.signed);
        let layers = encoder.layers.iter().map(|layer| LayerState::new(encoder, layer, length, simulation)).collect();
        Self { encoder, embedded, embedding: Neurons::at_rest(kind, length, width, Input::Current), layers, length }
    }

    /// Takes `steps` steps after the first `done`, and returns the last step's constants.
    fn chunk(
        &mut self,
        (done, steps): (u32, u32),
        before: Step,
        readout: &mut Readout<'_>,
        record: &mut impl Record,
    ) -> Result<Step> {
        let populations = 1 + 6 * self.layers.len();
        let first = readout.run.spikes.len();
        readout.run.spikes.resize(first + steps as usize * populations, 0);
        let spikes = &mut readout.run.spikes[first..];
        let mut train = Train::new(self.encoder.embedding_threshold);
        let mut step = before;
        for local in 0..steps {
            step = step.next();
            if !self.embedding.fire(self.embedded, step) {
                return Err(not_finite(self.encoder, 0, done + local + 1));
            }
            record.step(0, done + local + 1, &self.embedding.spikes, &self.embedding.recorded);
            spikes[local as usize * populations] = self.embedding.fired();
            train.push(&self.embedding);
        }
        let mut out = Train::new(0.0);
        let mut answers = Vec::new();
        let last = self.layers.len() - 1;
        for (i, layer) in self.layers.iter_mut().enumerate() {
            let mut step = before;
            out.clear();
            for local in 0..steps as usize {
                step = step.next();
                layer
                    .step(&train, local, step)
                    .map_err(|kind| not_finite(self.encoder, 1 + 6 * i + kind, done + local as u32 + 1))?;
                for (kind, neurons) in layer.populations().into_iter().enumerate() {
                    let population = 1 + 6 * i + kind;
                    spikes[local * populations + population] = neurons.fired();
                    record.step(population, done + local as u32 + 1, &neurons.spikes, &neurons.recorded);
                }
                out.push(&layer.output);
                if i == last {
                    answers.extend_from_slice(&layer.output.sums[..self.encoder.config.hidden]);
                }
            }
            out.theta = layer.layer.thresholds[5];
            std::mem::swap(&mut train, &mut out);
        }
        let mut step = before;
        for sums in answers.chunks_exact(self.encoder.config.hidden) {
            step = step.next();
            readout.answer(sums, train.theta / step.weight);
        }
        debug_assert_eq!(self.length, self.embedding.bits.rows());
        Ok(step)
    }

    fn into_sums(self) -> Vec<Vec<f32>> {
        let layers = self.layers.into_iter().flat_map(|layer| {
            [layer.key, layer.value, layer.context, layer.attention, layer.feed_forward, layer.output]
        });
        std::iter::once(self.embedding).chain(layers).map(|neurons| neurons.sums).collect()
    }
}

/// Sums of the products that an operator reads: over all steps so far, or of this step alone.
#[derive(Debug)]
struct Accumulator {
    sums: Vec<f32>,
}

impl Accumulator {
    fn new(size: usize) -> Self {
        Self { sums: vec![0.0; size] }
    }

    /// Adds the product of a step's spikes to `keep` times what is there.
    fn add(
        &mut self,
        map: &Projection,
        (bits, spikes): (&SpikeBits, &[i8]),
        keep: f32,
        kernels: Kernels,
        work: &mut Sums,
    ) {
        map.of_spikes(kernels, (bits, spikes), 0..bits.rows(), work);
        map.accumulate(work, keep, &mut self.sums);
    }
}

struct LayerState<'a> {
    layer: &'a Layer,
    kernels: Kernels,
    epsilon: f32,
    /// Width `D` and heads.
    shape: (usize, usize),
    /// `beta` where operators see rates, 0 where they see the step's spikes.
    keep: f32,
    accumulated: bool,
    /// Sums of the layer's input spikes.
    input: Vec<f32>,
    query: Accumulator,
    attention_output: Accumulator,
    intermediate: Accumulator,
    out: Accumulator,
    key: Neurons,
    value: Neurons,
    context: Neurons,
    attention: Neurons,
    feed_forward: Neurons,
    output: Neurons,
    /// What operators see of keys, values and attention where that is the step's spikes.
    seen: [Vec<f32>; 3],
    attend: Attention,
    current: Vec<f32>,
    wide_current: Vec<f32>,
    result: Vec<f32>,
    work: Sums,
    direct: Accumulator,
}

impl<'a> LayerState<'a> {
    fn new(encoder: &Encoder, layer: &'a Layer, length: usize, simulation: &Simulation) -> Self {
        let config = &encoder.config;
        let (narrow, broad) = (length * config.hidden, length * config.intermediate);
        let accumulated = simulation.dynamics == Dynamics::Accumulated;
        let mean = if accumulated { Input::Mean } else { Input::Current };
        let population =
            |kind: usize, width, input| Neurons::at_rest((layer.thresholds[kind], config.signed), length, width, input);
        let d = config.hidden;
        Self {
            layer,
            kernels: encoder.kernels,
            epsilon: config.layer_norm_eps,
            shape: (d, config.heads),
            keep: if accumulated { simulation.beta } else { 0.0 },
            accumulated,
            input: vec![0.0; narrow],
            query: Accumulator::new(narrow),
            attention_output: Accumulator::new(narrow),
            intermediate: Accumulator::new(broad),
            out: Accumulator::new(narrow),
            key: population(0, d, Input::Current),
            value: population(1, d, Input::Current),
            context: population(2, d, mean),
            attention: population(3, d, mean),
            feed_forward: population(4, config.intermediate, mean),
            output: population(5, d, mean),
            seen: Default::default(),
            attend: Attention::default(),
            current: vec![0.0; narrow],
            wide_current: vec![0.0; broad],
            result: vec![0.0; narrow],
            work: Sums::default(),
            direct: Accumulator::new(narrow),
        }
    }

    fn populations(&self) -> [&Neurons; 6] {
        [&self.key, &self.value, &self.context, &self.attention, &self.feed_forward, &self.output]
    }

    /// One step on step `local` of the input's chunk. The error is the kind of population that received no number.
    fn step(&mut self, train: &Train, local: usize, step: Step) -> Result<(), usize> {
        let layer = self.layer;
        let x = train.step(local);
        let share = if self.accumulated { 1.0 / step.weight } else { 1.0 };
        let scale = |theta: f32| if self.accumulated { theta / step.weight } else { theta };
        let [key_theta, value_theta, context_theta, attention_theta, feed_forward_theta, _] = layer.thresholds;
        debug_assert!(share > 0.0);
        let (keep, kernels, epsilon) = (self.keep, self.kernels, self.epsilon);
        wide(
            #[inline(always)]
            || {
                for (sum, &s) in self.input.iter_mut().zip(x.1) {
                    *sum = keep * *sum + f32::from(s);
                }
            },
        );

        // Keys and values are affine: the difference of their sums is the map of the step's spikes.
        for (kind, map, neurons) in [(0usize, &layer.key, &mut self.key), (1, &layer.value, &mut self.value)] {
            self.direct.add(map, x, 0.0, kernels, &mut self.work);
            map.finish(&self.direct.sums, train.theta, &mut self.current);
            neurons.fire(&self.current, step).then_some(()).ok_or(kind)?;
        }

        self.query.add(&layer.query, x, keep, kernels, &mut self.work);
        layer.query.finish(&self.query.sums, scale(train.theta), &mut self.current);
        let [keys, values, attention] = &mut self.seen;
        let (keys, values) = match self.accumulated {
            true => (&self.key.sums, &self.value.sums),
            false => (as_floats(&self.key.spikes, keys), as_floats(&self.value.spikes, values)),
        };
        let (attend, current, result, shape) = (&mut self.attend, &self.current, &mut self.result, self.shape);
        let scales = (scale(key_theta), scale(value_theta));
        attend.attend((current, keys, values), scales, shape, result);
        self.context.fire(&self.result, step).then_some(()).ok_or(2usize)?;

        let ctx = (&self.context.bits, self.context.spikes.as_slice());
        self.attention_output.add(&layer.attention_output, ctx, keep, kernels, &mut self.work);
        layer.attention_output.finish(&self.attention_output.sums, scale(context_theta), &mut self.current);
        residual_norm(&mut self.current, (&self.input, scale(train.theta)), &layer.attention_norm, epsilon);
        self.attention.fire(&self.current, step).then_some(()).ok_or(3usize)?;

        let att = (&self.attention.bits, self.attention.spikes.as_slice());
        self.intermediate.add(&layer.intermediate, att, keep, kernels, &mut self.work);
        let wide_current = &mut self.wide_current;
        layer.intermediate.finish(&self.intermediate.sums, scale(attention_theta), wide_current);
        wide(
            #[inline(always)]
            || wide_current.iter_mut().for_each(|x| *x = gelu(*x)),
        );
        self.feed_forward.fire(&self.wide_current, step).then_some(()).ok_or(4usize)?;

        let ffn = (&self.feed_forward.bits, self.feed_forward.spikes.as_slice());
        self.out.add(&layer.output, ffn, keep, kernels, &mut self.work);
        layer.output.finish(&self.out.sums, scale(feed_forward_theta), &mut self.current);
        let residual = match self.accumulated {
            true => &self.attention.sums,
            false => as_floats(&self.attention.spikes, attention),
        };
        residual_norm(&mut self.current, (residual, scale(attention_theta)), &layer.output_norm, epsilon);
        self.output.fire(&self.current, step).then_some(()).ok_or(5usize)
    }
}

fn as_floats<'a>(spikes: &[i8], out: &'a mut Vec<f32>) -> &'a Vec<f32> {
    out.clear();
    out.extend(spikes.iter().map(|&s| f32::from(s)));
    out
}

/// `x <- LN(x + scale * residual)`, row by row.
pub(super) fn residual_norm(x: &mut [f32], (residual, scale): (&[f32], f32), norm: &Norm, epsilon: f32) {
    let width = norm.gain.len();
    wide(
        #[inline(always)]
        || {
            for (x, residual) in x.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
                norm.apply(x, (residual, scale), epsilon);
            }
        },
    );
}

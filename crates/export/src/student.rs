//! A student as operators, each sum and product in the engine's own order, so that runtimes of IEEE arithmetic give its bits.
//!
//! Equations and names are those of `docs/model.md`. A count is whole in `f32`; products of counts with codes are exact.
//! Everything else is the engine's `f32` arithmetic step by step: 16 partial sums of a norm, the polynomials of `exp` and
//! GELU, attention key by key.

mod attention;
mod functions;
mod pairs;
mod tables;

use bitspike::config::{LAYER_POPULATIONS, StudentConfig};
use bitspike::format::{Packed, PackedMatrix};
use bitspike::neuron::Levels;

use self::functions::{gelu, lane_sum, norm};
use crate::net::{Kind, Net, Op, Value};

/// Names of the inputs, those of every BERT: `[B, L]`, whole numbers.
pub(crate) const INPUTS: [&str; 3] = ["input_ids", "attention_mask", "token_type_ids"];

/// A student on its way into a [`Net`].
pub(crate) struct Student<'a> {
    packed: &'a Packed,
    fast: bool,
    net: Net,
}

/// A population's counts and what each stands for.
#[derive(Debug, Clone, Copy)]
struct Counted {
    counts: Value,
    /// `theta/T`
    scale: Value,
}

/// How a student is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Sums of norms in `f64`, or else in pairs of `f32` with constants hidden from the runtime: as for OpenVINO.
    pub(crate) has_doubles: bool,
    /// Attention, GELU and norms by the runtime's own operators, and in the engine's order only where a count is in doubt.
    pub(crate) fast: bool,
}

/// The student's operators, from the inputs to `logits` `[B, classes]`.
pub(crate) fn student(packed: &Packed, Style { has_doubles, fast }: Style) -> Net {
    let mut student = Student { packed, fast, net: Net::new(has_doubles) };
    let [ids, mask, types] = INPUTS.map(|name| {
        let input = student.net.node(Op::Input(name), &[]);
        student.net.name(input, name)
    });
    if !has_doubles {
        student.net.one = Some(attention::one(&mut student.net, mask));
    }
    let mask = attention::mask(&mut student.net, mask);
    let mut x = student.embedding(ids, types);
    let layers = packed.header().student.layers;
    for index in 0..layers {
        x = student.layer(index, x, mask, index + 1 == layers);
    }
    student.classifier(x);
    student.net
}

impl Student<'_> {
    /// A vector of the model, by its name.
    fn vector(&mut self, name: &str) -> Value {
        if let Some(known) = self.net.named(name) {
            return known;
        }
        let values = self.packed.vector(name);
        self.net.floats(name, &[values.len()], values)
    }

    /// `N_emb(LN(word + position + type))` `[B, L, D]`
    fn embedding(&mut self, ids: Value, types: Value) -> Counted {
        let sum = tables::embeddings(&mut self.net, self.packed, ids, types);
        let current = self.norm(sum, "embeddings.norm", "embedding_neurons.theta");
        self.fire(current, "embedding", "embedding_neurons.theta")
    }

    /// A layer, in the last one beyond keys and values at the first token alone, as the engine has it.
    fn layer(&mut self, index: usize, x: Counted, mask: Value, last: bool) -> Counted {
        let [key, value] = ["key", "value"].map(|name| {
            let current = self.project(index, name, x);
            self.fire_in(index, name, current)
        });
        let x = if last { Counted { counts: self.net.slice(x.counts, 1, 0..1), ..x } } else { x };
        let query = self.project(index, "query", x);
        let StudentConfig { hidden, heads, .. } = self.packed.header().student;
        let size = hidden / heads;
        let shape = attention::Shape { heads, size, columns: size };
        let inputs = attention::Inputs { query, key, value, mask };
        let context = match self.fast {
            false => attention::ordered(&mut self.net, shape, inputs),
            true => {
                let near = attention::native(&mut self.net, shape, inputs);
                let exact = |net: &mut Net, places| attention::at(net, shape, inputs, places);
                self.settled(near, &format!("layers.{index}.context_neurons.theta"), DOUBT, exact)
            }
        };
        let context = self.fire_in(index, "context", context);
        let current = self.project(index, "attention_output", context);
        let attention = self.norm_of_sum(index, "attention", current, x);
        let attention = self.fire_in(index, "attention", attention);
        let current = self.project(index, "intermediate", attention);
        let current = match self.fast {
            false => gelu(&mut self.net, current),
            true => {
                let near = self.net.node(Op::Gelu, &[current]);
                let exact = |net: &mut Net, places| {
                    let chosen = net.node(Op::GatherNd, &[current, places]);
                    gelu(net, chosen)
                };
                self.settled(near, &format!("layers.{index}.feed_forward_neurons.theta"), DOUBT, exact)
            }
        };
        let inner = self.fire_in(index, "feed_forward", current);
        let current = self.project(index, "output", inner);
        let output = self.norm_of_sum(index, "output", current, attention);
        self.fire_in(index, "output", output)
    }

    /// `logits = W x[CLS] + b`
    fn classifier(&mut self, x: Counted) {
        let (classes, hidden) = (self.packed.header().student.classes(), self.packed.header().student.hidden);
        let weight = self.packed.vector("classifier.weight");
        let weight = self.net.floats("classifier.weight", &[classes, hidden], weight);
        let bias = self.vector("classifier.bias");
        let scale = self.net.opaque(x.scale);
        let value = self.net.mul(x.counts, scale);
        let terms = self.net.mul(value, weight);
        let sums = lane_sum(&mut self.net, terms, hidden, 1);
        let sums = self.net.reshape(sums, &[-1, classes as i64]);
        let logits = self.net.add(sums, bias);
        self.net.name(logits, "logits");
        self.net.outputs.push(("logits".to_owned(), logits, vec![None, Some(classes)]));
    }

    /// `(theta/T s) W n + b`, the scales joined first.
    fn project(&mut self, index: usize, name: &str, x: Counted) -> Value {
        let name = format!("layers.{index}.{name}");
        let matrix = self.packed.matrix(&format!("{name}.weight"));
        let codes = self.net.node(codes(&matrix), &[]);
        self.net.name(codes, format!("{name}.weight"));
        let scales = self.net.floats(format!("{name}.weight.scales"), &[matrix.scales.len()], matrix.scales);
        let bias = self.vector(&format!("{name}.bias"));
        let sums = self.net.node(Op::Product, &[x.counts, codes]);
        let factor = self.net.mul(scales, x.scale);
        let product = self.net.mul(sums, factor);
        self.net.add(product, bias)
    }

    /// `LN(x)` for the population of threshold `theta`.
    fn norm(&mut self, x: Value, name: &str, theta: &str) -> Value {
        let (gain, bias) = (self.vector(&format!("{name}.gain")), self.vector(&format!("{name}.bias")));
        let StudentConfig { hidden, layer_norm_eps: epsilon, .. } = self.packed.header().student;
        if !self.fast {
            return norm(&mut self.net, x, (hidden, epsilon), (gain, bias));
        }
        let near = self.net.node(Op::LayerNorm { epsilon }, &[x, gain, bias]);
        let doubt = DOUBT_OF_NORM * self.packed.header().student.time_steps as f32;
        let doubtful = self.doubtful(near, theta, doubt);
        // A sum of a norm is one of a token: all of it is computed again.
        let net = &mut self.net;
        let doubtful = net.node(Op::Cast(Kind::F32), &[doubtful]);
        let tokens = net.node(Op::Max { axis: 2 }, &[doubtful]);
        let tokens = net.node(Op::Cast(Kind::Bool), &[tokens]);
        let places = net.node(Op::NonZero, &[tokens]);
        let places = net.slice(places, 0, 0..2);
        let places = net.transpose(places, &[1, 0]);
        let rows = net.node(Op::GatherNd, &[x, places]);
        let rows = net.node(Op::Unsqueeze(1), &[rows]);
        let exact = norm(net, rows, (hidden, epsilon), (gain, bias));
        let exact = net.node(Op::Squeeze(1), &[exact]);
        net.node(Op::ScatterNd, &[near, places, exact])
    }

    /// `LN(x + residual)` for the population `kind`.
    fn norm_of_sum(&mut self, index: usize, kind: &str, x: Value, residual: Counted) -> Value {
        let residual = self.net.mul(residual.counts, residual.scale);
        let sum = self.net.add(x, residual);
        self.norm(sum, &format!("layers.{index}.{kind}_norm"), &format!("layers.{index}.{kind}_neurons.theta"))
    }

    fn fire_in(&mut self, index: usize, kind: &str, current: Value) -> Counted {
        debug_assert!(LAYER_POPULATIONS.contains(&kind));
        self.fire(current, &format!("layer.{index}.{kind}"), &format!("layers.{index}.{kind}_neurons.theta"))
    }

    /// `near` with the values of `exact` where a count changes within `doubt` of its charge.
    fn settled(&mut self, near: Value, theta: &str, doubt: f32, exact: impl FnOnce(&mut Net, Value) -> Value) -> Value {
        let doubtful = self.doubtful(near, theta, doubt);
        let net = &mut self.net;
        let places = net.node(Op::NonZero, &[doubtful]);
        let places = net.transpose(places, &[1, 0]);
        let exact = exact(net, places);
        net.node(Op::ScatterNd, &[near, places, exact])
    }

    /// Where a count changes within `doubt` of the charge of `near`, for a population of threshold `theta`.
    fn doubtful(&mut self, near: Value, theta: &str, doubt: f32) -> Value {
        let student = &self.packed.header().student;
        let (high, levels) = (student.time_steps as f32, student.code);
        let theta = self.vector(theta);
        let net = &mut self.net;
        let steps = net.number(high);
        let gain = net.div(steps, theta);
        let charge = net.mul(near, gain);
        match levels {
            Levels::Unary => {
                // Counts change halfway between whole numbers.
                let floor = net.node(Op::Floor, &[charge]);
                let part = net.sub(charge, floor);
                within(net, part, 0.5, doubt)
            }
            Levels::Single => {
                let magnitude = net.node(Op::Abs, &[charge]);
                let place = |k| 0.75 * (1u32 << k) as f32;
                let places = (0..levels.weights(student.time_steps)).map(|k| within(net, magnitude, place(k), doubt));
                let places: Vec<Value> = places.collect();
                places[1..].iter().fold(places[0], |any, &place| net.node(Op::Or, &[any, place]))
            }
        }
    }

    /// The counts of a population that receives `current`.
    fn fire(&mut self, current: Value, population: &str, theta: &str) -> Counted {
        let student = &self.packed.header().student;
        let (high, signed, levels) = (student.time_steps as f32, student.signed, student.code);
        let low = if signed { -high } else { 0.0 };
        let theta = self.vector(theta);
        let net = &mut self.net;
        let steps = net.number(high);
        let (gain, scale) = (net.div(steps, theta), net.div(theta, steps));
        let gain = net.opaque(gain);
        let charge = net.mul(current, gain);
        let counts = match levels {
            Levels::Unary => {
                let raised = net.plus(charge, 0.5);
                net.node(Op::Floor, &[raised])
            }
            Levels::Single => functions::single(net, charge, levels.weights(student.time_steps)),
        };
        let counts = net.node(Op::Clip(low, high), &[counts]);
        net.name(counts, population);
        net.populations.push((population.to_owned(), counts));
        Counted { counts, scale }
    }
}

/// Distance in charge, where a spike is 1, within which the last bits of a runtime's own operators may change a count. They are right
/// to some 1e-5.
const DOUBT: f32 = 1.0 / 1024.0;

/// The same of a norm, for each of `T` spikes that a charge can be: `LayerNormalization` of ONNX Runtime 1.32 was right to 3e-7 of its
/// values in 100,000 rows of five means.
const DOUBT_OF_NORM: f32 = 1.0 / 131_072.0;

/// Whether `x` is within `doubt` of `place`.
fn within(net: &mut Net, x: Value, place: f32, doubt: f32) -> Value {
    let distance = net.plus(x, -place);
    let distance = net.node(Op::Abs, &[distance]);
    let doubt = net.number(doubt);
    net.node(Op::Less, &[distance, doubt])
}

/// The codes of a matrix, input by input.
fn codes(matrix: &PackedMatrix<'_>) -> Op {
    let (rows, columns) = (matrix.rows, matrix.columns);
    let (mut values, mut row) = (vec![0; rows * columns], vec![0; columns]);
    for r in 0..rows {
        matrix.codes_row(r, &mut row);
        row.iter().enumerate().for_each(|(c, &code)| values[c * rows + r] = code);
    }
    Op::Codes { shape: [columns, rows], values }
}

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
use crate::net::{Net, Op, Value};

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
        self.fire_norm(
            Place { population: "embedding".into(), theta: "embedding_neurons.theta".into() },
            sum,
            "embeddings.norm",
        )
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
            false => {
                let context = attention::ordered(&mut self.net, shape, inputs);
                self.fire_in(index, "context", context)
            }
            true => {
                let near = attention::native(&mut self.net, shape, inputs);
                let exact = |net: &mut Net, places| attention::at(net, shape, inputs, places);
                self.fire_near(Place::in_layer(index, "context"), near, Doubt::Context, exact)
            }
        };
        let current = self.project(index, "attention_output", context);
        let attention = self.fire_norm_of_sum(index, "attention", current, x);
        let current = self.project(index, "intermediate", attention);
        let inner = match self.fast {
            false => {
                let current = gelu(&mut self.net, current);
                self.fire_in(index, "feed_forward", current)
            }
            true => {
                let near = self.net.node(Op::Gelu, &[current]);
                let exact = |net: &mut Net, places| {
                    let chosen = net.node(Op::GatherNd, &[current, places]);
                    gelu(net, chosen)
                };
                self.fire_near(Place::in_layer(index, "feed_forward"), near, Doubt::Value, exact)
            }
        };
        let current = self.project(index, "output", inner);
        self.fire_norm_of_sum(index, "output", current, attention)
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

    /// `LN(x)` as counts.
    fn fire_norm(&mut self, place: Place, x: Value, name: &str) -> Counted {
        let vectors = (self.vector(&format!("{name}.gain")), self.vector(&format!("{name}.bias")));
        let StudentConfig { hidden, layer_norm_eps: epsilon, .. } = self.packed.header().student;
        if !self.fast {
            let current = norm(&mut self.net, x, (hidden, epsilon), vectors);
            return self.fire(place, current);
        }
        let near = self.net.node(Op::LayerNorm { epsilon }, &[x, vectors.0, vectors.1]);
        self.fire_near(place, near, Doubt::Token, |net, places| {
            let rows = net.node(Op::GatherNd, &[x, places]);
            let rows = net.node(Op::Unsqueeze(1), &[rows]);
            let exact = norm(net, rows, (hidden, epsilon), vectors);
            net.node(Op::Squeeze(1), &[exact])
        })
    }

    /// `LN(x + residual)` as counts.
    fn fire_norm_of_sum(&mut self, index: usize, kind: &str, x: Value, residual: Counted) -> Counted {
        let residual = self.net.mul(residual.counts, residual.scale);
        let sum = self.net.add(x, residual);
        self.fire_norm(Place::in_layer(index, kind), sum, &format!("layers.{index}.{kind}_norm"))
    }

    fn fire_in(&mut self, index: usize, kind: &str, current: Value) -> Counted {
        self.fire(Place::in_layer(index, kind), current)
    }

    /// The counts of a population that receives `current`.
    fn fire(&mut self, place: Place, current: Value) -> Counted {
        let (gain, scale) = self.units(&place);
        let charge = self.net.mul(current, gain);
        let counts = self.counts(charge);
        self.counted(place, counts, scale)
    }

    /// The counts of a population whose current `near` is right but for last bits: again from `exact`, in the engine's order, where a
    /// count is in doubt, which is rarely anywhere. `exact` is given places `[places, axes]`.
    fn fire_near(
        &mut self,
        place: Place,
        near: Value,
        doubt: Doubt,
        exact: impl FnOnce(&mut Net, Value) -> Value,
    ) -> Counted {
        let (gain, scale) = self.units(&place);
        let charge = self.net.mul(near, gain);
        let (counts, closeness, limit) = self.doubtful_counts(charge, doubt);
        let most = self.net.node(Op::MaxOfAll, &[closeness]);
        let any = self.net.node(Op::Less, &[limit, most]);
        let first = self.net.nodes.len();
        let net = &mut self.net;
        let closeness = match doubt {
            Doubt::Context | Doubt::Value => closeness,
            Doubt::Token => net.node(Op::Max { axis: 2 }, &[closeness]),
        };
        let doubtful = net.node(Op::Less, &[limit, closeness]);
        let places = net.node(Op::NonZero, &[doubtful]);
        let places = if doubt == Doubt::Token { net.slice(places, 0, 0..2) } else { places };
        let places = net.transpose(places, &[1, 0]);
        let exact = exact(net, places);
        let charge = net.mul(exact, gain);
        let exact = self.counts(charge);
        let net = &mut self.net;
        let settled = net.node(Op::ScatterNd, &[counts, places, exact]);
        let counts = net.when(any, (first, settled), counts);
        self.counted(place, counts, scale)
    }

    /// `T/theta` and `theta/T`
    fn units(&mut self, place: &Place) -> (Value, Value) {
        let theta = self.vector(&place.theta);
        let net = &mut self.net;
        let steps = net.number(self.packed.header().student.time_steps as f32);
        let (gain, scale) = (net.div(steps, theta), net.div(theta, steps));
        (net.opaque(gain), scale)
    }

    /// The counts of a charge before they are clipped.
    fn counts(&mut self, charge: Value) -> Value {
        let student = &self.packed.header().student;
        let net = &mut self.net;
        match student.code {
            Levels::Unary => {
                let raised = net.plus(charge, 0.5);
                net.node(Op::Floor, &[raised])
            }
            Levels::Single => functions::single(net, charge, student.code.weights(student.time_steps)),
        }
    }

    /// The same; how close each charge is to where a count changes; and what closeness above which is doubt.
    fn doubtful_counts(&mut self, charge: Value, doubt: Doubt) -> (Value, Value, Value) {
        let student = &self.packed.header().student;
        let doubt = doubt.width() * student.time_steps as f32;
        match student.code {
            Levels::Unary => {
                let net = &mut self.net;
                let raised = net.plus(charge, 0.5);
                let counts = net.node(Op::Floor, &[raised]);
                // 0 or nearly 1 at the change, which is half off the middle.
                let part = net.sub(raised, counts);
                let off = net.plus(part, -0.5);
                (counts, net.node(Op::Abs, &[off]), net.number(0.5 - doubt))
            }
            Levels::Single => {
                let counts = self.counts(charge);
                let net = &mut self.net;
                let magnitude = net.node(Op::Abs, &[charge]);
                let distance = |net: &mut Net, k: u32| {
                    let distance = net.plus(magnitude, -0.75 * (1u32 << k) as f32);
                    let distance = net.node(Op::Abs, &[distance]);
                    net.times(distance, -1.0)
                };
                let all: Vec<Value> = (0..student.code.weights(student.time_steps)).map(|k| distance(net, k)).collect();
                (counts, net.node(Op::Greatest, &all), net.number(-doubt))
            }
        }
    }

    /// Clipped and named.
    fn counted(&mut self, place: Place, counts: Value, scale: Value) -> Counted {
        let student = &self.packed.header().student;
        let high = student.time_steps as f32;
        let low = if student.signed { -high } else { 0.0 };
        let net = &mut self.net;
        let counts = net.node(Op::Clip(low, high), &[counts]);
        net.name(counts, &place.population);
        net.populations.push((place.population, counts));
        Counted { counts, scale }
    }
}

/// Names of a population and of its threshold.
struct Place {
    population: String,
    theta: String,
}

impl Place {
    fn in_layer(index: usize, kind: &str) -> Self {
        debug_assert!(LAYER_POPULATIONS.contains(&kind));
        Self { population: format!("layer.{index}.{kind}"), theta: format!("layers.{index}.{kind}_neurons.theta") }
    }
}

/// What is computed again where a count is in doubt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// A value of attention.
    Context,
    Value,
    /// All values of the token.
    Token,
}

impl Doubt {
    /// Distance in charge, for each of the `T` spikes that it can be, within which the last bits of a runtime's own operators may change
    /// a count: more than twice what ONNX Runtime 1.32 was found to be off (`docs/export.md`).
    fn width(self) -> f32 {
        match self {
            Self::Context => 2.5e-6,
            Self::Value | Self::Token => 1.25e-6,
        }
    }
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

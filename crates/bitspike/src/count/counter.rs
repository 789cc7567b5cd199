//! Operations of a sentence, from what its neurons sent.

use std::num::Saturating;

use super::{Operations, VALUE};
use crate::config::{Pooling, StudentConfig};
use crate::encoder::Encoder;
use crate::forward::{Dynamics, Sent, SentenceRun, Simulation};
use crate::neuron::Code;
use crate::quantize::{EmbeddingBits, Granularity, WeightBits};

/// Counts the operations of one encoder.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
/// use bitspike::count::{Counter, Operations};
/// let model = bitspike::Model::load(path)?;
/// let sentence = model.encode("a fine film");
/// let runs = model.count_ids(&[sentence.clone()])?;
/// let layers = Counter::new(model.encoder()).sentence(&runs[0], sentence.ids.len(), model.simulation());
/// let all: Operations = layers.into_iter().sum();
/// assert!(all.effective_acs() < all.synaptic_dense);
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Counter {
    config: StudentConfig,
    /// Layer by layer, of each map: synapses that are not zero of each input, and the population that it reads.
    fan_out: Vec<[(Vec<u32>, usize); 6]>,
    /// Most synapses of an output that are not zero; none where weights are no codes.
    fan_in: Option<u32>,
}

impl Counter {
    /// Looks at every weight once.
    pub fn new(encoder: &Encoder) -> Self {
        let layers = encoder.layers.iter().map(|layer| layer.maps().map(|(map, read)| (map.fan_out(), read)));
        let maps = encoder.layers.iter().flat_map(|layer| layer.maps()).map(|(map, _)| map.largest_fan_in());
        let fan_in = maps.reduce(|a, b| Some(a?.max(b?))).flatten();
        Self { config: encoder.config.clone(), fan_out: layers.collect(), fan_in }
    }

    /// Bits, with the sign, of an integer that holds every sum of the weight matrices over a window of `time_steps` steps, in any
    /// code and between any two steps: at most `T` times the synapses of an output that are not zero. None where weights are
    /// no codes and sums no integers.
    pub fn sum_bits(&self, time_steps: u32) -> Option<u32> {
        let largest = u64::from(self.fan_in?) * u64::from(time_steps);
        Some(1 + u64::BITS - largest.leading_zeros())
    }

    /// Share of the encoder's weights that are zero (NeuroBench's *connection sparsity*).
    pub fn connection_sparsity(&self) -> f64 {
        let there: u64 = self.fan_out.iter().flatten().flat_map(|(fan_out, _)| fan_out).map(|&n| u64::from(n)).sum();
        let (d, f) = (self.config.hidden as u64, self.config.intermediate as u64);
        1.0 - there as f64 / (self.config.layers as u64 * (4 * d * d + 2 * d * f)).max(1) as f64
    }

    /// Multiply-adds of attention in the quantised network whose values are the counts of `run`, a sentence of `tokens` tokens: one
    /// for each key and value that is not 0, at each of the tokens. `phased` alone.
    pub fn attention_values(&self, run: &SentenceRun, tokens: usize) -> u64 {
        let active = |sent: &Sent| Saturating(sum(&sent.active));
        let layers = run.sent.get(1..).unwrap_or_default().chunks_exact(6);
        let all: Count =
            layers.map(|sent| active(&sent[0]) + active(&sent[1])).fold(Saturating(0), |all, one| all + one);
        (Saturating(tokens as u64) * all).0
    }

    /// Operations of a sentence of `tokens` tokens: first those of embedding and classifier, then layer by layer.
    ///
    /// # Panics
    /// If `run` was made without [`crate::forward::Wanted::sent`], or by another encoder.
    pub fn sentence(&self, run: &SentenceRun, tokens: usize, simulation: &Simulation) -> Vec<Operations> {
        assert_eq!(run.sent.len(), 1 + 6 * self.config.layers, "a run that was not counted");
        let (config, sizes) = (&self.config, Sizes::of(&self.config));
        let (tokens, steps) = (Saturating(tokens as u64), Saturating(u64::from(run.steps)));
        let shape = Shape { config, sizes, tokens, steps, simulation };
        let mut all = vec![shape.ends(&run.sent[0])];
        for (i, fan_out) in self.fan_out.iter().enumerate() {
            all.push(shape.layer(&run.sent[6 * i..=6 * i + 6], fan_out));
        }
        all
    }
}

/// A count that stays at the largest number rather than begin anew.
type Count = Saturating<u64>;

/// Sizes of the student.
#[derive(Clone, Copy)]
struct Sizes {
    d: Count,
    f: Count,
    heads: Count,
    classes: Count,
}

impl Sizes {
    fn of(config: &StudentConfig) -> Self {
        let [d, f, heads, classes] =
            [config.hidden, config.intermediate, config.heads, config.classes()].map(|size| Saturating(size as u64));
        Self { d, f, heads, classes }
    }
}

/// What counts depend on besides spikes and weights.
struct Shape<'a> {
    config: &'a StudentConfig,
    sizes: Sizes,
    tokens: Count,
    steps: Count,
    simulation: &'a Simulation,
}

impl Shape<'_> {
    fn dynamics(&self) -> Dynamics {
        self.simulation.dynamics
    }

    /// How often an operator is evaluated: once for a finished window, or at every step.
    fn evaluations(&self) -> Count {
        if self.dynamics() == Dynamics::Phased { Saturating(1) } else { self.steps }
    }

    /// Bits of all that a neuron sends: the count of a window where a count says everything, else a spike a step. A spike may be
    /// negative where neurons are signed, and in `accumulated` where unsigned ones take spikes back; one form of message
    /// serves all populations of a run.
    fn message_bits(&self) -> Count {
        let Simulation { dynamics, retract, .. } = *self.simulation;
        let negative = self.config.signed || dynamics == Dynamics::Accumulated && retract;
        match self.simulation.counts(self.config.signed) {
            Some(counts) => Saturating(bits_of_levels(counts)),
            None => self.steps * Saturating(bits_of_levels(if negative { 3 } else { 2 })),
        }
    }

    /// What all populations have in common.
    fn population(&self, sent: &Sent) -> Operations {
        let neurons = self.tokens * Saturating(sent.spikes.len() as u64);
        let twice = Saturating(2) * neurons;
        Operations {
            spikes: sum(&sent.spikes),
            membrane_updates: (neurons * self.steps).0,
            activation_bits: (twice * self.message_bits()).0,
            state_bits: (twice * self.steps * Saturating(VALUE)).0,
            ..Operations::default()
        }
    }

    fn ends(&self, embedding: &Sent) -> Operations {
        let Sizes { d, classes, .. } = self.sizes;
        let values = self.tokens * d;
        let rest = classes * d + classes + Saturating(2) * d;
        let mut ends = self.population(embedding);
        ends.table_values = (Saturating(3) * values).0;
        ends.norm_values = values.0;
        ends.norm_rows = self.tokens.0;
        ends.classifier_macs = (classes * d).0;
        if self.config.pooling == Some(Pooling::Mean) {
            // Every value is added once; the sums are read by none but the answer.
            ends.residuals = values.0;
        }
        // The sum of the rows is written and read once.
        ends.value_bits = (Saturating(2 * VALUE) * values).0;
        let rows = Saturating(3) * self.tokens * Saturating(table_row_bits(self.config));
        ends.weight_bits = (rows + rest * Saturating(VALUE)).0;
        ends
    }

    /// A layer, given what its input and its own six populations sent.
    fn layer(&self, sent: &[Sent], fan_out: &[(Vec<u32>, usize); 6]) -> Operations {
        const TWO: Count = Saturating(2);
        let Sizes { d, f, heads, .. } = self.sizes;
        let (tokens, steps, times) = (self.tokens, self.steps, self.evaluations());
        let mut layer: Operations = sent[1..].iter().map(|sent| self.population(sent)).sum();
        for (fan_out, read) in fan_out {
            layer.synaptic_acs = layer.synaptic_acs.saturating_add(dot(&sent[*read].spikes, fan_out));
            layer.value_acs = layer.value_acs.saturating_add(dot(&sent[*read].active, fan_out));
        }
        let weights = Saturating(4) * d * d + TWO * d * f;
        layer.synaptic_dense = (tokens * steps * (weights + TWO * tokens * d)).0;
        match self.dynamics() {
            Dynamics::Accumulated => layer.attention_macs = (TWO * tokens * tokens * d * steps).0,
            Dynamics::Phased | Dynamics::Instantaneous => {
                let spikes = Saturating(sum(&sent[1].spikes)) + Saturating(sum(&sent[2].spikes));
                layer.attention_acs = (tokens * spikes).0;
            }
        }
        let outputs = tokens * (Saturating(5) * d + f);
        if self.simulation.code != Code::Unary {
            let between = Saturating(self.steps.0.saturating_sub(1));
            layer.doublings = (between * outputs).0;
            layer.attention_doublings = (between * tokens * (heads * tokens + d)).0;
        }
        layer.scalings = (outputs * times).0;
        layer.exponentials = (heads * tokens * tokens * times).0;
        layer.softmax_rows = (heads * tokens * times).0;
        layer.norm_values = (TWO * tokens * d * times).0;
        layer.norm_rows = (TWO * tokens * times).0;
        let biases = if self.config.relative_attention { heads * tokens * tokens } else { Saturating(0) };
        layer.residuals = ((TWO * tokens * d + biases) * times).0;
        layer.gelus = (tokens * f * times).0;
        // Outputs of the maps, contexts, and the two residual sums.
        let values = outputs + Saturating(3) * tokens * d;
        layer.value_bits = (TWO * values * times * Saturating(VALUE)).0;
        layer.weight_bits = (Saturating(layer_bits(self.config)) * times).0;
        layer
    }
}

/// Bits of one table row with its scale.
fn table_row_bits(config: &StudentConfig) -> u64 {
    let d = config.hidden as u64;
    match config.embedding_bits {
        EmbeddingBits::Full => d * VALUE,
        EmbeddingBits::Eight => d * 8 + VALUE,
        EmbeddingBits::Four => d * 4 + VALUE,
        EmbeddingBits::Ternary => d * 2 + VALUE,
        EmbeddingBits::Binary => d + VALUE,
    }
}

/// Bits of a layer's weights: codes of two bits or one, scales of the six matrices or of their rows, biases, norms, thresholds.
fn layer_bits(config: &StudentConfig) -> u64 {
    let (d, f) = (config.hidden as u64, config.intermediate as u64);
    let (weights, rows) = (4 * d * d + 2 * d * f, 5 * d + f);
    let scales = match config.granularity {
        Granularity::Matrix => 6,
        Granularity::Row => rows,
    };
    let (code, scales) = match config.weight_bits {
        WeightBits::Full => (VALUE, 0),
        WeightBits::Ternary => (2, scales),
        WeightBits::Binary => (1, scales),
    };
    weights * code + (scales + rows + 4 * d + 6) * VALUE
}

/// Bits that tell so many levels apart: `ceil(log2 levels)`.
pub(crate) fn bits_of_levels(levels: u64) -> u64 {
    u64::from(levels.max(1).next_power_of_two().trailing_zeros())
}

fn sum(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum, &n| sum.saturating_add(n))
}

/// `sum of counts[i] * fan_out[i]`
fn dot(counts: &[u64], fan_out: &[u32]) -> u64 {
    let terms = counts.iter().zip(fan_out).map(|(&n, &synapses)| n.saturating_mul(u64::from(synapses)));
    terms.fold(0, u64::saturating_add)
}

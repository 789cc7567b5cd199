//! Operations of a sentence, from what its neurons sent.

use super::Operations;
use crate::config::StudentConfig;
use crate::encoder::{Encoder, Projection};
use crate::forward::{Dynamics, Sent, SentenceRun, Simulation};
use crate::quantize::{EmbeddingBits, WeightBits};

/// Bits of a value that is not quantised.
const VALUE: u64 = 32;

/// Counts the operations of one encoder.
#[derive(Debug, Clone)]
pub struct Counter {
    config: StudentConfig,
    /// Layer by layer, for query, key, value, attention output, intermediate and output: synapses that are not zero of each
    /// input.
    fan_out: Vec<[Vec<u32>; 6]>,
}

/// Which of a layer's six maps reads which of its populations: the input (0), or number `p` of the layer's own (1 to 6).
const READS: [usize; 6] = [0, 0, 0, 3, 4, 5];

impl Counter {
    /// Looks at every weight once.
    pub fn new(encoder: &Encoder) -> Self {
        let fan_out = |map: &Projection| map.fan_out();
        let layers = encoder.layers.iter().map(|layer| {
            [&layer.query, &layer.key, &layer.value, &layer.attention_output, &layer.intermediate, &layer.output]
                .map(fan_out)
        });
        Self { config: encoder.config.clone(), fan_out: layers.collect() }
    }

    /// Share of the encoder's weights that are zero (NeuroBench's *connection sparsity*).
    pub fn connection_sparsity(&self) -> f64 {
        let there: u64 = self.fan_out.iter().flatten().flatten().map(|&n| u64::from(n)).sum();
        let (d, f) = (self.config.hidden as u64, self.config.intermediate as u64);
        1.0 - there as f64 / (self.config.layers as u64 * (4 * d * d + 2 * d * f)).max(1) as f64
    }

    /// Operations of a sentence of `tokens` tokens: first those of embedding and classifier, then layer by layer.
    ///
    /// # Panics
    /// If `run` was made without [`crate::forward::Wanted::sent`], or by another encoder.
    pub fn sentence(&self, run: &SentenceRun, tokens: usize, simulation: &Simulation) -> Vec<Operations> {
        assert_eq!(run.sent.len(), 1 + 6 * self.config.layers, "a run that was not counted");
        let shape = Shape {
            config: &self.config,
            tokens: tokens as u64,
            steps: u64::from(run.steps),
            dynamics: simulation.dynamics,
        };
        let mut all = vec![shape.ends(&run.sent[0])];
        for (i, fan_out) in self.fan_out.iter().enumerate() {
            all.push(shape.layer(&run.sent[6 * i..=6 * i + 6], fan_out));
        }
        all
    }
}

/// What counts depend on besides spikes and weights.
struct Shape<'a> {
    config: &'a StudentConfig,
    tokens: u64,
    steps: u64,
    dynamics: Dynamics,
}

impl Shape<'_> {
    /// How often an operator is evaluated: once for a finished window, or at every step.
    fn evaluations(&self) -> u64 {
        if self.dynamics == Dynamics::Phased { 1 } else { self.steps }
    }

    /// Bits in which a neuron's message of one evaluation is written: a count of a window, or a spike.
    fn message_bits(&self) -> u64 {
        let levels = if self.dynamics == Dynamics::Phased { self.steps } else { 1 };
        bits_of_levels(if self.config.signed { 2 * levels + 1 } else { levels + 1 })
    }

    /// What all populations have in common.
    fn population(&self, sent: &Sent) -> Operations {
        let neurons = self.tokens * sent.spikes.len() as u64;
        Operations {
            spikes: sum(&sent.spikes),
            membrane_updates: neurons * self.steps,
            activation_bits: 2 * neurons * self.evaluations() * self.message_bits(),
            state_bits: 2 * neurons * self.steps * VALUE,
            ..Operations::default()
        }
    }

    fn ends(&self, embedding: &Sent) -> Operations {
        let (d, classes) = (self.config.hidden as u64, self.config.num_labels as u64);
        let values = self.tokens * d;
        let mut ends = self.population(embedding);
        ends.table_values = 3 * values;
        ends.norm_values = values;
        ends.norm_rows = self.tokens;
        ends.classifier_macs = classes * d;
        // The sum of the rows is written and read once.
        ends.value_bits = 2 * values * VALUE;
        ends.weight_bits = 3 * self.tokens * table_row_bits(self.config) + (classes * d + classes + 2 * d) * VALUE;
        ends
    }

    /// A layer, given what its input and its own six populations sent.
    fn layer(&self, sent: &[Sent], fan_out: &[Vec<u32>; 6]) -> Operations {
        let (d, f, heads) = (self.config.hidden as u64, self.config.intermediate as u64, self.config.heads as u64);
        let (tokens, steps, times) = (self.tokens, self.steps, self.evaluations());
        let mut layer: Operations = sent[1..].iter().map(|sent| self.population(sent)).sum();
        for (fan_out, read) in fan_out.iter().zip(READS) {
            layer.synaptic_acs += dot(&sent[read].spikes, fan_out);
            layer.value_acs += dot(&sent[read].active, fan_out);
        }
        layer.synaptic_dense = tokens * steps * (4 * d * d + 2 * d * f + 2 * tokens * d);
        match self.dynamics {
            Dynamics::Accumulated => layer.attention_macs = 2 * tokens * tokens * d * steps,
            Dynamics::Phased | Dynamics::Instantaneous => {
                layer.attention_acs = tokens * (sum(&sent[1].spikes) + sum(&sent[2].spikes));
            }
        }
        let outputs = tokens * (5 * d + f);
        layer.scalings = outputs * times;
        layer.exponentials = heads * tokens * tokens * times;
        layer.softmax_rows = heads * tokens * times;
        layer.norm_values = 2 * tokens * d * times;
        layer.norm_rows = 2 * tokens * times;
        layer.residuals = 2 * tokens * d * times;
        layer.gelus = tokens * f * times;
        // Outputs of the maps, contexts, and the two residual sums.
        layer.value_bits = 2 * (outputs + tokens * d + 2 * tokens * d) * times * VALUE;
        layer.weight_bits = layer_bits(self.config) * times;
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

/// Bits of a layer's weights: codes of two bits or one, scales and biases of every row, norms and thresholds.
fn layer_bits(config: &StudentConfig) -> u64 {
    let (d, f) = (config.hidden as u64, config.intermediate as u64);
    let (weights, rows) = (4 * d * d + 2 * d * f, 5 * d + f);
    let (code, scales) = match config.weight_bits {
        WeightBits::Full => (VALUE, 0),
        WeightBits::Ternary => (2, rows),
        WeightBits::Binary => (1, rows),
    };
    weights * code + (scales + rows + 4 * d + 6) * VALUE
}

/// Bits that tell so many levels apart: `ceil(log2 levels)`.
pub(crate) fn bits_of_levels(levels: u64) -> u64 {
    u64::from(levels.max(1).next_power_of_two().trailing_zeros())
}

fn sum(counts: &[u32]) -> u64 {
    counts.iter().map(|&n| u64::from(n)).sum()
}

/// `sum of counts[i] * fan_out[i]`
fn dot(counts: &[u32], fan_out: &[u32]) -> u64 {
    counts.iter().zip(fan_out).map(|(&n, &synapses)| u64::from(n) * u64::from(synapses)).sum()
}

/// A BERT that computes with values: what a teacher, or the same student without spikes, does for a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenseShape {
    /// Width `D`.
    pub hidden: usize,
    /// Feed-forward width `F`.
    pub intermediate: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Outputs.
    pub num_labels: usize,
}

/// Operations of a sentence of `tokens` tokens in a BERT that computes with values of `value_bits` bits and has weights of
/// `weight_bits`: its multiply-adds are in [`Operations::attention_macs`] (attention), [`Operations::synaptic_dense`] (all, of
/// which the weight matrices' are the rest) and [`Operations::classifier_macs`].
pub fn dense(model: DenseShape, tokens: usize, [weight_bits, value_bits]: [u64; 2]) -> Operations {
    let [d, f, n, heads, classes] =
        [model.hidden, model.intermediate, model.layers, model.heads, model.num_labels].map(|x| x as u64);
    let tokens = tokens as u64;
    let (matrices, rows) = (4 * d * d + 2 * d * f, 5 * d + f);
    Operations {
        synaptic_dense: n * tokens * (matrices + 2 * tokens * d),
        attention_macs: n * 2 * tokens * tokens * d,
        // Biases, and scales where values are quantised.
        scalings: n * tokens * rows,
        exponentials: n * heads * tokens * tokens,
        softmax_rows: n * heads * tokens,
        norm_values: (2 * n + 1) * tokens * d,
        norm_rows: (2 * n + 1) * tokens,
        residuals: 2 * n * tokens * d,
        gelus: n * tokens * f,
        table_values: 3 * tokens * d,
        classifier_macs: classes * d,
        weight_bits: n * (matrices * weight_bits + (rows + 4 * d) * VALUE)
            + 3 * tokens * d * weight_bits
            + (classes * d + classes + 2 * d) * VALUE,
        // What the spikes of a student stand for: embedding, key, value, context, attention, feed-forward, output.
        activation_bits: 2 * tokens * (d + n * (5 * d + f)) * value_bits,
        value_bits: 2 * tokens * (d + n * (rows + 3 * d)) * VALUE,
        ..Operations::default()
    }
}

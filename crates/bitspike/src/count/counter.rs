//! Operations of a sentence, from what its neurons sent.

use super::{Operations, VALUE};
use crate::config::StudentConfig;
use crate::encoder::Encoder;
use crate::forward::{Dynamics, Sent, SentenceRun, Simulation};
use crate::quantize::{EmbeddingBits, WeightBits};

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
}

impl Counter {
    /// Looks at every weight once.
    pub fn new(encoder: &Encoder) -> Self {
        let layers = encoder.layers.iter().map(|layer| layer.maps().map(|(map, read)| (map.fan_out(), read)));
        Self { config: encoder.config.clone(), fan_out: layers.collect() }
    }

    /// Share of the encoder's weights that are zero (NeuroBench's *connection sparsity*).
    pub fn connection_sparsity(&self) -> f64 {
        let there: u64 = self.fan_out.iter().flatten().map(|(fan_out, _)| sum(fan_out)).sum();
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
    fn layer(&self, sent: &[Sent], fan_out: &[(Vec<u32>, usize); 6]) -> Operations {
        let (d, f, heads) = (self.config.hidden as u64, self.config.intermediate as u64, self.config.heads as u64);
        let (tokens, steps, times) = (self.tokens, self.steps, self.evaluations());
        let mut layer: Operations = sent[1..].iter().map(|sent| self.population(sent)).sum();
        for (fan_out, read) in fan_out {
            layer.synaptic_acs += dot(&sent[*read].spikes, fan_out);
            layer.value_acs += dot(&sent[*read].active, fan_out);
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

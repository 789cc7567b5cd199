//! Operations of a network that computes with values.

use super::{Operations, VALUE};

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
    /// Whether its attention scores have a bias by distance.
    pub distances: bool,
}

/// Operations of a sentence of `tokens` tokens in a BERT that computes with values of `value_bits` bits and has weights of
/// `weight_bits`: its multiply-adds are in [`Operations::attention_macs`] (attention), [`Operations::synaptic_dense`] (all, of
/// which the weight matrices' are the rest) and [`Operations::classifier_macs`].
///
/// ```
/// use bitspike::count::{DenseShape, dense};
/// let model = DenseShape { hidden: 384, intermediate: 1536, layers: 6, heads: 12, num_labels: 2, distances: false };
/// assert_eq!(dense(model, 25, [32, 32]).synaptic_dense, 6 * 25 * (4 * 384 * 384 + 2 * 384 * 1536 + 2 * 25 * 384));
/// ```
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
        residuals: 2 * n * tokens * d + if model.distances { n * heads * tokens * tokens } else { 0 },
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

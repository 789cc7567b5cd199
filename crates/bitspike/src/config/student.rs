//! The student's configuration.

use serde::{Deserialize, Serialize};

use super::{Feedback, Pooling, Sizes, cap, positive, within};
use crate::arithmetic::RELATIVE_BUCKETS;
use crate::error::{Error, Result};
use crate::neuron::Levels;
use crate::quantize::{EmbeddingBits, Granularity, WeightBits};

/// Populations, and thereby thresholds, of a layer: key, value, context, attention, feed-forward, output.
const POPULATIONS: u64 = 6;

/// Most heads times positions of a student with biases by distance, which are looked up by both.
const MAX_RELATIVE: usize = 1 << 22;

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Everything about a student but its weights and its tokeniser.
///
/// ```
/// # use bitspike::config::StudentConfig;
/// # use bitspike::neuron::Levels;
/// # use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
/// let config = StudentConfig {
///     hidden: 384,
///     heads: 12,
///     intermediate: 1536,
///     layers: 6,
///     vocab_size: 30_522,
///     max_positions: 512,
///     type_vocab: 2,
///     layer_norm_eps: 1e-12,
///     num_labels: 2,
///     labels: vec!["negative".into(), "positive".into()],
///     time_steps: 16,
///     code: Levels::Unary,
///     signed: true,
///     weight_bits: WeightBits::Ternary,
///     granularity: Granularity::Matrix,
///     embedding_bits: EmbeddingBits::Four,
///     relative_attention: false,
///     feedback: None,
///     pooling: None,
/// };
/// config.validate()?;
/// assert_eq!(config.encoder_weights(), 10_616_832);
/// assert_eq!((config.packed_bytes() / 1_000_000, config.full_bytes() / 1_000_000), (8, 90));
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentConfig {
    /// Width `D`.
    pub hidden: usize,
    /// Attention heads `H`, a divisor of `D`.
    pub heads: usize,
    /// Feed-forward width `F`.
    pub intermediate: usize,
    /// Encoder layers `N`.
    pub layers: usize,
    /// Rows of the word table.
    pub vocab_size: usize,
    /// Rows of the position table: the longest text in tokens.
    pub max_positions: usize,
    /// Rows of the type table.
    pub type_vocab: usize,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f32,
    /// Outputs: the classes, 1 for a score, or the width `D` of a vector.
    pub num_labels: usize,
    /// Names of the classes by index; empty for a score.
    pub labels: Vec<String>,
    /// Time steps `T`, the levels of every population: 1 to 127.
    pub time_steps: u32,
    /// Which counts of a window a neuron can have: all of them, or 0 and powers of two.
    #[serde(default, skip_serializing_if = "Levels::is_unary")]
    pub code: Levels,
    /// Signed neurons (rates in [-1, 1]) or unsigned ones ([0, 1]).
    pub signed: bool,
    /// Precision of the encoder's matrices.
    pub weight_bits: WeightBits,
    /// What a scale of theirs covers.
    pub granularity: Granularity,
    /// Precision of the three embedding tables, which always have one scale a row.
    pub embedding_bits: EmbeddingBits,
    /// Whether attention scores get a bias by the distance of key from query, of [`RELATIVE_BUCKETS`] a head, as in MPNet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub relative_attention: bool,
    /// The connection from the last layer's output to the embedding population, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// How the vector of a text is made of the last layer's; a student that has it has no classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
}

impl StudentConfig {
    /// Checks sizes and ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the first key that is wrong.
    pub fn validate(&self) -> Result<()> {
        self.sizes().validate()?;
        positive("layer_norm_eps", self.layer_norm_eps)?;
        within(("num_labels", self.num_labels), cap::LABELS)?;
        if self.pooling.is_some() && self.num_labels != self.hidden {
            let expected = format!("hidden = {}, the width of the vectors", self.hidden);
            return Err(Error::invalid("num_labels", expected, self.num_labels));
        }
        if !self.labels.is_empty() && self.labels.len() != self.num_labels {
            let expected = format!("num_labels = {} names, or none for a score", self.num_labels);
            return Err(Error::invalid("labels", expected, format!("{} names", self.labels.len())));
        }
        if let Some(feedback) = &self.feedback {
            feedback.validate()?;
            if !self.code.is_unary() {
                let expected = "none with code `single`, whose counts no fixed point has";
                return Err(Error::invalid("feedback", expected, "a connection from the last layer to the embedding"));
            }
        }
        let biases = self.heads * self.max_positions;
        if self.relative_attention && biases > MAX_RELATIVE {
            let expected = format!("at most {MAX_RELATIVE} with `relative_attention`");
            return Err(Error::invalid("heads times max_positions", expected, biases));
        }
        self.code.check(self.time_steps)
    }

    /// Weights of the encoder's matrices, `N * (4 D^2 + 2 D F)`, and `D^2` with feedback: those that `weight_bits` applies to.
    pub fn encoder_weights(&self) -> u64 {
        let feedback = if self.feedback.is_some() { (self.hidden * self.hidden) as u64 } else { 0 };
        self.sizes().encoder_weights() + feedback
    }

    /// Neurons a token of each population, in the order of computation: the embedding's, then each layer's key, value, context,
    /// attention, feed-forward and output.
    pub fn population_widths(&self) -> Vec<usize> {
        let (d, f) = (self.hidden, self.intermediate);
        std::iter::once(d).chain((0..self.layers).flat_map(|_| [d, d, d, d, f, d])).collect()
    }

    /// Values of the word, position and type tables: those that `embedding_bits` applies to.
    pub fn embedding_weights(&self) -> u64 {
        self.sizes().table_weights()
    }

    /// All scalars of the model: encoder, tables and what stays in `f32` (biases, norms, thresholds, classifier).
    pub fn parameters(&self) -> u64 {
        self.encoder_weights() + self.embedding_weights() + self.full_precision()
    }

    /// Bytes of the packed weights: encoder and tables as codes and scales, everything else in `f32`. File headers and the
    /// tokeniser come on top.
    pub fn packed_bytes(&self) -> u64 {
        let matrix = |rows, cols| self.weight_bits.packed_bytes(rows, cols, self.granularity);
        let (d, f) = (self.hidden, self.intermediate);
        let layer = 4 * matrix(d, d) + matrix(f, d) + matrix(d, f);
        let tables = [self.vocab_size, self.max_positions, self.type_vocab];
        let tables: u64 = tables.iter().map(|&rows| self.embedding_bits.packed_bytes(rows, d)).sum();
        let feedback = if self.feedback.is_some() { matrix(d, d) } else { 0 };
        self.layers as u64 * layer + feedback + tables + 4 * self.full_precision()
    }

    /// Bytes of a BERT of the same sizes with the same classifier in `f32`, such as the teacher: encoder, tables, biases, norms and
    /// classifier, without a pooler.
    pub fn full_bytes(&self) -> u64 {
        4 * (self.parameters() - self.thresholds())
    }

    /// Outputs of the classifier: none of a student that embeds.
    pub fn classes(&self) -> usize {
        if self.pooling.is_some() { 0 } else { self.num_labels }
    }

    fn thresholds(&self) -> u64 {
        self.layers as u64 * POPULATIONS + 1
    }

    /// Biases by distance: [`RELATIVE_BUCKETS`] a head, or none.
    fn relative_biases(&self) -> u64 {
        if self.relative_attention { (RELATIVE_BUCKETS * self.heads) as u64 } else { 0 }
    }

    /// Scalars that are never quantised: per layer the biases `5 D + F`, two norms `4 D` and the thresholds; the norm and
    /// threshold of the embedding; the classifier; the biases by distance.
    fn full_precision(&self) -> u64 {
        let [d, f, n, classes] = [self.hidden, self.intermediate, self.layers, self.classes()].map(|size| size as u64);
        n * (5 * d + f + 4 * d) + 2 * d + self.thresholds() + classes * (d + 1) + self.relative_biases()
    }

    fn sizes(&self) -> Sizes<'_> {
        Sizes {
            hidden: ("hidden", self.hidden),
            heads: ("heads", self.heads),
            intermediate: ("intermediate", self.intermediate),
            layers: ("layers", self.layers),
            vocabulary: ("vocab_size", self.vocab_size),
            positions: ("max_positions", self.max_positions),
            types: ("type_vocab", self.type_vocab),
        }
    }
}

//! The student's part of a recipe.

use bitspike::config::{Feedback, Pooling};
use bitspike::neuron::{Equilibrium, Levels, NeuronConfig};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use serde::{Deserialize, Serialize};

use super::{RecipeError, check};

/// The student's shape and precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StudentRecipe {
    /// Encoder layers `N`; 0 means as many as the teacher.
    pub layers: usize,
    /// Where the weights start.
    pub init: Init,
    /// Width `D`, heads and feed-forward width of a student with `init = "random"`; 0 means the teacher's.
    pub hidden: usize,
    /// See `hidden`.
    pub heads: usize,
    /// See `hidden`.
    pub intermediate: usize,
    /// Time steps `T`, the levels of every population.
    pub time_steps: u32,
    /// Which counts a population can have: `unary` (every one up to `T`), or `single` (0 and powers of two up to `T = 2^(K-1)`:
    /// one spike at most).
    #[serde(skip_serializing_if = "Levels::is_unary")]
    pub code: Levels,
    /// Signed neurons (rates in [-1, 1]) or the papers' unsigned ones.
    pub signed: bool,
    /// Encoder weights: 1, 1.58 or 32 bits.
    pub weight_bits: WeightBits,
    /// One weight scale a matrix or a row.
    pub granularity: Granularity,
    /// Embedding tables: 32, 8, 4, 1.58 or 1 bits.
    pub embedding_bits: EmbeddingBits,
    /// Whether thresholds are trained.
    pub learn_thresholds: bool,
    /// First thresholds.
    pub thresholds: Thresholds,
    /// Connects the last layer's output back to the embedding population.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// Of a student that embeds, how the vectors of a text's tokens become one; unset: as the teacher's do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
    /// Of a student that embeds, how many of a vector's first values are to be a vector too: falling numbers below its width.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<usize>,
}

impl Default for StudentRecipe {
    fn default() -> Self {
        Self {
            layers: 0,
            init: Init::Teacher,
            hidden: 0,
            heads: 0,
            intermediate: 0,
            time_steps: 16,
            code: Levels::Unary,
            signed: true,
            weight_bits: WeightBits::Ternary,
            granularity: Granularity::Matrix,
            embedding_bits: EmbeddingBits::Full,
            learn_thresholds: true,
            thresholds: Thresholds::default(),
            feedback: None,
            pooling: None,
            prefixes: Vec::new(),
        }
    }
}

impl StudentRecipe {
    pub(super) fn validate(&self) -> Result<(), RecipeError> {
        let counts = self.code.check(self.time_steps);
        counts.map_err(|source| RecipeError::Part { at: "`student.time_steps`: ".into(), source })?;
        let Thresholds { embedding, key, value, context, attention, feed_forward, output } = self.thresholds;
        for (name, theta) in [
            ("embedding", embedding),
            ("key", key),
            ("value", value),
            ("context", context),
            ("attention", attention),
            ("feed_forward", feed_forward),
            ("output", output),
        ] {
            let key = format!("student.thresholds.{name}");
            check(key.as_str(), theta, "a positive number", |theta| theta.is_finite() && theta > 0.0)?;
            // As a packed file is judged, whose counts go through `T/theta`.
            let neuron = NeuronConfig { levels: self.code, time_steps: self.time_steps, signed: self.signed, theta };
            let usable = Equilibrium::new(neuron).map(|_| ());
            usable.map_err(|source| RecipeError::Part { at: format!("`{key}`: "), source })?;
        }
        let valid = self.feedback.iter().try_for_each(|feedback| feedback.validate());
        valid.map_err(|source| RecipeError::Part { at: "student.".into(), source })
    }
}

/// Where a student's weights start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// From the teacher's layers and embeddings.
    Teacher,
    /// From a normal distribution.
    Random,
}

/// First thresholds `theta` by kind of population.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// After the embeddings' layer norm.
    pub embedding: f32,
    /// Keys.
    pub key: f32,
    /// Values.
    pub value: f32,
    /// Attention's weighted sums of values.
    pub context: f32,
    /// After the attention's layer norm.
    pub attention: f32,
    /// After GELU.
    pub feed_forward: f32,
    /// After the layer's last norm.
    pub output: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { embedding: 2.0, key: 2.0, value: 1.0, context: 1.0, attention: 2.0, feed_forward: 2.0, output: 2.0 }
    }
}

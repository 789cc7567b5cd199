//! The student's encoder as it runs: spiking weights as bits, everything else in `f32`.
//!
//! Equations and names are those of `docs/model.md`, "The student". The encoder starts from the current of the embedding
//! population, `LN(word + position + type)`, which its caller computes.

mod build;
mod embedding;
mod gelu_counts;
mod norm;
mod projection;
mod readout;

use std::sync::Arc;

use crate::arithmetic::{Relative, RelativeBias};
use crate::config::{StudentConfig, population_names};
use crate::error::{Error, Result};
use crate::kernels::Kernels;

pub(crate) use embedding::Embedding;
pub(crate) use gelu_counts::GeluCounts;
pub(crate) use norm::{Affine, Norm};
pub(crate) use projection::{Counted, Projection, Sums};
pub(crate) use readout::{Pool, Readout};

/// Layers, thresholds and classifier of a student, or how its vectors are made.
#[derive(Debug, Clone)]
pub struct Encoder {
    pub(crate) config: StudentConfig,
    pub(crate) embedding_threshold: f32,
    pub(crate) layers: Vec<Layer>,
    /// Biases of attention scores by distance, in every layer the same.
    pub(crate) relative: Option<Arc<RelativeBias>>,
    pub(crate) readout: Readout,
    pub(crate) kernels: Kernels,
}

/// One layer.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) query: Projection,
    pub(crate) key: Projection,
    pub(crate) value: Projection,
    pub(crate) attention_output: Projection,
    pub(crate) intermediate: Projection,
    pub(crate) output: Projection,
    pub(crate) attention_norm: Norm,
    pub(crate) output_norm: Norm,
    /// In the order of [`LAYER_POPULATIONS`](crate::config::LAYER_POPULATIONS).
    pub(crate) thresholds: [f32; 6],
    /// How the feed-forward population counts without computing GELU, at the `T` of training; none where that takes longer.
    pub(crate) gelu: Option<GeluCounts>,
}

impl Layer {
    /// The maps that read the layer's input: query, key, value.
    pub(crate) fn inputs(&self) -> Vec<&Projection> {
        vec![&self.query, &self.key, &self.value]
    }

    /// The maps, each with the number of the population that it reads: the layer's input (0) or one of its own (1 to 6).
    pub(crate) fn maps(&self) -> [(&Projection, usize); 6] {
        [
            (&self.query, 0),
            (&self.key, 0),
            (&self.value, 0),
            (&self.attention_output, 3),
            (&self.intermediate, 4),
            (&self.output, 5),
        ]
    }
}

impl Encoder {
    /// The same encoder on other kernels.
    ///
    /// # Errors
    /// [`Error::Invalid`] if this machine cannot run them.
    pub fn with_kernels(self, kernels: Kernels) -> Result<Self> {
        Ok(Self { kernels: kernels.check()?, ..self })
    }

    /// The kernels it runs on.
    pub fn kernels(&self) -> Kernels {
        self.kernels
    }

    /// What it was built for.
    pub fn config(&self) -> &StudentConfig {
        &self.config
    }

    /// Width and threshold of every population, in the order of [`population_names`].
    pub fn populations(&self) -> Vec<(usize, f32)> {
        let thresholds = self.layers.iter().flat_map(|layer| layer.thresholds);
        let thresholds = std::iter::once(self.embedding_threshold).chain(thresholds);
        self.config.population_widths().into_iter().zip(thresholds).collect()
    }

    /// The biases by distance of the scores of heads from `head` on and of queries from place `query` on, where there are some.
    pub(crate) fn relative(&self, head: usize, query: usize) -> Option<Relative<'_>> {
        self.relative.as_deref().map(|bias| Relative { bias, head, query })
    }

    /// Refuses outputs that are no numbers.
    pub(crate) fn check_answer(&self, logits: &[f32]) -> Result<()> {
        match logits.iter().find(|logit| !logit.is_finite()) {
            None => Ok(()),
            Some(logit) => {
                let (what, expected) = match self.readout {
                    Readout::Classifier(_) => (
                        "outputs of the classifier",
                        "finite numbers; the classifier's weights are so large that f32 overflows",
                    ),
                    Readout::Vector(_) => {
                        ("values of the vector", "finite numbers; a threshold is so large that f32 overflows")
                    }
                };
                Err(Error::invalid(what, expected, logit))
            }
        }
    }

    /// Says which population received a current that is no number.
    pub(crate) fn not_finite(&self, population: usize, step: u32) -> Error {
        let name = population_names(self.layers.len()).swap_remove(population);
        Error::invalid(format!("current of population {name} at step {step}"), "a finite number", "NaN or infinity")
    }
}

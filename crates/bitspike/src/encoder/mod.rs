//! The student's encoder as it runs: spiking weights as bits, everything else in `f32`.
//!
//! Equations and names are those of `docs/model.md`, "The student". The encoder starts from the current of the embedding
//! population, `LN(word + position + type)`, which its caller computes.

mod build;
pub(crate) mod embedding;
mod projection;

use crate::arithmetic::{lane_sum2, normalise_row, wide};
use crate::config::StudentConfig;
use crate::kernels::Kernels;

pub(crate) use projection::{Counted, Projection, Sums};

/// Layers, thresholds and classifier of a student.
#[derive(Debug, Clone)]
pub struct Encoder {
    pub(crate) config: StudentConfig,
    pub(crate) embedding_threshold: f32,
    pub(crate) layers: Vec<Layer>,
    /// `[num_labels, D]`, full precision.
    pub(crate) classifier: Affine,
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
}

/// Gain and bias of a layer normalisation.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) gain: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Norm {
    /// `x <- LN(x + scale * residual)` of one row.
    #[inline(always)]
    pub(crate) fn apply(&self, x: &mut [f32], (residual, scale): (&[f32], f32), epsilon: f32) {
        for (x, &r) in x.iter_mut().zip(residual) {
            *x += scale * r;
        }
        self.apply_alone(x, epsilon);
    }

    /// `x <- LN(x)` of one row.
    #[inline(always)]
    pub(crate) fn apply_alone(&self, x: &mut [f32], epsilon: f32) {
        normalise_row(x, epsilon);
        for ((x, &gain), &bias) in x.iter_mut().zip(&self.gain).zip(&self.bias) {
            *x = *x * gain + bias;
        }
    }
}

/// `y = W x + b` on plain values.
#[derive(Debug, Clone)]
pub(crate) struct Affine {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Affine {
    /// `out = W (scale x) + b` of one row.
    pub(crate) fn apply(&self, x: &[f32], scale: f32, out: &mut Vec<f32>) {
        wide(
            #[inline(always)]
            || {
                for (row, &bias) in self.weight.chunks_exact(x.len()).zip(&self.bias) {
                    out.push(lane_sum2(row, x, |w, x| w * (scale * x)) as f32 + bias);
                }
            },
        );
    }
}

impl Encoder {
    /// The same encoder on other kernels.
    #[must_use]
    pub fn with_kernels(self, kernels: Kernels) -> Self {
        Self { kernels, ..self }
    }

    /// The kernels it runs on.
    pub fn kernels(&self) -> Kernels {
        self.kernels
    }

    /// What it was built for.
    pub fn config(&self) -> &StudentConfig {
        &self.config
    }

    /// Width and threshold of every population, in the order of [`population_names`](crate::config::population_names).
    pub fn populations(&self) -> Vec<(usize, f32)> {
        let thresholds = self.layers.iter().flat_map(|layer| layer.thresholds);
        let thresholds = std::iter::once(self.embedding_threshold).chain(thresholds);
        self.config.population_widths().into_iter().zip(thresholds).collect()
    }
}

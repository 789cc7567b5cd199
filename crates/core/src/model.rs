//! The student's encoder as it runs: spiking weights as bits, everything else in `f32`.
//!
//! Equations and names are those of `docs/model.md`, "The student". The encoder starts from the current of the embedding
//! population, `LN(word + position + type)`, which its caller computes.

use std::ops::Range;

use rayon::prelude::*;

use crate::arithmetic::{lane_sum2, wide};
use crate::config::StudentConfig;
use crate::error::{Error, Result};
use crate::kernels::{BitMatrix, Kernels, SpikeBits};

/// Kinds of population in a layer, in the order of computation.
pub const LAYER_POPULATIONS: [&str; 6] = ["key", "value", "context", "attention", "feed_forward", "output"];

/// Names of the populations of a student of `layers` layers in the order of computation: `embedding`, `layer.0.key`, ...
pub fn population_names(layers: usize) -> Vec<String> {
    let layer = |i| LAYER_POPULATIONS.iter().map(move |kind| format!("layer.{i}.{kind}"));
    std::iter::once("embedding".to_owned()).chain((0..layers).flat_map(layer)).collect()
}

/// Layers, thresholds and classifier of a student.
#[derive(Debug, Clone)]
pub struct Encoder {
    pub(crate) config: StudentConfig,
    pub(crate) embedding_threshold: f32,
    pub(crate) layers: Vec<Layer>,
    /// `[num_labels, D]`, full precision.
    pub(crate) classifier: Dense,
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
    /// In the order of [`LAYER_POPULATIONS`].
    pub(crate) thresholds: [f32; 6],
}

/// Gain and bias of a layer normalisation.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) gain: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// `y = W x + b` on plain values.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Dense {
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

/// A map of spikes: codes with their scales, and a bias.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    weight: SpikingWeight,
    /// One for the matrix or one a row.
    scales: Vec<f32>,
    bias: Vec<f32>,
    columns: usize,
}

#[derive(Debug, Clone)]
enum SpikingWeight {
    Bits(BitMatrix),
    /// `[columns, rows]`: weights of 32 bits, column by column, so that a spike adds one contiguous run.
    Columns(Vec<f32>),
}

impl Projection {
    /// Number of outputs.
    pub(crate) fn rows(&self) -> usize {
        self.bias.len()
    }

    /// `out[m, o] = sum over k of codes[o, k] * spikes[m, k]`, without scale or bias, for the rows `range` of the spikes, given
    /// both as bits and as bytes.
    pub(crate) fn product(
        &self,
        kernels: Kernels,
        (bits, spikes): (&SpikeBits, &[i8]),
        range: Range<usize>,
        sums: &mut Sums,
    ) {
        let rows = self.rows();
        match &self.weight {
            SpikingWeight::Bits(matrix) => {
                sums.integers.resize(range.len() * rows, 0);
                matrix.product(kernels, bits, range, &mut sums.integers);
            }
            SpikingWeight::Columns(weight) => {
                sums.floats.clear();
                sums.floats.resize(range.len() * rows, 0.0);
                let tokens = spikes[range.start * self.columns..range.end * self.columns].chunks_exact(self.columns);
                for (out, spikes) in sums.floats.chunks_exact_mut(rows).zip(tokens) {
                    for (column, &spike) in weight.chunks_exact(rows).zip(spikes).filter(|(_, spike)| **spike != 0) {
                        let sign = f32::from(spike);
                        out.iter_mut().zip(column).for_each(|(out, w)| *out += sign * w);
                    }
                }
            }
        }
    }

    /// `sums <- keep * sums + new`, where `new` is what [`Projection::product`] left.
    pub(crate) fn accumulate(&self, new: &Sums, keep: f32, sums: &mut [f32]) {
        wide(
            #[inline(always)]
            || match &self.weight {
                SpikingWeight::Bits(_) => {
                    sums.iter_mut().zip(&new.integers).for_each(|(sum, &new)| *sum = keep * *sum + new as f32);
                }
                SpikingWeight::Columns(_) => {
                    sums.iter_mut().zip(&new.floats).for_each(|(sum, &new)| *sum = keep * *sum + new);
                }
            },
        );
    }

    /// `y = (scale * s) * sums + b` in place of the sums of any number of rows; the scales are joined first, as in training.
    #[inline(always)]
    pub(crate) fn finish(&self, sums: &[f32], scale: f32, out: &mut [f32]) {
        let rows = self.rows();
        for (sums, out) in sums.chunks_exact(rows).zip(out.chunks_exact_mut(rows)) {
            if let [one] = self.scales[..] {
                let factor = scale * one;
                for ((out, &sum), &bias) in out.iter_mut().zip(sums).zip(&self.bias) {
                    *out = sum * factor + bias;
                }
            } else {
                for (((out, &sum), &bias), &s) in out.iter_mut().zip(sums).zip(&self.bias).zip(&self.scales) {
                    *out = sum * (scale * s) + bias;
                }
            }
        }
    }
}

/// What a [`Projection`] leaves of a step, kept from step to step to save allocations.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    integers: Vec<i32>,
    floats: Vec<f32>,
}

impl Encoder {
    /// The encoder of `config` whose latent weights `get` hands out by the names of a run's checkpoint
    /// (`layers.0.query.weight`, `embedding_neurons.theta`, ...); they are quantised here.
    ///
    /// # Errors
    /// What `get` returns; [`Error::Invalid`] if the student has feedback (its fixed point is not simulated), if an array has the wrong length, a weight is not finite or a threshold not
    /// positive.
    pub fn build<E: From<Error>>(
        config: &StudentConfig,
        mut get: impl FnMut(&str) -> std::result::Result<Vec<f32>, E>,
    ) -> std::result::Result<Self, E> {
        config.validate()?;
        if config.feedback.is_some() {
            let found = "a connection from the last layer to the embedding";
            return Err(Error::invalid("student in time", "a student without feedback", found).into());
        }
        let (d, f) = (config.hidden, config.intermediate);
        let mut array = |name: String, length: usize| -> std::result::Result<Vec<f32>, E> {
            let values = get(&name)?;
            if values.len() != length {
                return Err(Error::invalid(name, format!("{length} values"), values.len()).into());
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(Error::invalid(name, "finite values", value).into());
            }
            Ok(values)
        };
        let mut raw = Vec::with_capacity(config.layers);
        for i in 0..config.layers {
            let mut part = |name: &str, length| array(format!("layers.{i}.{name}"), length);
            let mut maps = Vec::with_capacity(6);
            for (name, rows, columns) in projections(d, f) {
                maps.push((
                    part(&format!("{name}.weight"), rows * columns)?,
                    part(&format!("{name}.bias"), rows)?,
                    columns,
                ));
            }
            let mut norm = |name: &str| {
                let gain = part(&format!("{name}.gain"), d)?;
                Ok::<_, E>(Norm { gain, bias: part(&format!("{name}.bias"), d)? })
            };
            let norms = [norm("attention_norm")?, norm("output_norm")?];
            let mut thresholds = [0.0; 6];
            for (threshold, kind) in thresholds.iter_mut().zip(LAYER_POPULATIONS) {
                *threshold = self::threshold(part(&format!("{kind}_neurons.theta"), 1)?)?;
            }
            raw.push((maps, norms, thresholds));
        }
        let build = |(maps, [attention_norm, output_norm], thresholds): RawLayer| {
            let maps: Result<Vec<Projection>> = maps
                .into_par_iter()
                .map(|(weight, bias, columns)| Projection::new(config, weight, bias, columns))
                .collect();
            let [query, key, value, attention_output, intermediate, output] =
                <[Projection; 6]>::try_from(maps?).expect("six maps a layer");
            Ok(Layer {
                query,
                key,
                value,
                attention_output,
                intermediate,
                output,
                attention_norm,
                output_norm,
                thresholds,
            })
        };
        let layers = raw.into_par_iter().map(build).collect::<Result<_>>()?;
        let embedding_threshold = threshold(array("embedding_neurons.theta".into(), 1)?)?;
        let weight = array("classifier.weight".into(), config.num_labels * d)?;
        let classifier = Dense { weight, bias: array("classifier.bias".into(), config.num_labels)? };
        Ok(Self { config: config.clone(), embedding_threshold, layers, classifier, kernels: Kernels::detect() })
    }

    /// The same encoder on other kernels.
    #[must_use]
    pub fn with_kernels(self, kernels: Kernels) -> Self {
        Self { kernels, ..self }
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
}

/// Maps (latent weight, bias, columns), norms and thresholds of a layer before quantisation.
type RawLayer = (Vec<(Vec<f32>, Vec<f32>, usize)>, [Norm; 2], [f32; 6]);

/// Name, rows and columns of a layer's maps.
pub(crate) fn projections(d: usize, f: usize) -> [(&'static str, usize, usize); 6] {
    [
        ("query", d, d),
        ("key", d, d),
        ("value", d, d),
        ("attention_output", d, d),
        ("intermediate", f, d),
        ("output", d, f),
    ]
}

impl Projection {
    fn new(config: &StudentConfig, weight: Vec<f32>, bias: Vec<f32>, columns: usize) -> Result<Self> {
        let rows = bias.len();
        let (weight, scales) = match config.weight_bits.quantize(&weight, [rows, columns], config.granularity)? {
            Some(quantized) => (SpikingWeight::Bits(BitMatrix::new(&quantized)), quantized.scales),
            None => {
                let transposed = (0..columns * rows).map(|i| weight[i % rows * columns + i / rows]).collect();
                (SpikingWeight::Columns(transposed), vec![1.0])
            }
        };
        Ok(Self { weight, scales, bias, columns })
    }
}

fn threshold(values: Vec<f32>) -> Result<f32> {
    if values[0] > 0.0 { Ok(values[0]) } else { Err(Error::invalid("theta", "a threshold above 0", values[0])) }
}

//! Encoders from latent weights or from a packed file.

use super::projection::{Projection, SpikingWeight};
use super::{Affine, Encoder, GeluCounts, Layer, Norm, Readout};
use crate::arithmetic::{RELATIVE_BUCKETS, RelativeBias, flushed};
use crate::config::{LAYER_POPULATIONS, StudentConfig, projections};
use crate::error::{Error, Result};
use crate::format::{Form, Packed};
use crate::kernels::{CountMatrix, Kernels};
use crate::neuron::{Equilibrium, NeuronConfig};
use crate::parallel;
use crate::quantize::Quantized;

impl Encoder {
    /// The encoder of `config` whose latent weights `get` hands out by the names of a run's checkpoint
    /// (`layers.0.query.weight`, `embedding_neurons.theta`, ...); they are quantised here.
    ///
    /// # Errors
    /// What `get` returns; [`Error::Invalid`] if the student has feedback (its fixed point is not simulated), if an array has
    /// the wrong length, a weight is not finite or a threshold not positive.
    pub fn build<E: From<Error>>(
        config: &StudentConfig,
        mut get: impl FnMut(&str) -> std::result::Result<Vec<f32>, E>,
    ) -> std::result::Result<Self, E> {
        config.validate()?;
        let vector = |name: &str, length: usize| {
            let values = get(name)?;
            if values.len() != length {
                return Err(Error::invalid(name, format!("{length} values"), values.len()).into());
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(Error::invalid(name, "finite values", value).into());
            }
            Ok(values.into_iter().map(flushed).collect())
        };
        assemble(config, vector, |_, latent, shape| {
            Ok(match config.weight_bits.quantize(&latent, shape, config.granularity)? {
                Some(quantized) => {
                    let scales = quantized.scales.iter().copied().map(flushed).collect();
                    (SpikingWeight::codes(CountMatrix::of(&quantized)), scales)
                }
                None => (SpikingWeight::full(&latent, shape), vec![1.0]),
            })
        })
    }

    /// The encoder of a packed file.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the student has feedback.
    pub fn of_packed(packed: &Packed) -> Result<Self> {
        let read = |name: &str, length: usize| {
            // Matrices are read where they are turned into the kernels' form.
            let matrix = name.ends_with(".weight") && !name.starts_with("classifier");
            let values = if matrix { Vec::new() } else { packed.vector(name) };
            debug_assert!(matrix || values.len() == length);
            Ok::<_, Error>(values)
        };
        assemble(&packed.header().student, read, |name, _, [rows, columns]| {
            let matrix = packed.matrix(name);
            Ok(match matrix.form {
                Form::Full => (SpikingWeight::full(&matrix.full().expect("32 bits"), [rows, columns]), vec![1.0]),
                _ => {
                    let counts = CountMatrix::new(rows, columns, |row, out| matrix.two_bit_row(row, out));
                    (SpikingWeight::codes(counts), matrix.scales.clone())
                }
            })
        })
    }
}

/// Name, latent weight, bias and shape of a map before it is in the kernels' form.
type RawMap = (String, Vec<f32>, Vec<f32>, [usize; 2]);

/// Puts an encoder together: `vector` gives an array by name and length, `weigh` turns a map into the kernels' form.
fn assemble<E: From<Error>>(
    config: &StudentConfig,
    mut vector: impl FnMut(&str, usize) -> std::result::Result<Vec<f32>, E>,
    weigh: impl Fn(&str, Vec<f32>, [usize; 2]) -> Result<(SpikingWeight, Vec<f32>)> + Sync,
) -> std::result::Result<Encoder, E> {
    if config.feedback.is_some() {
        let found = "a connection from the last layer to the embedding";
        return Err(Error::invalid("student in time", "a student without feedback", found).into());
    }
    let d = config.hidden;
    let (mut maps, mut rest) = (Vec::new(), Vec::with_capacity(config.layers));
    for i in 0..config.layers {
        for (name, rows, columns) in projections(d, config.intermediate) {
            let name = format!("layers.{i}.{name}");
            let weight = vector(&format!("{name}.weight"), rows * columns)?;
            let bias = vector(&format!("{name}.bias"), rows)?;
            maps.push((format!("{name}.weight"), weight, bias, [rows, columns]));
        }
        let mut norm = |name: &str| {
            let gain = vector(&format!("layers.{i}.{name}.gain"), d)?;
            let bias = vector(&format!("layers.{i}.{name}.bias"), d)?;
            Ok::<_, E>(Norm { gain, bias, epsilon: config.layer_norm_eps })
        };
        let norms = [norm("attention_norm")?, norm("output_norm")?];
        let mut thresholds = [0.0; 6];
        for (threshold, kind) in thresholds.iter_mut().zip(LAYER_POPULATIONS) {
            *threshold = self::threshold(vector(&format!("layers.{i}.{kind}_neurons.theta"), 1)?)?;
        }
        rest.push((norms, thresholds));
    }
    let project = |(name, weight, bias, shape): RawMap| {
        let (weight, scales) = weigh(&name, weight, shape)?;
        Ok(Projection::new(weight, scales, bias, shape[1]))
    };
    let maps: Result<Vec<Projection>> = parallel::map(maps, 1, project).into_iter().collect();
    let mut maps = maps?.into_iter();
    let layers = rest.into_iter().map(|([attention_norm, output_norm], thresholds)| {
        let mut next = || maps.next().expect("six maps a layer");
        Layer {
            query: next(),
            key: next(),
            value: next(),
            attention_output: next(),
            intermediate: next(),
            output: next(),
            attention_norm,
            output_norm,
            thresholds,
            gelu: of_gelu(config, thresholds[4]),
        }
    });
    let layers = layers.collect();
    let embedding_threshold = threshold(vector("embedding_neurons.theta", 1)?)?;
    let readout = match config.pooling {
        Some(pooling) => Readout::Vector(pooling),
        None => {
            let weight = vector("classifier.weight", config.num_labels * d)?;
            Readout::Classifier(Affine { weight, bias: vector("classifier.bias", config.num_labels)? })
        }
    };
    let relative = match config.relative_attention {
        true => {
            let table = vector("relative_position", RELATIVE_BUCKETS * config.heads)?;
            Some(RelativeBias::new(&table, config.heads, config.max_positions).into())
        }
        false => None,
    };
    let kernels = Kernels::detect();
    Ok(Encoder { config: config.clone(), embedding_threshold, layers, relative, readout, kernels })
}

impl CountMatrix {
    /// The codes of `matrix`, which are -1, 0 or 1.
    fn of(matrix: &Quantized) -> Self {
        Self::new(matrix.rows, matrix.cols, |row, out| {
            for (byte, codes) in out.iter_mut().zip(matrix.codes[row * matrix.cols..][..matrix.cols].chunks(4)) {
                // Columns beyond the last hold code 0.
                *byte = (0..4).fold(0, |byte, i| byte | (codes.get(i).map_or(1, |&c| (c + 1) as u8) << (2 * i)));
            }
        })
    }
}

/// The counts of a population of `config` that follows GELU.
fn of_gelu(config: &StudentConfig, theta: f32) -> Option<GeluCounts> {
    let StudentConfig { code: levels, time_steps, signed, .. } = *config;
    // A threshold that no neuron can have is refused where it is used.
    GeluCounts::of(&Equilibrium::new(NeuronConfig { levels, time_steps, signed, theta }).ok()?)
}

fn threshold(values: Vec<f32>) -> Result<f32> {
    if values[0] > 0.0 { Ok(values[0]) } else { Err(Error::invalid("theta", "a threshold above 0", values[0])) }
}

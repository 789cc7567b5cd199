//! The tensors of a packed model of given configuration: names, shapes, and the forms each may be stored in.

use super::codes::Form;
use crate::arithmetic::RELATIVE_BUCKETS;
use crate::config::{LAYER_POPULATIONS, StudentConfig, projections};
use crate::quantize::{EmbeddingBits, Granularity, WeightBits};

/// What a tensor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// An embedding table, at `embedding_bits`, one scale a row.
    Table,
    /// A matrix of the encoder, at `weight_bits`.
    Matrix,
    /// The classifier's weight `[num_labels, D]`, in `f32`.
    Classifier,
    /// Biases of attention scores by distance `[32, heads]`, in `f32`.
    Relative,
    /// A bias, or the gain or bias of a norm, in `f32`.
    Vector,
    /// The threshold of a population, in `f32`, above 0.
    Threshold,
}

/// One tensor as the model knows it, whatever its form in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in a run's checkpoint, such as `layers.0.query.weight`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Outputs of a matrix, entries of a table; 1 for vectors.
    pub rows: usize,
    /// Inputs of a matrix, width of a table, length of a vector.
    pub columns: usize,
}

impl Tensor {
    /// Shape of its `f32` form.
    pub(super) fn shape(&self) -> Vec<usize> {
        match self.role {
            Role::Vector | Role::Threshold => vec![self.columns],
            Role::Table | Role::Matrix | Role::Classifier | Role::Relative => vec![self.rows, self.columns],
        }
    }

    /// The forms it may be stored in under `config`, and the number of its scales (0 in `f32`).
    pub(super) fn forms(&self, config: &StudentConfig) -> (&'static [Form], usize) {
        let forms: &[Form] = match (self.role, config.weight_bits, config.embedding_bits) {
            (Role::Matrix, WeightBits::Ternary, _) | (Role::Table, _, EmbeddingBits::Ternary) => {
                &[Form::TwoBit, Form::Trits]
            }
            (Role::Matrix, WeightBits::Binary, _) | (Role::Table, _, EmbeddingBits::Binary) => &[Form::OneBit],
            (Role::Table, _, EmbeddingBits::Eight) => &[Form::EightBit],
            (Role::Table, _, EmbeddingBits::Four) => &[Form::FourBit],
            _ => &[Form::Full],
        };
        let scales = match (forms[0], self.role, config.granularity) {
            (Form::Full, ..) => 0,
            (_, Role::Matrix, Granularity::Matrix) => 1,
            _ => self.rows,
        };
        (forms, scales)
    }
}

/// Every tensor of a model of `config`, in the order of computation.
pub fn tensors(config: &StudentConfig) -> Vec<Tensor> {
    let (d, f) = (config.hidden, config.intermediate);
    let mut all = Vec::new();
    let mut add = |name: String, role, rows, columns| all.push(Tensor { name, role, rows, columns });
    let tables = [
        ("words", config.vocab_size),
        ("embeddings.position", config.max_positions),
        ("embeddings.token_type", config.type_vocab),
    ];
    for (name, rows) in tables {
        add(name.to_owned(), Role::Table, rows, d);
    }
    for part in ["gain", "bias"] {
        add(format!("embeddings.norm.{part}"), Role::Vector, 1, d);
    }
    add("embedding_neurons.theta".to_owned(), Role::Threshold, 1, 1);
    if config.relative_attention {
        add("relative_position".to_owned(), Role::Relative, RELATIVE_BUCKETS, config.heads);
    }
    for i in 0..config.layers {
        for (name, rows, columns) in projections(d, f) {
            add(format!("layers.{i}.{name}.weight"), Role::Matrix, rows, columns);
            add(format!("layers.{i}.{name}.bias"), Role::Vector, 1, rows);
        }
        for norm in ["attention_norm", "output_norm"] {
            for part in ["gain", "bias"] {
                add(format!("layers.{i}.{norm}.{part}"), Role::Vector, 1, d);
            }
        }
        for kind in LAYER_POPULATIONS {
            add(format!("layers.{i}.{kind}_neurons.theta"), Role::Threshold, 1, 1);
        }
    }
    if config.pooling.is_none() {
        add("classifier.weight".to_owned(), Role::Classifier, config.num_labels, d);
        add("classifier.bias".to_owned(), Role::Vector, 1, config.num_labels);
    }
    all
}

//! Prices of a counted student and of the networks that it is set beside.

use bitspike::config::StudentConfig;
use bitspike::count::{DenseShape, Operations, dense};
use serde::Serialize;

use super::estimate::bits;
use super::{Estimate, Precision, Prices, Profile};

/// A student that was counted, and the constants to price it by.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct CountedStudent<'a> {
    pub profile: &'a Profile,
    pub student: &'a StudentConfig,
    /// Over all examples.
    pub operations: &'a Operations,
    /// Of the packed file.
    pub bytes: u64,
    /// Tokens of each example.
    pub lengths: &'a [usize],
    /// Bits that its sums provably fit, as [`Prices::sum_bits`].
    pub sum_bits: Option<u32>,
    /// Numbers that a window can end in ([`bitspike::Simulation::counts`]); none but in `phased`.
    pub counts: Option<u64>,
    /// Multiply-adds of attention in the quantised network of the same counts.
    pub attention_values: u64,
}

/// Multiply-adds of a network in INT8 of which no factor is 0, over all examples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Int8Products {
    /// Of the weight matrices.
    pub weights: u64,
    /// Of attention: of keys and values that are not 0, at each token.
    pub attention: u64,
}

impl CountedStudent<'_> {
    /// The student itself.
    pub fn spikes(&self, name: &str) -> Estimate {
        self.prices(self.bytes).spikes(name, self.operations)
    }

    /// A network of values on the same examples, whose weights take `bytes`.
    pub fn values(&self, name: &str, model: DenseShape, precision: Precision, bytes: u64) -> Estimate {
        let bits = match precision {
            Precision::Fp32 => 32,
            Precision::Int8 => 8,
        };
        self.prices(bytes).values(name, &self.dense(model, bits), precision)
    }

    /// A network of INT8 values on the same examples that multiplies nothing by 0 and compares instead of computing GELU, as the
    /// student does.
    pub fn int8_without_zeros(&self, name: &str, model: DenseShape, bytes: u64, products: Int8Products) -> Estimate {
        let Int8Products { weights, attention } = products;
        self.prices(bytes).int8_without_zeros(name, &self.dense(model, 8), weights, attention)
    }

    /// The quantised network whose values are the student's counts; for students counted in `phased`.
    pub fn quantised(&self, name: &str) -> Estimate {
        let dense = self.dense(shape_of(self.student), 32);
        self.prices(self.bytes).quantised(name, self.operations, &dense, self.attention_values)
    }

    /// Bits of a value of that network.
    pub fn activation_bits(&self) -> u32 {
        self.counts.map_or(0, bits)
    }

    /// The constants for a network on the same examples whose weights take `bytes`.
    pub fn prices(&self, bytes: u64) -> Prices<'_> {
        Prices {
            profile: self.profile,
            sentences: self.lengths.len(),
            bytes,
            sum_bits: self.sum_bits,
            counts: self.counts,
        }
    }

    /// Operations of a network without spikes.
    fn dense(&self, model: DenseShape, bits: u64) -> Operations {
        self.lengths.iter().map(|&tokens| dense(model, tokens, [bits, bits])).sum()
    }
}

/// Bytes of weights that take `full` in FP32.
pub fn bytes_at(full: u64, precision: Precision) -> u64 {
    match precision {
        Precision::Fp32 => full,
        Precision::Int8 => full / 4,
    }
}

/// The student's shape without its spikes.
pub fn shape_of(student: &StudentConfig) -> DenseShape {
    DenseShape {
        hidden: student.hidden,
        intermediate: student.intermediate,
        layers: student.layers,
        heads: student.heads,
        num_labels: student.classes(),
        distances: student.relative_attention,
    }
}

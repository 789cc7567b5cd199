//! Prices of a counted student and of the networks that it is set beside.

use bitspike::config::StudentConfig;
use bitspike_analysis::energy::{Estimate, Precision, Profile, activation_bits, of_spikes, of_values, quantised};
use bitspike::count::{DenseShape, Operations, dense};

/// A student that was counted, and the constants to price it by.
#[derive(Clone, Copy)]
pub(crate) struct Priced<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) student: &'a StudentConfig,
    /// Over all examples.
    pub(crate) operations: &'a Operations,
    /// Of the packed file.
    pub(crate) bytes: u64,
    /// Tokens of each example.
    pub(crate) lengths: &'a [usize],
}

impl Priced<'_> {
    /// The student itself.
    pub(crate) fn spikes(&self, name: &str) -> Estimate {
        of_spikes(self.profile, name, self.operations, self.lengths.len(), self.bytes)
    }

    /// A network of values on the same examples, whose weights take `bytes`.
    pub(crate) fn values(&self, name: &str, model: DenseShape, precision: Precision, bytes: u64) -> Estimate {
        let bits = match precision {
            Precision::Fp32 => 32,
            Precision::Int8 => 8,
        };
        of_values(self.profile, name, (&self.dense(model, bits), precision), self.lengths.len(), bytes)
    }

    /// The quantised network whose values are the student's counts; for students counted in `phased`.
    pub(crate) fn quantised(&self, name: &str) -> Estimate {
        let full = self.dense(shape(self.student), 32);
        quantised(self.profile, name, (self.operations, &full), self.lengths.len(), self.bytes)
    }

    /// Bits of a value of that network.
    pub(crate) fn activation_bits(&self) -> u32 {
        activation_bits(self.student.time_steps, self.student.signed)
    }

    /// Operations of a network without spikes.
    fn dense(&self, model: DenseShape, bits: u64) -> Operations {
        self.lengths.iter().map(|&tokens| dense(model, tokens, [bits, bits])).sum()
    }
}

/// Bytes of weights that take `full` in FP32.
pub(crate) fn bytes_at(full: u64, precision: Precision) -> u64 {
    match precision {
        Precision::Fp32 => full,
        Precision::Int8 => full / 4,
    }
}

/// The student's shape without its spikes.
pub(super) fn shape(student: &StudentConfig) -> DenseShape {
    DenseShape {
        hidden: student.hidden,
        intermediate: student.intermediate,
        layers: student.layers,
        heads: student.heads,
        num_labels: student.num_labels,
    }
}

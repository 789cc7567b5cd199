//! What a mean example costs by the constants of `docs/energy.md`'s default profile, beside what a network of values would cost.

use anyhow::Result;
use bitspike_core::config::StudentConfig;
use bitspike_core::energy::{Precision, Profile, activation_bits, of_spikes, of_values, quantised};
use bitspike_core::stats::{Dense, Operations, dense};
use serde::{Deserialize, Serialize};

use super::metrics::Teacher;

/// The profile that figures are given by.
const PROFILE: &str = "45nm";

/// Estimates by one profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Energy {
    pub(crate) profile: String,
    /// The student first.
    pub(crate) rows: Vec<EnergyRow>,
}

/// What one network costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnergyRow {
    pub(crate) name: String,
    /// A mean example, compute and memory.
    pub(crate) picojoules: f64,
}

/// A student that was counted.
pub(crate) struct Counted<'a> {
    pub(crate) student: &'a StudentConfig,
    /// Over all examples.
    pub(crate) operations: &'a Operations,
    /// Of the packed file.
    pub(crate) bytes: u64,
    /// Tokens of each example.
    pub(crate) lengths: &'a [usize],
}

impl Energy {
    /// Prices a student, the quantised network that carries the same information, and its teacher.
    ///
    /// # Errors
    /// If the profile is not there.
    pub(crate) fn new(counted: &Counted, teacher: Option<&Teacher>) -> Result<Self> {
        let Counted { student, operations, bytes, lengths } = *counted;
        let profile = Profile::named(PROFILE)?;
        let sentences = lengths.len();
        let count = |model: Dense, bits: [u64; 2]| -> Operations {
            lengths.iter().map(|&tokens| dense(model, tokens, bits)).sum()
        };
        let shape = Dense {
            hidden: student.hidden,
            intermediate: student.intermediate,
            layers: student.layers,
            heads: student.heads,
            num_labels: student.num_labels,
        };
        let full = count(shape, [32, 32]);
        let levels = format!("quantised network, {} bit", activation_bits(student.time_steps, student.signed));
        let mut estimates = vec![
            of_spikes(&profile, "student, phased", operations, sentences, bytes),
            quantised(&profile, &levels, (operations, &full), sentences, bytes),
        ];
        if let Some(teacher) = teacher {
            let Teacher { layers, hidden, intermediate, heads, bytes, .. } = *teacher;
            let model = Dense { hidden, intermediate, layers, heads, num_labels: student.num_labels };
            for (name, precision, bits, bytes) in [
                ("teacher, FP32", Precision::Fp32, [32, 32], bytes),
                ("teacher, INT8", Precision::Int8, [8, 8], bytes / 4),
            ] {
                estimates.push(of_values(&profile, name, (&count(model, bits), precision), sentences, bytes));
            }
        }
        let row = |estimate: bitspike_core::energy::Estimate| EnergyRow {
            name: estimate.name,
            picojoules: estimate.total_picojoules,
        };
        Ok(Self { profile: profile.name, rows: estimates.into_iter().map(row).collect() })
    }

    /// Picojoules of the network called `name`.
    pub(crate) fn of(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.picojoules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitspike_core::quantize::{EmbeddingBits, Granularity, WeightBits};

    #[test]
    fn silence_is_cheaper_and_int8_is_cheaper_than_fp32() {
        let student = StudentConfig {
            hidden: 16,
            heads: 2,
            intermediate: 24,
            layers: 2,
            vocab_size: 10,
            max_positions: 16,
            type_vocab: 2,
            layer_norm_eps: 1e-12,
            num_labels: 2,
            labels: vec!["a".into(), "b".into()],
            time_steps: 16,
            signed: true,
            weight_bits: WeightBits::Ternary,
            granularity: Granularity::Row,
            embedding_bits: EmbeddingBits::Full,
            feedback: None,
        };
        let teacher =
            Teacher { scores: Default::default(), layers: 2, hidden: 16, intermediate: 24, heads: 2, bytes: 40_000 };
        let of = |synaptic_acs| {
            let operations = Operations { synaptic_acs, ..Operations::default() };
            let counted = Counted { student: &student, operations: &operations, bytes: 10_000, lengths: &[3, 5] };
            Energy::new(&counted, Some(&teacher)).unwrap()
        };
        let energy = of(2000);
        let names: Vec<&str> = energy.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["student, phased", "quantised network, 6 bit", "teacher, FP32", "teacher, INT8"]);
        // 1000 accumulates more for each of two sentences, at 0.9 pJ.
        let more = of(4000).of("student, phased").unwrap() - energy.of("student, phased").unwrap();
        assert!((more - 900.0).abs() < 1e-9, "{more}");
        assert!(energy.of("teacher, INT8").unwrap() < energy.of("teacher, FP32").unwrap());
    }
}

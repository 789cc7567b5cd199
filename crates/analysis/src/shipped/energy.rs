//! What a mean example costs by the constants of `docs/energy.md`'s default profile, beside what a network of values would cost.

use anyhow::Result;
use bitspike_analysis::energy::{Estimate, Precision, Profile};
use bitspike::count::DenseShape;
use serde::{Deserialize, Serialize};

use super::metrics::Teacher;
use crate::cost::{Priced, bytes_at};

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

impl Energy {
    /// The profile that figures are given by.
    ///
    /// # Errors
    /// If it is not there.
    pub(crate) fn profile() -> Result<Profile> {
        Ok(Profile::named("45nm")?)
    }

    /// Prices a student, the quantised network that carries the same information, and its teacher.
    pub(crate) fn new(priced: &Priced<'_>, teacher: Option<&Teacher>) -> Self {
        let mut estimates = vec![
            priced.spikes("student, phased"),
            priced.quantised(&format!("quantised network, {} bit", priced.activation_bits())),
        ];
        if let Some(teacher) = teacher {
            let Teacher { layers, hidden, intermediate, heads, bytes, .. } = *teacher;
            let model = DenseShape { hidden, intermediate, layers, heads, num_labels: priced.student.num_labels };
            for (name, precision) in [("teacher, FP32", Precision::Fp32), ("teacher, INT8", Precision::Int8)] {
                estimates.push(priced.values(name, model, precision, bytes_at(bytes, precision)));
            }
        }
        let row = |estimate: Estimate| EnergyRow { name: estimate.name, picojoules: estimate.total_picojoules };
        Self { profile: priced.profile.name.clone(), rows: estimates.into_iter().map(row).collect() }
    }

    /// Picojoules of the network called `name`.
    pub(crate) fn of(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.picojoules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitspike::config::StudentConfig;
    use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
    use bitspike::count::Operations;

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
            let profile = Energy::profile().unwrap();
            let priced = Priced {
                profile: &profile,
                student: &student,
                operations: &operations,
                bytes: 10_000,
                lengths: &[3, 5],
            };
            Energy::new(&priced, Some(&teacher))
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

//! What a mean example costs by the constants of `docs/energy.md`'s default profile, beside what a network of values would cost.

use bitspike::count::DenseShape;
use serde::{Deserialize, Serialize};

use crate::energy::{CountedStudent, Estimate, Precision, Profile, bytes_at};
use crate::error::Result;
use crate::teacher::TeacherFacts;

/// Estimates by one profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct EnergyEstimates {
    pub profile: String,
    /// The student first.
    pub rows: Vec<EstimatedEnergy>,
}

/// What one network costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct EstimatedEnergy {
    pub name: String,
    /// A mean example, compute and memory.
    pub picojoules: f64,
}

impl EnergyEstimates {
    /// The profile that figures are given by.
    ///
    /// # Errors
    /// If it is not there.
    pub fn profile() -> Result<Profile> {
        Profile::named("45nm")
    }

    /// Prices a student, the quantised network that carries the same information, and its teacher.
    pub fn new(counted: &CountedStudent<'_>, teacher: Option<&TeacherFacts>) -> Self {
        let mut estimates = vec![
            counted.spikes("student, phased"),
            counted.quantised(&format!("quantised network, {} bit", counted.activation_bits())),
        ];
        if let Some(teacher) = teacher {
            let TeacherFacts { layers, hidden, intermediate, heads, bytes, .. } = *teacher;
            let num_labels = counted.student.classes();
            // The teachers of shipped models are BERTs.
            let model = DenseShape { hidden, intermediate, layers, heads, num_labels, distances: false };
            for (name, precision) in [("teacher, FP32", Precision::Fp32), ("teacher, INT8", Precision::Int8)] {
                estimates.push(counted.values(name, model, precision, bytes_at(bytes, precision)));
            }
        }
        let row = |estimate: Estimate| EstimatedEnergy { name: estimate.name, picojoules: estimate.total_picojoules };
        Self { profile: counted.profile.name.clone(), rows: estimates.into_iter().map(row).collect() }
    }

    /// Picojoules of the network called `name`.
    pub fn of(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.picojoules)
    }
}

#[cfg(test)]
mod tests;

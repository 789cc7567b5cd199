//! The model's energy beside that of networks that compute the same, or as much, with values.

use bitspike::config::StudentConfig;
use bitspike::count::DenseShape;
use bitspike::forward::{Dynamics, Simulation};
use bitspike::neuron::Code;
use serde::Serialize;

use crate::energy::{CountedStudent, Estimate, Int8Products, Precision, bytes_at, shape_of};

/// What a network of the comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The model itself.
    Student,
    /// Its teacher in 32 bits, or a BERT of the model's own shape where the teacher's is not known.
    Fp32,
    /// The same with values and weights of 8 bits.
    Int8,
    /// The same, which skips a multiply-add where a value is 0.
    Int8ZerosSkipped,
    /// A dense network of the model's shape in 32 bits, where the teacher's is another.
    Dense,
    /// The network whose values are the model's counts.
    Quantised,
}

/// One network of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkCost {
    /// Which it is.
    pub network: Network,
    /// What a mean sentence costs.
    pub estimate: Estimate,
    /// Bytes of its weights.
    pub bytes: u64,
    /// Energy of the first baseline over this one's, operations alone; none where this one's is 0 under the profile.
    pub gain_compute: Option<f64>,
    /// The same with memory.
    pub gain_total: Option<f64>,
}

/// The model and its baselines.
pub(super) fn beside(
    counted: &CountedStudent<'_>,
    simulation: &Simulation,
    mean_steps: Option<f64>,
    teacher: Option<DenseShape>,
    int8: Option<Int8Products>,
) -> Vec<NetworkCost> {
    let CountedStudent { student, bytes, .. } = *counted;
    let own = shape_of(student);
    let (teacher_name, teacher) = match teacher {
        Some(teacher) => ("teacher", teacher),
        None => ("BERT of this shape", own),
    };
    let full = |model: DenseShape| {
        let DenseShape { layers, hidden, intermediate, .. } = model;
        StudentConfig { layers, hidden, intermediate, ..student.clone() }.full_bytes()
    };
    let values = |network: Network, name: &str, model: DenseShape, precision: Precision| {
        let bytes = bytes_at(full(model), precision);
        (network, counted.values(name, model, precision, bytes), bytes)
    };
    let Simulation { dynamics, time_steps, code, .. } = *simulation;
    let code = if code == Code::Unary { String::new() } else { format!(", {code}") };
    let ended = mean_steps.map_or(String::new(), |steps| format!(", {steps:.1} taken"));
    let name = format!("student, {dynamics}{code}, T = {time_steps}{ended}");
    let mut found = vec![
        (Network::Student, counted.spikes(&name), bytes),
        values(Network::Fp32, &format!("{teacher_name}, FP32"), teacher, Precision::Fp32),
        values(Network::Int8, &format!("{teacher_name}, INT8"), teacher, Precision::Int8),
    ];
    if let Some(products) = int8 {
        let bytes = bytes_at(full(teacher), Precision::Int8);
        let name = format!("{teacher_name}, INT8, zeros skipped");
        found.push((Network::Int8ZerosSkipped, counted.int8_without_zeros(&name, teacher, bytes, products), bytes));
    }
    if teacher != own {
        found.push(values(Network::Dense, "student's shape dense, FP32", own, Precision::Fp32));
    }
    if dynamics == Dynamics::Phased {
        let name = format!("quantised network, {}-bit activations", counted.activation_bits());
        found.push((Network::Quantised, counted.quantised(&name), bytes));
    }
    let (compute, with_memory) = (found[1].1.compute_picojoules, found[1].1.total_picojoules);
    let row = |(network, estimate, bytes): (Network, Estimate, u64)| NetworkCost {
        network,
        gain_compute: (estimate.compute_picojoules > 0.0).then(|| compute / estimate.compute_picojoules),
        gain_total: (estimate.total_picojoules > 0.0).then(|| with_memory / estimate.total_picojoules),
        bytes,
        estimate,
    };
    found.into_iter().map(row).collect()
}

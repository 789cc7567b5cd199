//! Scoring a model on labelled examples.

use std::collections::BTreeMap;

use bitspike_data::Predictions;
use burn::tensor::{Device, Tensor};

use bitspike_data::{Encoded, sorted_batches};
use crate::batches::pack;
use crate::error::{Error, Result};
use crate::feedback::LoopSummary;
use crate::student::Student;
use crate::teacher::Teacher;

/// Examples of one batch in evaluation; they are packed, so this bounds memory rather than padding.
const BATCH: usize = 64;

/// What `student` says of `examples`, and how its fixed points were found where it has feedback.
pub fn predict_student(
    student: &Student,
    examples: &[Encoded],
    device: &Device,
) -> (Predictions, Option<LoopSummary>) {
    let mut loops = LoopSummary::default();
    if student.config.feedback.is_some()
        && let Some(first) = sorted_batches(examples, BATCH).first()
    {
        let tokens = pack(examples, first);
        let found = student.fixed_point(&tokens, false, device);
        loops.spectral_radius = found.map(|found| student.spectral_radius(&found.x, &tokens, false, device));
    }
    // Without autodiff no graph is kept.
    let student = Student { net: burn::module::Module::valid(&student.net), ..student.clone() };
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    let logits = predict(examples, |indices| {
        let tokens = pack(examples, indices);
        let output = student.infer(&tokens, device);
        for (name, rate) in output.firing_rates(student.config.time_steps as f32) {
            let sum = sums.entry(name).or_default();
            sum.0 += rate * tokens.len() as f64;
            sum.1 += tokens.len() as f64;
        }
        if let Some(solve) = output.solve {
            loops.add(solve);
        }
        output.logits
    });
    let feedback = student.config.feedback.map(|_| loops);
    let rates = sums.into_iter().map(|(name, (sum, tokens))| (name, sum / tokens)).collect();
    (Predictions { logits, rates }, feedback)
}

/// What `teacher` says of `examples`.
///
/// # Errors
/// If it has no classifier.
pub fn predict_teacher(teacher: &Teacher, examples: &[Encoded], device: &Device) -> Result<Predictions> {
    if teacher.num_outputs().is_none() {
        let message = "this teacher has no classifier; fine-tune it on the task first with `bitspike teacher`";
        return Err(Error::Mismatch(message.into()));
    }
    let teacher = Teacher { net: burn::module::Module::valid(&teacher.net), ..teacher.clone() };
    let logits = predict(examples, |indices| {
        teacher.infer(&pack(examples, indices), device).logits.expect("a teacher with a classifier has logits")
    });
    Ok(Predictions { logits, rates: BTreeMap::new() })
}

fn predict(examples: &[Encoded], mut logits: impl FnMut(&[usize]) -> Tensor<2>) -> Vec<Vec<f32>> {
    let mut rows = vec![Vec::new(); examples.len()];
    for indices in sorted_batches(examples, BATCH) {
        let batch = logits(&indices);
        let width = batch.dims()[1];
        let values = crate::optimizer::floats(batch);
        for (&index, row) in indices.iter().zip(values.chunks_exact(width)) {
            rows[index] = row.to_vec();
        }
    }
    rows
}


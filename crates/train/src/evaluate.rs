//! Scoring a model on labelled examples.

use std::collections::BTreeMap;

use bitspike_data::{Encoded, MetricValues, Predictions, TaskSpec, sorted_batches};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::batches::pack;
use crate::error::{Error, Result};
use crate::feedback::{Around, LoopSummary};
use crate::student::Student;
use crate::teacher::Teacher;

/// Examples of one batch in evaluation; they are packed, so this bounds memory rather than padding.
const BATCH: usize = 64;

/// A network that training makes.
#[derive(Debug, Clone, Copy)]
pub enum Network<'a> {
    /// A spiking student, at its quantised equilibrium.
    Student(&'a Student),
    /// A teacher with a classifier.
    Teacher(&'a Teacher),
}

/// What a network said of examples, and how good that is.
#[derive(Debug, Clone)]
pub struct Score {
    /// Its answers.
    pub predictions: Predictions,
    /// The task's metrics; empty where an example has no label.
    pub metrics: MetricValues,
    /// How the fixed points of a student with feedback were found.
    pub feedback: Option<LoopSummary>,
}

impl Network<'_> {
    /// Outputs of its classifier, if there is one.
    pub fn outputs(&self) -> Option<usize> {
        match self {
            Self::Student(student) => Some(student.config.classes()),
            Self::Teacher(teacher) => teacher.num_outputs(),
        }
    }

    /// What it says of `examples`, and how its fixed points were found where it is a student with feedback.
    ///
    /// # Errors
    /// If it is a teacher without a classifier.
    pub fn predict(&self, examples: &[Encoded], device: &Device) -> Result<(Predictions, Option<LoopSummary>)> {
        Ok(match self {
            Self::Student(student) => predict_student(student, examples, device),
            Self::Teacher(teacher) => (predict_teacher(teacher, examples, device)?, None),
        })
    }
}

/// Scores `network` on `examples` of `task`.
///
/// # Errors
/// If it has no classifier, or an answer is not a number.
pub fn score(network: Network<'_>, task: &TaskSpec, examples: &[Encoded], device: &Device) -> Result<Score> {
    let (predictions, feedback) = network.predict(examples, device)?;
    let labelled = examples.iter().step_by(task.sequences()).all(|example| example.target.is_some());
    let metrics = if labelled { predictions.score(task, examples)? } else { MetricValues::new() };
    Ok(Score { predictions, metrics, feedback })
}

/// What `student` says of `examples`, and how its fixed points were found where it has feedback.
pub fn predict_student(student: &Student, examples: &[Encoded], device: &Device) -> (Predictions, Option<LoopSummary>) {
    let mut loops = LoopSummary::default();
    if student.config.feedback.is_some()
        && let Some(first) = sorted_batches(examples, BATCH).first()
    {
        let tokens = pack(examples, first);
        let around = Around { tokens: &tokens, continuous: false, device };
        loops.spectral_radius = student.fixed_point(&around).map(|found| student.spectral_radius(&found.x, &around));
    }
    // Without autodiff no graph is kept.
    let student = Student { net: student.net.valid(), ..student.clone() };
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
    if teacher.num_outputs().is_none() && teacher.sentence.is_none() {
        let message = "this teacher has no classifier; fine-tune it on the task first with `bitspike teacher`";
        return Err(Error::Mismatch(message.into()));
    }
    let teacher = Teacher { net: teacher.net.valid(), ..teacher.clone() };
    let logits = predict(examples, |indices| {
        let tokens = pack(examples, indices);
        let output = teacher.infer(&tokens, device);
        let vectors = teacher.vectors(&output, &tokens);
        vectors.or(output.logits).expect("a teacher with a classifier has logits")
    });
    Ok(Predictions { logits, rates: BTreeMap::new() })
}

fn predict(examples: &[Encoded], mut logits: impl FnMut(&[usize]) -> Tensor<2>) -> Vec<Vec<f32>> {
    let mut rows = vec![Vec::new(); examples.len()];
    for indices in sorted_batches(examples, BATCH) {
        let batch = logits(&indices);
        let width = batch.dims()[1];
        let values = crate::parameters::floats(batch);
        for (&index, row) in indices.iter().zip(values.chunks_exact(width)) {
            rows[index] = row.to_vec();
        }
    }
    rows
}

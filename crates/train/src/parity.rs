//! A packed model beside the student that it was packed from.

use bitspike::forward::SentenceRun;
use bitspike::model::Model;
use bitspike::config::population_names;
use bitspike::tokenizer::Encoding;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use bitspike_data::{Encoded, sorted_batches};
use crate::batches::pack;
use crate::error::{Error, Result};
use bitspike_data::Predictions;
use crate::optimizer::floats;
use crate::student::Student;

/// Examples at a time.
const BATCH: usize = 64;

/// How far a packed model is from the student that training evaluates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Parity {
    /// Spike counts compared: every neuron of every population of every token.
    pub counts: u64,
    /// Those that differ.
    pub different_counts: u64,
    /// Largest distance between two logits.
    pub worst_logit: f32,
    /// Examples whose largest logit belongs to another class.
    pub different_labels: usize,
}

impl Parity {
    /// Whether counts and labels are identical and logits within 1e-4.
    pub fn holds(&self) -> bool {
        self.different_counts == 0 && self.different_labels == 0 && self.worst_logit <= 1e-4
    }
}

/// Runs both on `examples`, the packed model as it was loaded.
///
/// # Errors
/// If the two differ in their configuration beyond the precision of the embeddings, or a current is not finite.
pub fn compare(model: &Model, student: &Student, examples: &[Encoded], device: &Device) -> Result<Parity> {
    let packed = &model.header().student;
    if *packed != student.config {
        let message = "the packed model and the run have different configurations; compare a model with the run it was \
                       packed from, without changed embeddings";
        return Err(Error::Mismatch(message.into()));
    }
    let student = Student { net: student.net.valid(), ..student.clone() };
    let mut parity = Parity::default();
    for indices in sorted_batches(examples, BATCH) {
        let tokens = pack(examples, &indices);
        let output = student.infer(&tokens, device);
        let runs = model.simulate_ids(&encodings(examples, &indices), true)?;
        for (p, (_, counts)) in output.populations.into_iter().enumerate() {
            let counts = floats(counts);
            let found = runs.iter().flat_map(|run| &run.sums[p]);
            parity.counts += counts.len() as u64;
            parity.different_counts += counts.iter().zip(found).filter(|(a, b)| a != b).count() as u64;
        }
        let logits = floats(output.logits);
        let classes = logits.len() / runs.len();
        for (expected, run) in logits.chunks_exact(classes).zip(&runs) {
            let distances = expected.iter().zip(&run.logits).map(|(a, b)| (a - b).abs());
            parity.worst_logit = distances.fold(parity.worst_logit, f32::max);
            parity.different_labels += usize::from(largest(expected) != largest(&run.logits));
        }
    }
    Ok(parity)
}

/// What a packed model says of `examples`, with its firing rates.
///
/// # Errors
/// If an example does not fit the model or a current is not finite.
pub fn predict_packed(model: &Model, examples: &[Encoded]) -> Result<Predictions> {
    predict_with(model, examples, |encodings| model.simulate_ids(encodings, false), |_, _| {})
}

/// As [`predict_packed`], with everything counted that each neuron sends: `each` gets the examples one by one, shortest first, with
/// their runs, whose [`SentenceRun::sent`] [`bitspike::count`] reads.
///
/// # Errors
/// As [`predict_packed`].
pub fn predict_counted(
    model: &Model,
    examples: &[Encoded],
    each: impl FnMut(&Encoded, &SentenceRun),
) -> Result<Predictions> {
    predict_with(model, examples, |encodings| model.count_ids(encodings), each)
}

fn predict_with(
    model: &Model,
    examples: &[Encoded],
    run: impl Fn(&[Encoding]) -> bitspike::Result<Vec<SentenceRun>>,
    mut each: impl FnMut(&Encoded, &SentenceRun),
) -> Result<Predictions> {
    let student = &model.header().student;
    let names = population_names(student.layers);
    let mut logits = vec![Vec::new(); examples.len()];
    let (mut spikes, mut steps) = (vec![0u64; names.len()], 0.0);
    for indices in sorted_batches(examples, BATCH) {
        let runs = run(&encodings(examples, &indices))?;
        for (index, run) in indices.into_iter().zip(runs) {
            let example = &examples[index];
            each(example, &run);
            spikes.iter_mut().zip(&run.spikes).for_each(|(sum, &n)| *sum += u64::from(n));
            steps += f64::from(run.steps) * example.ids.len() as f64;
            logits[index] = run.logits;
        }
    }
    let widths = student.population_widths();
    let rate = |((name, spikes), width): ((String, u64), usize)| (name, spikes as f64 / (steps * width as f64));
    let rates = names.into_iter().zip(spikes).zip(widths).map(rate).collect();
    Ok(Predictions { logits, rates })
}

fn encodings(examples: &[Encoded], indices: &[usize]) -> Vec<Encoding> {
    indices.iter().map(|&index| examples[index].encoding()).collect()
}

/// Index of the largest value, the first of equals.
fn largest(values: &[f32]) -> usize {
    let better = |best: (usize, f32), (i, &x): (usize, &f32)| if x > best.1 { (i, x) } else { best };
    values.iter().enumerate().fold((0, f32::NEG_INFINITY), better).0
}

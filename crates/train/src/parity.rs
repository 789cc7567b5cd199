//! A packed model beside the student that it was packed from.

use bitspike::config::StudentConfig;
use bitspike::model::Model;
use bitspike::tokenizer::Encoding;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use crate::batches::pack;
use crate::error::{Error, Result};
use crate::optimizer::floats;
use crate::simulation::different_counts;
use crate::student::Student;
use bitspike_data::{Encoded, sorted_batches};

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
    // The header is the file's; its classes may answer in another order.
    let packed = StudentConfig { labels: model.labels().to_vec(), ..model.header().student.clone() };
    if packed != student.config {
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
        let (compared, different) = different_counts(output.populations, &runs);
        parity.counts += compared;
        parity.different_counts += different;
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

fn encodings(examples: &[Encoded], indices: &[usize]) -> Vec<Encoding> {
    indices.iter().map(|&index| examples[index].encoding()).collect()
}

/// Index of the largest value, the first of equals.
fn largest(values: &[f32]) -> usize {
    let better = |best: (usize, f32), (i, &x): (usize, &f32)| if x > best.1 { (i, x) } else { best };
    values.iter().enumerate().fold((0, f32::NEG_INFINITY), better).0
}

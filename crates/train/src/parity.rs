//! A packed model beside the student that it was packed from.

use bitspike::arithmetic::largest;
use bitspike::config::StudentConfig;
use bitspike::model::Model;
use bitspike::tokenizer::Encoding;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

use crate::batches::pack;
use crate::error::{Error, Result};
use crate::parameters::floats;
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
    /// Largest distance between two logits; [`f32::MAX`] where one of them is no number.
    pub worst_logit: f32,
    /// Examples whose largest logit belongs to another class, or whose logits are not as many numbers in both.
    pub different_labels: usize,
    /// Examples that were run.
    pub examples: usize,
    /// Those of them whose logits were compared.
    pub compared: usize,
}

impl Parity {
    /// Whether counts and labels of every example are identical and logits within 1e-4.
    pub fn holds(&self) -> bool {
        let all = self.compared == self.examples;
        all && self.different_counts == 0 && self.different_labels == 0 && self.worst_logit <= 1e-4
    }

    /// Compares the logits of one more example; vectors have no label.
    fn add(&mut self, expected: &[f32], found: &[f32], labels: bool) {
        self.compared += 1;
        let distances = expected.iter().zip(found).map(|(a, b)| (a - b).abs());
        let worst = distances.map(|distance| if distance.is_finite() { distance } else { f32::MAX });
        self.worst_logit = worst.fold(self.worst_logit, f32::max);
        let comparable = expected.len() == found.len() && expected.iter().chain(found).all(|logit| logit.is_finite());
        self.different_labels += usize::from(!comparable || labels && largest(expected) != largest(found));
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
        for (expected, run) in logits.chunks(student.config.num_labels).zip(&runs) {
            parity.add(expected, &run.logits, student.config.pooling.is_none());
        }
        parity.examples += indices.len();
    }
    Ok(parity)
}

fn encodings(examples: &[Encoded], indices: &[usize]) -> Vec<Encoding> {
    indices.iter().map(|&index| examples[index].encoding()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&[f32], &[f32])]) -> Parity {
        let mut parity = Parity { examples: pairs.len(), ..Parity::default() };
        pairs.iter().for_each(|(expected, found)| parity.add(expected, found, true));
        parity
    }

    #[test]
    fn parity_holds_of_equal_answers_alone() {
        assert!(of(&[(&[1.0, 2.0], &[1.0, 2.00001]), (&[0.5, 0.0], &[0.5, 0.0])]).holds());
        for (why, expected, found) in [
            ("another label", &[1.0, 2.0][..], &[2.0, 1.0][..]),
            ("a logit too far", &[1.0, 2.0], &[1.0, 2.01]),
            ("a logit that is missing", &[1.0, 2.0], &[1.0]),
            ("a logit too many", &[2.0, 1.0], &[2.0, 1.0, 0.0]),
            ("no logits", &[2.0, 1.0], &[]),
            ("NaN in one", &[1.0, 2.0], &[f32::NAN, 2.0]),
            ("NaN in both", &[f32::NAN, 2.0], &[f32::NAN, 2.0]),
            ("infinity in both", &[1.0, f32::INFINITY], &[1.0, f32::INFINITY]),
        ] {
            let parity = of(&[(expected, found), (&[1.0, 2.0], &[1.0, 2.0])]);
            assert!(!parity.holds(), "{why}: {parity:?}");
            assert!(parity.worst_logit.is_finite(), "{why}: {parity:?} is no JSON");
        }
    }

    #[test]
    fn parity_does_not_hold_of_examples_without_answers() {
        let mut parity = of(&[(&[1.0, 2.0], &[1.0, 2.0])]);
        parity.examples = 2;
        assert!(!parity.holds());
        assert!(!Parity { different_counts: 1, ..of(&[(&[1.0, 2.0], &[1.0, 2.0])]) }.holds());
    }
}

//! How many multiply-adds of a teacher in INT8 have two factors that are not zero.

use bitspike_analysis::energy::Int8Products;
use bitspike_data::{Encoded, sorted_batches};
use burn::tensor::{Device, Tensor};

use super::network::{Dropout, Reader, Teacher};
use crate::batches::pack;
use crate::ops::Segments;
use crate::parameters::floats;

/// Examples of one batch: scales of activations are of a batch, as dynamic quantisation has them.
const BATCH: usize = 64;

/// Largest magnitude of a symmetric code.
const TOP: f32 = 127.0;

impl Teacher {
    /// Multiply-adds over all `examples` that a machine which skips zeros performs where weights and activations are rounded to
    /// INT8: symmetric, a scale a row of weights, a scale a batch of activations, by their largest magnitude. In attention those of
    /// keys and values that are not 0, at each token.
    pub fn int8_products(&self, examples: &[Encoded], device: &Device) -> Int8Products {
        let mut found = Int8Products::default();
        for indices in sorted_batches(examples, BATCH) {
            let tokens = pack(examples, &indices);
            let rows = self.words.rows(&tokens.vocabulary, device);
            let mut counter = Counter { segments: &tokens.segments, rows: tokens.len(), found: &mut found };
            self.forward(rows, &tokens, &mut counter);
        }
        found
    }
}

/// Counts as values go by.
struct Counter<'a> {
    segments: &'a Segments,
    rows: usize,
    found: &'a mut Int8Products,
}

impl Dropout for Counter<'_> {
    fn apply(&mut self, x: Tensor<2>) -> Tensor<2> {
        x
    }

    fn reads(&mut self, reader: Reader<'_>, x: &Tensor<2>) {
        let width = x.dims()[1];
        let values = floats(x.clone());
        let half = largest(&values) / (2.0 * TOP);
        match reader {
            Reader::Map(map) => {
                let mut fan_out = vec![0u64; width];
                for row in floats(map.weight.val().inner()).chunks_exact(width) {
                    let half = largest(row) / (2.0 * TOP);
                    fan_out.iter_mut().zip(row).for_each(|(n, w)| *n += u64::from(w.abs() >= half && *w != 0.0));
                }
                for row in values.chunks_exact(width) {
                    let there = row.iter().zip(&fan_out).filter(|(x, _)| x.abs() >= half && **x != 0.0);
                    self.found.weights += there.map(|(_, n)| n).sum::<u64>();
                }
            }
            Reader::Attention => {
                let starts = self.segments.starts().iter().copied().chain([self.rows]).collect::<Vec<_>>();
                for sentence in starts.windows(2) {
                    let of_it = &values[sentence[0] * width..sentence[1] * width];
                    let there = of_it.iter().filter(|x| x.abs() >= half && **x != 0.0).count();
                    self.found.attention += (there * (sentence[1] - sentence[0])) as u64;
                }
            }
        }
    }
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_a_zero_factor_are_skipped_and_no_others() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bert-micro-f32");
        let device = Device::flex();
        let teacher = Teacher::load(&folder, &device).unwrap();
        let example = |length: u32| Encoded {
            id: String::new(),
            ids: (0..length).map(|i| 5 + i).collect(),
            types: vec![0; length as usize],
            target: None,
            answer: None,
        };
        let examples = [example(4), example(9)];
        let found = teacher.int8_products(&examples, &device);
        let (d, f) = (teacher.config.hidden_size as u64, teacher.config.intermediate_size as u64);
        let (layers, tokens) = (teacher.config.num_hidden_layers as u64, 13);
        let dense = layers * tokens * (4 * d * d + 2 * d * f);
        assert!(found.weights > dense / 10 && found.weights < dense, "{found:?} of {dense}");
        let attention = layers * 2 * d * (4 * 4 + 9 * 9);
        assert!(found.attention > attention / 2 && found.attention <= attention, "{found:?} of {attention}");
        // A teacher whose weights are all zero multiplies nothing.
        let mut silent = teacher.clone();
        let mut weights = crate::parameters::collect(&silent.net);
        let names: Vec<String> = weights.names().map(str::to_owned).collect();
        for name in names {
            let array = weights.remove(&name).unwrap();
            weights.insert(name, &array.shape, vec![0.0; array.values.len()]);
        }
        silent.net = crate::parameters::replace(silent.net.clone(), &mut weights).unwrap();
        assert_eq!(silent.int8_products(&examples, &device), Int8Products::default());
    }
}

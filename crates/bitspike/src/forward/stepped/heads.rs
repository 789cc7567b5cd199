//! Attention of one head of one sentence, step after step.

use super::buffers::{Buffers, add};
use super::pass::Pass;
use crate::arithmetic::{Attention, AttentionInputs, Scaled, vectorised};

/// One head.
#[derive(Debug)]
pub(super) struct Head {
    size: usize,
    /// Tokens that ask, the first of the sentence.
    asked: usize,
    /// Sums of the spikes of keys and of values, `[L, size]`.
    keys: Vec<f32>,
    values: Vec<f32>,
    /// Queries of a step, `[asked, size]`.
    queries: Vec<f32>,
    /// Weighted values of the chunk, `[steps, asked, size]`.
    out: Vec<f32>,
    attention: Attention,
}

impl Head {
    /// At rest, of `length` tokens of which the first `asked` ask.
    pub(super) fn new(length: usize, asked: usize, size: usize) -> Self {
        Self {
            size,
            asked,
            keys: vec![0.0; length * size],
            values: vec![0.0; length * size],
            queries: Vec::new(),
            out: Vec::new(),
            attention: Attention::default(),
        }
    }

    /// What the neurons of token `token` receive at step `local` of the chunk.
    pub(super) fn row(&self, local: usize, token: usize) -> &[f32] {
        &self.out[local * self.asked * self.size + token * self.size..][..self.size]
    }
}

impl Pass<'_> {
    /// Head number `index`, over all steps of the chunk.
    pub(super) fn attend(&self, head: &mut Head, index: usize, buffers: &[Buffers]) {
        let (size, asked, width) = (head.size, head.asked, self.encoder.config.hidden);
        let [key, value, ..] = self.layer.thresholds;
        head.queries.resize(asked * size, 0.0);
        head.out.resize(self.chunk.steps.len() * asked * size, 0.0);
        for (local, (&step, out)) in self.chunk.steps.iter().zip(head.out.chunks_exact_mut(asked * size)).enumerate() {
            let keep = self.keep(step);
            vectorised!(|| {
                let (mut token, columns) = (0, index * size..(index + 1) * size);
                for buffers in buffers {
                    let tokens = buffers.tokens;
                    for row in local * tokens..(local + 1) * tokens {
                        let here = token * size..(token + 1) * size;
                        if token < asked {
                            let query = &buffers.queries[row * width..][columns.clone()];
                            // Too short for a call of `memcpy`.
                            head.queries[here.clone()].iter_mut().zip(query).for_each(|(to, &from)| *to = from);
                        }
                        let spikes =
                            [&buffers.key, &buffers.value].map(|train| &train.rows(row..row + 1)[columns.clone()]);
                        for (sums, spikes) in [&mut head.keys, &mut head.values].into_iter().zip(spikes) {
                            add(keep, &mut sums[here.clone()], spikes);
                        }
                        token += 1;
                    }
                }
            });
            let (key, value) = (self.scale(key, step), self.scale(value, step));
            let inputs = AttentionInputs {
                query: &head.queries,
                key: Scaled { values: &head.keys, scale: key },
                value: Scaled { values: &head.values, scale: value },
                width: size,
                heads: 1,
                relative: self.encoder.relative(index, 0),
            };
            head.attention.attend(inputs, out);
        }
    }
}

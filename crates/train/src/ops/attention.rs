//! Multi-head attention over packed sentences, and the distance between two models' attention scores.

use burn::tensor::{Tensor, activation};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use bitspike::arithmetic::{
    self, AttentionInputs, RELATIVE_BUCKETS, Relative, RelativeBias, Scaled, accumulate, heads, product,
    relative_bucket,
};

use super::lanes::{LANES, softmax, wide};
use super::{Kernel, Segments, apply, scalar, scalar_tensor, shape, tensor, values};

/// The heads that attention is computed in.
#[derive(Debug, Clone)]
pub struct Heads<'a> {
    /// Their number, a divisor of `D`.
    pub count: usize,
    /// The sentences within which they look.
    pub segments: &'a Segments,
    /// Biases of their scores by the distance of key from query, `[32, heads]` ([`relative_bucket`]).
    pub relative: Option<Tensor<2>>,
}

/// `ctx = softmax(query (scale_k key)^T / sqrt(D/H) + bias) (scale_v val)`, head by head, within each sentence.
///
/// # Shapes
/// `query`, `key`, `val` and the result `[M, D]`; both scales `[1, 1]`. `D` is a multiple of the heads.
pub fn attention(
    query: Tensor<2>,
    (key, key_scale): (Tensor<2>, Tensor<2>),
    (val, val_scale): (Tensor<2>, Tensor<2>),
    heads: Heads<'_>,
) -> Tensor<2> {
    let Heads { count, segments, relative } = heads;
    let is_relative = relative.is_some();
    // Where there are no biases, nothing reads this.
    let relative = relative.unwrap_or_else(|| Tensor::zeros([1, 1], &query.device().inner()));
    let kernel = Attention { heads: count, segments: segments.clone(), is_relative };
    apply(kernel, [query, key, key_scale, val, val_scale, relative])
}

/// `mean of (S - S')^2` over heads and all pairs of tokens of one sentence, where `S = query (scale key)^T / sqrt(D/H)` and
/// `S'` is the same of the `other` query and key, which get no gradient.
///
/// # Shapes
/// `query`, `key` and both of `other` `[M, D]`, `scale [1, 1]`; result `[1, 1]`.
pub fn score_distance(
    query: Tensor<2>,
    (key, key_scale): (Tensor<2>, Tensor<2>),
    other: (Tensor<2>, Tensor<2>),
    heads: usize,
    segments: &Segments,
) -> Tensor<2> {
    apply(ScoreDistance { heads, segments: segments.clone() }, [query, key, key_scale, other.0, other.1])
}

#[derive(Debug)]
pub(super) struct Attention {
    pub(super) heads: usize,
    pub(super) segments: Segments,
    pub(super) is_relative: bool,
}

#[derive(Debug)]
pub(super) struct ScoreDistance {
    pub(super) heads: usize,
    pub(super) segments: Segments,
}

/// Scratch memory of one sentence, reused over heads.
struct Scratch {
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
    gradient: Vec<f32>,
}

impl Scratch {
    /// For heads of `size` columns and a sentence that takes up `padded` places.
    fn new(size: usize, padded: usize) -> Self {
        let row = || vec![0.0; padded];
        let head = || vec![0.0; size * padded];
        Self { keys: head(), values: head(), scores: row(), gradient: row() }
    }
}

/// Splits `x` into the rows of each sentence.
fn split<'a>(mut x: &'a mut [f32], segments: &Segments, width: usize) -> Vec<&'a mut [f32]> {
    let mut parts = Vec::with_capacity(segments.len());
    for range in segments.ranges() {
        let (part, rest) = x.split_at_mut(range.len() * width);
        parts.push(part);
        x = rest;
    }
    parts
}

impl Attention {
    /// The biases at every distance within the sentences.
    fn biases(&self, table: &FlexTensor) -> Option<RelativeBias> {
        let longest = self.segments.ranges().map(|range| range.len()).max().unwrap_or(1);
        self.is_relative.then(|| RelativeBias::new(values(table), self.heads, longest))
    }
}

impl Kernel<6> for Attention {
    type Saved = [FlexTensor; 7];

    fn forward(&self, inputs: [FlexTensor; 6]) -> (FlexTensor, Self::Saved) {
        let [query, key, key_scale, val, val_scale, relative] = inputs;
        let biases = self.biases(&relative);
        let size = shape(&query);
        let width = size[1];
        let (q, k, v) = (values(&query), values(&key), values(&val));
        let (key_factor, val_factor) = (scalar(&key_scale), scalar(&val_scale));
        let mut out = vec![0.0; q.len()];
        split(&mut out, &self.segments, width).into_par_iter().zip(ranges(&self.segments)).for_each(|(out, range)| {
            let at = range.start * width..range.end * width;
            let key = Scaled { values: &k[at.clone()], scale: key_factor };
            let value = Scaled { values: &v[at.clone()], scale: val_factor };
            let relative = biases.as_ref().map(|bias| Relative { bias, head: 0, query: 0 });
            let inputs = AttentionInputs { query: &q[at], key, value, width, heads: self.heads, relative };
            arithmetic::Attention::default().attend(inputs, out);
        });
        let out = tensor(out, size);
        (out.clone(), [query, key, key_scale, val, val_scale, relative, out])
    }

    fn backward(&self, saved: Self::Saved, grad: FlexTensor, needs: [bool; 6]) -> [Option<FlexTensor>; 6] {
        let [query, key, key_scale, val, val_scale, relative, ctx] = saved;
        let biases = self.biases(&relative);
        let size = shape(&query);
        let width = size[1];
        let (q, k, v, g) = (values(&query), values(&key), values(&val), values(&grad));
        let root = 1.0 / ((width / self.heads) as f32).sqrt();
        let (key_factor, val_factor) = (scalar(&key_scale), scalar(&val_scale));
        let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; q.len()], vec![0.0; q.len()]);
        let parts = split(&mut dq, &self.segments, width)
            .into_par_iter()
            .zip(split(&mut dk, &self.segments, width))
            .zip(split(&mut dv, &self.segments, width))
            .zip(ranges(&self.segments));
        let of_biases = parts.map(|(((dq, dk), dv), range)| {
            let (length, at) = (range.len(), range.start * width..range.end * width);
            let mut of_biases = vec![0.0; if self.is_relative { RELATIVE_BUCKETS * self.heads } else { 0 }];
            let (q, k, v, g) = (&q[at.clone()], &k[at.clone()], &v[at.clone()], &g[at]);
            let padded = length.next_multiple_of(LANES);
            let mut scratch = Scratch::new(width / self.heads, padded);
            wide(
                #[inline(always)]
                || {
                    for (number, head) in heads(width, self.heads).enumerate() {
                        head.transpose(k, length, padded, &mut scratch.keys);
                        head.transpose(v, length, padded, &mut scratch.values);
                        for i in 0..length {
                            let (query, grad) = (head.row(q, i), head.row(g, i));
                            product(query, &scratch.keys, key_factor * root, &mut scratch.scores);
                            if let Some(biases) = &biases {
                                let row = biases.row(number, i, length);
                                scratch.scores.iter_mut().zip(row).for_each(|(score, bias)| *score += bias);
                            }
                            softmax(&mut scratch.scores, length);
                            product(grad, &scratch.values, val_factor, &mut scratch.gradient);
                            let along: f32 = scratch.scores.iter().zip(&scratch.gradient).map(|(p, d)| p * d).sum();
                            for (j, &p) in scratch.scores[..length].iter().enumerate() {
                                let score = p * (scratch.gradient[j] - along);
                                if self.is_relative {
                                    let bucket = relative_bucket(j as isize - i as isize);
                                    of_biases[bucket * self.heads + number] += score;
                                }
                                let score = score * root;
                                accumulate(head.row_mut(dq, i), head.row(k, j), score * key_factor);
                                accumulate(head.row_mut(dk, j), query, score * key_factor);
                                accumulate(head.row_mut(dv, j), grad, p * val_factor);
                            }
                        }
                    }
                },
            );
            of_biases
        });
        // Sentence after sentence, so that threads change no bit.
        let mut relative = vec![0.0f32; if self.is_relative { RELATIVE_BUCKETS * self.heads } else { 0 }];
        for of_sentence in of_biases.collect::<Vec<_>>() {
            relative.iter_mut().zip(of_sentence).for_each(|(sum, x): (&mut f32, f32)| *sum += x);
        }
        let relative = self.is_relative.then(|| tensor(relative, [RELATIVE_BUCKETS, self.heads]));
        // sum of dS * S = dK . K = scale * d(scale), and likewise for the values.
        let product = |x: &[f32], y: &[f32]| {
            super::lanes::sum2(
                x,
                y,
                #[inline(always)]
                |x, y| x * y,
            )
        };
        let to_key_scale = needs[2].then(|| scalar_tensor(product(&dk, k) / f64::from(key_factor)));
        let to_val_scale = needs[4].then(|| scalar_tensor(product(g, values(&ctx)) / f64::from(val_factor)));
        let wrap = |x: Vec<f32>| Some(tensor(x, size));
        [wrap(dq), wrap(dk), to_key_scale, wrap(dv), to_val_scale, relative]
    }

    fn compose(&self, [query, key, key_scale, val, val_scale, relative]: [Tensor<2>; 6]) -> Tensor<2> {
        let (key, val) = (key * key_scale, val * val_scale);
        let sentences = self.segments.ranges().map(|range| {
            let length = range.len() as isize;
            let heads = heads(query.dims()[1], self.heads).enumerate().map(|(number, head)| {
                let part = |x: &Tensor<2>| x.clone().slice([range.clone(), head.start..head.start + head.size]);
                let mut scores = part(&query).matmul(part(&key).transpose()) / (head.size as f32).sqrt();
                if self.is_relative {
                    let bucket = |at: isize| relative_bucket(at % length - at / length) as u32;
                    let column = relative.clone().slice([0..RELATIVE_BUCKETS, number..number + 1]);
                    let of_pairs = super::gather_rows(column, (0..length * length).map(bucket).collect());
                    scores = scores + of_pairs.reshape([length as usize, length as usize]);
                }
                activation::softmax(scores, 1).matmul(part(&val))
            });
            Tensor::cat(heads.collect(), 1)
        });
        Tensor::cat(sentences.collect(), 0)
    }
}

fn ranges(segments: &Segments) -> Vec<std::ops::Range<usize>> {
    segments.ranges().collect()
}

impl ScoreDistance {
    /// Number of terms of the mean.
    fn terms(&self) -> f64 {
        let pairs: usize = self.segments.ranges().map(|range| range.len() * range.len()).sum();
        (pairs * self.heads).max(1) as f64
    }
}

impl Kernel<5> for ScoreDistance {
    type Saved = [FlexTensor; 5];

    fn forward(&self, inputs: [FlexTensor; 5]) -> (FlexTensor, Self::Saved) {
        let width = shape(&inputs[0])[1];
        let [q, k, other_q, other_k] = [0, 1, 3, 4].map(|i| values(&inputs[i]));
        let root = 1.0 / ((width / self.heads) as f32).sqrt();
        let factor = scalar(&inputs[2]) * root;
        let sums: Vec<f64> = ranges(&self.segments)
            .into_par_iter()
            .map(|range| {
                let (length, at) = (range.len(), range.start * width..range.end * width);
                let [q, k, other_q, other_k] = [q, k, other_q, other_k].map(|x| &x[at.clone()]);
                let padded = length.next_multiple_of(LANES);
                let mut scratch = Scratch::new(width / self.heads, padded);
                wide(
                    #[inline(always)]
                    || {
                        let mut sum = 0.0;
                        for head in heads(width, self.heads) {
                            head.transpose(k, length, padded, &mut scratch.keys);
                            head.transpose(other_k, length, padded, &mut scratch.values);
                            for i in 0..length {
                                product(head.row(q, i), &scratch.keys, factor, &mut scratch.scores);
                                product(head.row(other_q, i), &scratch.values, root, &mut scratch.gradient);
                                sum += super::lanes::lane_sum2(&scratch.scores, &scratch.gradient, |s, t| {
                                    (s - t) * (s - t)
                                });
                            }
                        }
                        sum
                    },
                )
            })
            .collect();
        (scalar_tensor(sums.iter().sum::<f64>() / self.terms()), inputs)
    }

    fn backward(&self, saved: Self::Saved, grad: FlexTensor, needs: [bool; 5]) -> [Option<FlexTensor>; 5] {
        let size = shape(&saved[0]);
        let width = size[1];
        let [q, k, other_q, other_k] = [0, 1, 3, 4].map(|i| values(&saved[i]));
        let root = 1.0 / ((width / self.heads) as f32).sqrt();
        let key_factor = scalar(&saved[2]);
        let slope = (2.0 * f64::from(scalar(&grad)) / self.terms()) as f32;
        let (mut dq, mut dk) = (vec![0.0; q.len()], vec![0.0; q.len()]);
        let parts = split(&mut dq, &self.segments, width)
            .into_par_iter()
            .zip(split(&mut dk, &self.segments, width))
            .zip(ranges(&self.segments));
        parts.for_each(|((dq, dk), range)| {
            let (length, at) = (range.len(), range.start * width..range.end * width);
            let [q, k, other_q, other_k] = [q, k, other_q, other_k].map(|x| &x[at.clone()]);
            let padded = length.next_multiple_of(LANES);
            let mut scratch = Scratch::new(width / self.heads, padded);
            wide(
                #[inline(always)]
                || {
                    for head in heads(width, self.heads) {
                        head.transpose(k, length, padded, &mut scratch.keys);
                        head.transpose(other_k, length, padded, &mut scratch.values);
                        for i in 0..length {
                            let query = head.row(q, i);
                            product(query, &scratch.keys, key_factor * root, &mut scratch.scores);
                            product(head.row(other_q, i), &scratch.values, root, &mut scratch.gradient);
                            for j in 0..length {
                                let score = slope * (scratch.scores[j] - scratch.gradient[j]) * root * key_factor;
                                accumulate(head.row_mut(dq, i), head.row(k, j), score);
                                accumulate(head.row_mut(dk, j), query, score);
                            }
                        }
                    }
                },
            );
        });
        let to_scale = needs[2].then(|| {
            let sum = super::lanes::sum2(
                &dk,
                k,
                #[inline(always)]
                |x, y| x * y,
            );
            scalar_tensor(sum / f64::from(key_factor))
        });
        [Some(tensor(dq, size)), Some(tensor(dk, size)), to_scale, None, None]
    }

    fn compose(&self, [query, key, key_scale, other_query, other_key]: [Tensor<2>; 5]) -> Tensor<2> {
        let key = key * key_scale;
        let (other_query, other_key) = (other_query.detach(), other_key.detach());
        let mut sum = None;
        for range in self.segments.ranges() {
            for head in heads(query.dims()[1], self.heads) {
                let part = |x: &Tensor<2>| x.clone().slice([range.clone(), head.start..head.start + head.size]);
                let scores = part(&query).matmul(part(&key).transpose());
                let difference = scores - part(&other_query).matmul(part(&other_key).transpose());
                let term = (difference.clone() * difference).sum() / head.size as f32;
                sum = Some(sum.map_or(term.clone(), |sum: Tensor<1>| sum + term));
            }
        }
        let sum = sum.expect("at least one sentence").reshape([1, 1]);
        sum / self.terms() as f32
    }
}

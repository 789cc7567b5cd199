//! The product of spike counts with quantised weights, and its straight-through gradient.

use bitspike::quantize::{Granularity, WeightBits};
use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::lanes::{LANES, wide};
use super::{Kernel, apply, scalar, scalar_tensor, shape, straight_through, tensor, values};

/// `y[m, o] = scale * s[o] * sum_k counts[m, k] * codes[o, k] + bias[o]` where `(codes, s)` quantise `weight`
/// (`docs/model.md`, "Weights"). The gradient of the quantised weight goes to `weight` unchanged (straight-through).
///
/// With integer counts and codes the sum is exact; the two scales are multiplied once, afterwards.
///
/// # Shapes
/// `counts [M, K]`, `scale [1, 1]` (`theta/T` of the population, 1 for plain values), `weight [O, K]`, `bias [1, O]`;
/// result `[M, O]`.
pub fn linear(
    counts: Tensor<2>,
    scale: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<2>,
    precision: Precision,
) -> Tensor<2> {
    apply(Linear(precision), [counts, scale, weight, bias])
}

/// How a weight is quantised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// What a weight can be.
    pub bits: WeightBits,
    /// One scale a matrix or a row.
    pub granularity: Granularity,
}

impl Precision {
    /// Not at all.
    pub const FULL: Self = Self { bits: WeightBits::Full, granularity: Granularity::Matrix };
}

#[derive(Debug)]
pub(super) struct Linear(pub(super) Precision);

#[derive(Debug, Clone)]
pub(super) struct Saved {
    counts: FlexTensor,
    scale: f32,
    codes: FlexTensor,
    /// One value a matrix or one a row; empty for full-precision weights.
    scales: Vec<f32>,
}

impl Saved {
    fn weight_scale(&self, row: usize) -> f32 {
        match self.scales.as_slice() {
            [] => 1.0,
            [one] => *one,
            rows => rows[row],
        }
    }
}

impl Kernel<4> for Linear {
    type Saved = Saved;

    fn forward(&self, [counts, scale, weight, bias]: [FlexTensor; 4]) -> (FlexTensor, Saved) {
        let (codes, scales) = quantize(&weight, self.0);
        let saved = Saved { scale: scalar(&scale), counts, codes, scales };
        let mut out = Flex::float_matmul(saved.counts.clone(), saved.codes.transpose(0, 1));
        let width = shape(&out)[1];
        let factors: Vec<f32> = (0..width).map(|row| saved.scale * saved.weight_scale(row)).collect();
        let bias = values(&bias);
        out.storage_mut::<f32>().par_chunks_mut(width * ROWS).for_each(|rows| {
            wide(
                #[inline(always)]
                || {
                    for row in rows.chunks_exact_mut(width) {
                        for ((y, &factor), &bias) in row.iter_mut().zip(&factors).zip(bias) {
                            *y = *y * factor + bias;
                        }
                    }
                },
            );
        });
        (out, saved)
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, needs: [bool; 4]) -> [Option<FlexTensor>; 4] {
        let [rows, width] = shape(&grad);
        // A scale of 0 (all weights alike) must not hide the gradient that could change it; its product with the codes stays
        // negligible.
        let weight_scale = |row: usize| saved.weight_scale(row).max(1e-12);
        let factors: Vec<f32> = (0..width).map(|row| saved.scale * weight_scale(row)).collect();
        let (scaled, bias) = scale_and_sum(values(&grad), &factors);
        let scaled = tensor(scaled, [rows, width]);
        let counts = needs[0].then(|| Flex::float_matmul(scaled.clone(), saved.codes.clone()));
        let mut weight = None;
        let mut scale = None;
        if needs[1] || needs[2] {
            // counts^T x scaled gradient carries the weight's own scale too; divide it out row by row.
            let mut gradient = Flex::float_matmul(scaled.transpose(0, 1), saved.counts.clone());
            let columns = shape(&gradient)[1];
            let codes = values(&saved.codes);
            let sums: Vec<f64> = gradient
                .storage_mut::<f32>()
                .par_chunks_mut(columns)
                .zip(codes.par_chunks(columns))
                .enumerate()
                .map(|(row, (gradient, codes))| {
                    let inverse = 1.0 / weight_scale(row);
                    wide(
                        #[inline(always)]
                        || {
                            let sum = super::lanes::lane_sum2(gradient, codes, |g, c| g * c);
                            if inverse != 1.0 {
                                gradient.iter_mut().for_each(|g| *g *= inverse);
                            }
                            sum
                        },
                    )
                })
                .collect();
            scale = needs[1].then(|| scalar_tensor(sums.iter().sum::<f64>() / f64::from(saved.scale)));
            weight = needs[2].then_some(gradient);
        }
        [counts, scale, weight, needs[3].then(|| tensor(bias, [1, width]))]
    }

    fn compose(&self, [counts, scale, weight, bias]: [Tensor<2>; 4]) -> Tensor<2> {
        counts.matmul(composed_weight(weight, self.0).transpose()) * scale + bias
    }
}

/// Rows of one piece of parallel work.
const ROWS: usize = 16;

/// `(x * factors, column sums of x)` for `x` of `factors.len()` columns.
fn scale_and_sum(x: &[f32], factors: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let width = factors.len();
    let mut scaled = vec![0.0; x.len()];
    let sums: Vec<Vec<f32>> = scaled
        .par_chunks_mut(width * ROWS)
        .zip(x.par_chunks(width * ROWS))
        .map(|(scaled, x)| {
            let mut sums = vec![0.0; width];
            wide(
                #[inline(always)]
                || {
                    for (scaled, x) in scaled.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                        for (((scaled, &x), &factor), sum) in scaled.iter_mut().zip(x).zip(factors).zip(&mut sums) {
                            *scaled = x * factor;
                            *sum += x;
                        }
                    }
                },
            );
            sums
        })
        .collect();
    let mut total = vec![0.0f64; width];
    for sums in &sums {
        total.iter_mut().zip(sums).for_each(|(total, &sum)| *total += f64::from(sum));
    }
    (scaled, total.into_iter().map(|sum| sum as f32).collect())
}

/// Codes `[O, K]` (as `f32`) and scales of a weight; the twin of [`bitspike::quantize`], in parallel.
fn quantize(weight: &FlexTensor, precision: Precision) -> (FlexTensor, Vec<f32>) {
    let Precision { bits, granularity } = precision;
    if bits == WeightBits::Full {
        return (weight.clone(), Vec::new());
    }
    let [rows, columns] = shape(weight);
    let w = values(weight);
    let of = |per: &[f32], row: usize| per[if per.len() == 1 { 0 } else { row }];
    let (centres, scales): (Vec<f32>, Vec<f32>) = match bits {
        WeightBits::Binary => {
            let centres: Vec<f32> =
                means(w, columns, granularity, |_, w| w).into_iter().map(|mean| mean as f32).collect();
            let scales = means(w, columns, granularity, |row, w| (w - f64::from(of(&centres, row))).abs());
            (centres, scales.into_iter().map(|scale| scale as f32).collect())
        }
        _ => {
            (vec![0.0], means(w, columns, granularity, |_, w| w.abs()).into_iter().map(|scale| scale as f32).collect())
        }
    };
    let mut codes = vec![0.0; w.len()];
    codes.par_chunks_mut(columns).zip(w.par_chunks(columns)).enumerate().for_each(|(row, (codes, w))| {
        let (centre, scale) = (of(&centres, row), of(&scales, row));
        wide(
            #[inline(always)]
            || match bits {
                WeightBits::Binary => {
                    codes.iter_mut().zip(w).for_each(|(code, &w)| *code = if w - centre >= 0.0 { 1.0 } else { -1.0 });
                }
                _ if scale == 0.0 => codes.fill(0.0),
                _ => codes.iter_mut().zip(w).for_each(|(code, &w)| {
                    // clip(round(w / scale), -1, 1), ties away from zero.
                    let ratio = w / scale;
                    *code = f32::from(i8::from(ratio >= 0.5) - i8::from(ratio <= -0.5));
                }),
            },
        );
    });
    (tensor(codes, [rows, columns]), scales)
}

/// Mean of `f(row, w)` over the matrix (one value) or each row, summed in `f64`.
#[inline(always)]
fn means(w: &[f32], columns: usize, granularity: Granularity, f: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let sums: Vec<f64> = w
        .par_chunks(columns)
        .enumerate()
        .map(|(row, w)| {
            wide(
                #[inline(always)]
                || {
                    let mut lanes = [0.0f64; LANES];
                    let (chunks, rest) = w.as_chunks::<LANES>();
                    for chunk in chunks {
                        for lane in 0..LANES {
                            lanes[lane] += f(row, f64::from(chunk[lane]));
                        }
                    }
                    lanes.iter().sum::<f64>() + rest.iter().map(|&w| f(row, f64::from(w))).sum::<f64>()
                },
            )
        })
        .collect();
    match granularity {
        Granularity::Matrix => vec![sums.iter().sum::<f64>() / w.len() as f64],
        Granularity::Row => sums.iter().map(|sum| sum / columns as f64).collect(),
    }
}

/// The quantised weight with a straight-through gradient, from burn operations.
fn composed_weight(weight: Tensor<2>, precision: Precision) -> Tensor<2> {
    let mean = |x: Tensor<2>| match precision.granularity {
        Granularity::Matrix => x.mean().reshape([1, 1]),
        Granularity::Row => x.mean_dim(1),
    };
    let latent = weight.clone().detach();
    let quantised = match precision.bits {
        WeightBits::Full => return weight,
        WeightBits::Binary => {
            let centred = latent.clone() - mean(latent);
            let scale = mean(centred.clone().abs());
            (centred.greater_equal_elem(0.0).float() * 2.0 - 1.0) * scale
        }
        _ => {
            let scale = mean(latent.clone().abs());
            let safe = scale.clone().clamp_min(f32::MIN_POSITIVE);
            (latent / safe).round().clamp(-1.0, 1.0) * scale
        }
    };
    straight_through(quantised, weight)
}

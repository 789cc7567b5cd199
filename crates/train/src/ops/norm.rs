//! Layer normalisation, alone and over a residual sum.

use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::lanes::{lane_sum2, normalise_row, wide};
use super::{Kernel, apply, scalar, scalar_tensor, shape, tensor, values};

/// `gain * (x - mean) / sqrt(variance + epsilon) + bias` over each row, biased variance.
///
/// # Shapes
/// `x [M, D]`, `gain [1, D]`, `bias [1, D]`; result `[M, D]`.
pub fn layer_norm(x: Tensor<2>, gain: Tensor<2>, bias: Tensor<2>, epsilon: f32) -> Tensor<2> {
    apply(LayerNorm { epsilon }, [x, gain, bias])
}

/// [`layer_norm`] of `x + scale * residual`.
///
/// # Shapes
/// `x [M, D]`, `residual [M, D]` (spike counts or values), `scale [1, 1]`, `gain [1, D]`, `bias [1, D]`; result `[M, D]`.
pub fn residual_norm(
    x: Tensor<2>,
    (residual, scale): (Tensor<2>, Tensor<2>),
    gain: Tensor<2>,
    bias: Tensor<2>,
    epsilon: f32,
) -> Tensor<2> {
    apply(ResidualNorm { epsilon }, [x, residual, scale, gain, bias])
}

#[derive(Debug)]
pub(super) struct LayerNorm {
    pub(super) epsilon: f32,
}

#[derive(Debug)]
pub(super) struct ResidualNorm {
    pub(super) epsilon: f32,
}

/// The normalised rows `(x - mean) / deviation`, the reciprocal deviations and the gain.
#[derive(Debug, Clone)]
pub(super) struct Normalised {
    unit: FlexTensor,
    inverse: Vec<f32>,
    gain: FlexTensor,
}

/// Rows of one piece of parallel work.
const ROWS: usize = 16;

/// Normalises `load(row, out)` row by row; returns the result and what the backward pass needs.
#[inline(always)]
fn normalise(
    [rows, width]: [usize; 2],
    (gain, bias): (&FlexTensor, &FlexTensor),
    epsilon: f32,
    load: impl Fn(usize, &mut [f32]) + Sync,
) -> (FlexTensor, Normalised) {
    let (gains, biases) = (values(gain), values(bias));
    let (mut unit, mut out, mut inverse) = (vec![0.0; rows * width], vec![0.0; rows * width], vec![0.0; rows]);
    unit.par_chunks_mut(width * ROWS)
        .zip(out.par_chunks_mut(width * ROWS))
        .zip(inverse.par_chunks_mut(ROWS))
        .enumerate()
        .for_each(|(piece, ((unit, out), inverse))| {
            wide(
                #[inline(always)]
                || {
                    let lines = unit.chunks_exact_mut(width).zip(out.chunks_exact_mut(width)).zip(inverse);
                    for (i, ((unit, out), inverse)) in lines.enumerate() {
                        load(piece * ROWS + i, unit);
                        *inverse = normalise_row(unit, epsilon);
                        for (((&mut unit, out), &gain), &bias) in unit.iter_mut().zip(out).zip(gains).zip(biases) {
                            *out = unit * gain + bias;
                        }
                    }
                },
            );
        });
    (tensor(out, [rows, width]), Normalised { unit: tensor(unit, [rows, width]), inverse, gain: gain.clone() })
}

/// Gradients `(x, gain, bias)` of [`normalise`].
fn normalise_backward(saved: &Normalised, grad: &FlexTensor) -> [FlexTensor; 3] {
    let [rows, width] = shape(grad);
    let (gains, unit, grads) = (values(&saved.gain), values(&saved.unit), values(grad));
    let mut out = vec![0.0; rows * width];
    let sums: Vec<(Vec<f32>, Vec<f32>)> = out
        .par_chunks_mut(width * ROWS)
        .zip(unit.par_chunks(width * ROWS).zip(grads.par_chunks(width * ROWS)))
        .zip(saved.inverse.par_chunks(ROWS))
        .map(|((out, (unit, grads)), inverse)| {
            let (mut gain_sum, mut bias_sum) = (vec![0.0; width], vec![0.0; width]);
            wide(
                #[inline(always)]
                || {
                    let lines =
                        out.chunks_exact_mut(width).zip(unit.chunks_exact(width)).zip(grads.chunks_exact(width));
                    for (((out, unit), grads), &inverse) in lines.zip(inverse) {
                        for i in 0..width {
                            out[i] = grads[i] * gains[i];
                            gain_sum[i] += grads[i] * unit[i];
                            bias_sum[i] += grads[i];
                        }
                        let mean = (lane_sum2(out, out, |x, _| x) / width as f64) as f32;
                        let along = (lane_sum2(out, unit, |x, u| x * u) / width as f64) as f32;
                        for (out, &unit) in out.iter_mut().zip(unit) {
                            *out = inverse * (*out - mean - unit * along);
                        }
                    }
                },
            );
            (gain_sum, bias_sum)
        })
        .collect();
    let mut totals = [vec![0.0f32; width], vec![0.0f32; width]];
    for (gain, bias) in &sums {
        totals[0].iter_mut().zip(gain).for_each(|(total, &sum)| *total += sum);
        totals[1].iter_mut().zip(bias).for_each(|(total, &sum)| *total += sum);
    }
    let [gain, bias] = totals.map(|total| tensor(total, [1, width]));
    [tensor(out, [rows, width]), gain, bias]
}

fn composed(x: Tensor<2>, gain: Tensor<2>, bias: Tensor<2>, epsilon: f32) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    centred / (variance + epsilon).sqrt() * gain + bias
}

impl Kernel<3> for LayerNorm {
    type Saved = Normalised;

    fn forward(&self, [x, gain, bias]: [FlexTensor; 3]) -> (FlexTensor, Normalised) {
        let (size, x) = (shape(&x), values(&x));
        normalise(
            size,
            (&gain, &bias),
            self.epsilon,
            #[inline(always)]
            |row, out| out.copy_from_slice(&x[row * size[1]..][..size[1]]),
        )
    }

    fn backward(&self, saved: Normalised, grad: FlexTensor, _needs: [bool; 3]) -> [Option<FlexTensor>; 3] {
        normalise_backward(&saved, &grad).map(Some)
    }

    fn compose(&self, [x, gain, bias]: [Tensor<2>; 3]) -> Tensor<2> {
        composed(x, gain, bias, self.epsilon)
    }
}

impl Kernel<5> for ResidualNorm {
    type Saved = (Normalised, FlexTensor, f32);

    fn forward(&self, [x, residual, scale, gain, bias]: [FlexTensor; 5]) -> (FlexTensor, Self::Saved) {
        let (size, factor) = (shape(&x), scalar(&scale));
        let (x, r) = (values(&x), values(&residual));
        let (out, saved) = normalise(
            size,
            (&gain, &bias),
            self.epsilon,
            #[inline(always)]
            |row, out| {
                let (x, r) = (&x[row * size[1]..][..size[1]], &r[row * size[1]..][..size[1]]);
                for ((out, &x), &r) in out.iter_mut().zip(x).zip(r) {
                    *out = x + factor * r;
                }
            },
        );
        (out, (saved, residual, factor))
    }

    fn backward(
        &self,
        (saved, residual, factor): Self::Saved,
        grad: FlexTensor,
        needs: [bool; 5],
    ) -> [Option<FlexTensor>; 5] {
        let [x, gain, bias] = normalise_backward(&saved, &grad);
        let to_residual = needs[1].then(|| {
            let scaled = super::lanes::map(
                values(&x),
                #[inline(always)]
                |x| x * factor,
            );
            tensor(scaled, shape(&x))
        });
        let to_scale = needs[2].then(|| {
            scalar_tensor(super::lanes::sum2(
                values(&x),
                values(&residual),
                #[inline(always)]
                |x, r| x * r,
            ))
        });
        [Some(x), to_residual, to_scale, Some(gain), Some(bias)]
    }

    fn compose(&self, [x, residual, scale, gain, bias]: [Tensor<2>; 5]) -> Tensor<2> {
        composed(x + residual * scale, gain, bias, self.epsilon)
    }
}

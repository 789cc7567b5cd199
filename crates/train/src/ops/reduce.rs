//! Reductions that a loss is made of.

use burn::tensor::Tensor;
use burn_flex::FlexTensor;

use super::lanes;
use super::{Kernel, apply, flex, scalar, scalar_tensor, shape, straight_through, tensor, values};

/// `mean of (x - target)^2` over all elements; `target` gets no gradient.
///
/// # Shapes
/// `x [M, D]`, `target [M, D]`; result `[1, 1]`.
pub fn mean_square(x: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
    apply(MeanSquare, [x, target])
}

/// `mean of |x|` over all elements; with spike counts divided by `T` this is the mean firing rate. The gradient of `|x|` at 0
/// is 0.
///
/// # Shapes
/// `x [M, D]`; result `[1, 1]`.
pub fn mean_absolute(x: Tensor<2>) -> Tensor<2> {
    apply(MeanAbsolute, [x])
}

/// The share of elements of `x` `[M, D]` that are not 0; no gradient.
pub fn nonzero(x: &Tensor<2>) -> f64 {
    let x = flex(x.clone().inner());
    let sum = lanes::sum2(
        values(&x),
        values(&x),
        #[inline(always)]
        |x, _| if x == 0.0 { 0.0 } else { 1.0 },
    );
    sum / values(&x).len().max(1) as f64
}

#[derive(Debug)]
pub(super) struct MeanSquare;

impl Kernel<2> for MeanSquare {
    type Saved = (FlexTensor, FlexTensor);

    fn forward(&self, [x, target]: [FlexTensor; 2]) -> (FlexTensor, Self::Saved) {
        let sum = lanes::sum2(
            values(&x),
            values(&target),
            #[inline(always)]
            |x, y| (x - y) * (x - y),
        );
        (scalar_tensor(sum / values(&x).len().max(1) as f64), (x, target))
    }

    fn backward(&self, (x, target): Self::Saved, grad: FlexTensor, _needs: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let factor = 2.0 * scalar(&grad) / values(&x).len().max(1) as f32;
        let out = lanes::map2(
            values(&x),
            values(&target),
            #[inline(always)]
            |x, y| factor * (x - y),
        );
        [Some(tensor(out, shape(&x))), None]
    }

    fn compose(&self, [x, target]: [Tensor<2>; 2]) -> Tensor<2> {
        let difference = x - target.detach();
        (difference.clone() * difference).mean().reshape([1, 1])
    }
}

#[derive(Debug)]
pub(super) struct MeanAbsolute;

impl Kernel<1> for MeanAbsolute {
    type Saved = FlexTensor;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let sum = lanes::sum2(
            values(&x),
            values(&x),
            #[inline(always)]
            |x, _| x.abs(),
        );
        (scalar_tensor(sum / values(&x).len().max(1) as f64), x)
    }

    fn backward(&self, x: FlexTensor, grad: FlexTensor, _needs: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let factor = scalar(&grad) / values(&x).len().max(1) as f32;
        let out = lanes::map(
            values(&x),
            #[inline(always)]
            |x| {
                if x > 0.0 {
                    factor
                } else if x < 0.0 {
                    -factor
                } else {
                    0.0
                }
            },
        );
        [Some(tensor(out, shape(&x)))]
    }

    fn compose(&self, [x]: [Tensor<2>; 1]) -> Tensor<2> {
        let sign = x.clone().detach().sign();
        straight_through(x.clone().abs(), x * sign).mean().reshape([1, 1])
    }
}

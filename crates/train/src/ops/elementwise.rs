//! GELU.

use burn::tensor::{Tensor, activation};
use burn_flex::FlexTensor;

use super::lanes;
use super::{Kernel, apply, shape, tensor, values};

/// `x Phi(x)` with the normal distribution function, BERT's "gelu". Absolute error below `3e-7 |x|`.
///
/// # Shapes
/// `x [M, D]`; result `[M, D]`.
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    apply(Gelu, [x])
}

#[derive(Debug)]
pub(super) struct Gelu;

impl Kernel<1> for Gelu {
    type Saved = FlexTensor;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let out = lanes::map(values(&x), lanes::gelu);
        (tensor(out, shape(&x)), x)
    }

    fn backward(&self, x: FlexTensor, grad: FlexTensor, _needs: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let out = lanes::map2(
            values(&x),
            values(&grad),
            #[inline(always)]
            |x, g| {
                let (distribution, density) = lanes::normal(x);
                g * (distribution + x * density)
            },
        );
        [Some(tensor(out, shape(&x)))]
    }

    fn compose(&self, [x]: [Tensor<2>; 1]) -> Tensor<2> {
        activation::gelu(x)
    }
}

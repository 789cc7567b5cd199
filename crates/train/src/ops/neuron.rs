//! The neuron at its quantised equilibrium.

use bitspike::neuron::{Levels, MAX_WEIGHTS};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::lanes::{self, PIECE, wide};
use super::{Kernel, apply, flex, scalar, scalar_tensor, shape, straight_through, tensor, values};

/// Spike counts over `T` steps of a constant current: `n = clip(floor(I * (T/theta) + 1/2), low, T)` with `low = 0`, or `-T`
/// for signed neurons (`docs/model.md`, "The neuron").
///
/// The gradient is that of the unrounded map: `dn/dI = T/theta` and `dn/dtheta = -T I/theta^2` for
/// `low <= T I/theta <= T`, 0 outside.
///
/// # Shapes
/// `current [M, D]`, `theta [1, 1]`; result `[M, D]`, integers as `f32`.
pub fn neuron(current: Tensor<2>, theta: Tensor<2>, time_steps: u32, signed: bool) -> Tensor<2> {
    apply(Neuron { time_steps: time_steps as f32, signed, output: Output::Quantised(Levels::Unary) }, [current, theta])
}

/// [`neuron`] whose counts are 0 and powers of two ([`Levels::Single`]), with the same gradient.
///
/// # Shapes
/// As [`neuron`].
pub fn single_neuron(current: Tensor<2>, theta: Tensor<2>, time_steps: u32, signed: bool) -> Tensor<2> {
    apply(Neuron { time_steps: time_steps as f32, signed, output: Output::Quantised(Levels::Single) }, [current, theta])
}

/// [`neuron`] without the rounding: `clip(T I / theta, low, T)`, whose gradient is exact. For checks of gradients.
///
/// # Shapes
/// As [`neuron`].
pub fn continuous_neuron(current: Tensor<2>, theta: Tensor<2>, time_steps: u32, signed: bool) -> Tensor<2> {
    apply(Neuron { time_steps: time_steps as f32, signed, output: Output::Continuous }, [current, theta])
}

/// [`neuron`] whose counts are given instead of computed: those of a spiking simulation. The gradient is that of [`neuron`] at
/// the current that these counts are the equilibrium of, `theta n / weight`; where they are at an end of their range, which
/// many currents share, at `current`. `weight` is what a neuron that fires at every step counts: `T`, or `sum of beta^k` for leaky ones.
///
/// # Shapes
/// `current` and `counts` `[M, D]`, `theta [1, 1]`; result `[M, D]`.
pub fn simulated_neuron(
    current: Tensor<2>,
    theta: Tensor<2>,
    counts: Tensor<2>,
    weight: f32,
    signed: bool,
) -> Tensor<2> {
    apply(Neuron { time_steps: weight, signed, output: Output::Given(Box::new(counts)) }, [current, theta])
}

#[derive(Debug)]
pub(super) struct Neuron {
    pub(super) time_steps: f32,
    pub(super) signed: bool,
    pub(super) output: Output,
}

/// What a neuron hands on.
#[derive(Debug, Clone)]
pub(super) enum Output {
    /// Its quantised equilibrium.
    Quantised(Levels),
    /// The equilibrium before rounding.
    Continuous,
    /// Counts that are given.
    Given(Box<Tensor<2>>),
}

impl Kernel<2> for Neuron {
    type Saved = (FlexTensor, f32);

    fn forward(&self, [current, theta]: [FlexTensor; 2]) -> (FlexTensor, Self::Saved) {
        let theta = scalar(&theta);
        if let Output::Given(counts) = &self.output {
            let counts = flex(Tensor::clone(counts));
            let (low, high, unit) =
                (if self.signed { -self.time_steps } else { 0.0 }, self.time_steps, theta / self.time_steps);
            let operating = lanes::map2(
                values(&counts),
                values(&current),
                #[inline(always)]
                |n, i| if low < n && n < high { n * unit } else { i },
            );
            return (counts, (tensor(operating, shape(&current)), theta));
        }
        let (gain, high) = (self.time_steps / theta, self.time_steps);
        let low = if self.signed { -high } else { 0.0 };
        let counts = match self.output {
            Output::Continuous => lanes::map(
                values(&current),
                #[inline(always)]
                |i| (i * gain).clamp(low, high),
            ),
            Output::Quantised(Levels::Single) => lanes::map(
                values(&current),
                #[inline(always)]
                |i| Levels::single(i * gain, low, high),
            ),
            _ => lanes::map(
                values(&current),
                #[inline(always)]
                |i| (i * gain + 0.5).floor().clamp(low, high),
            ),
        };
        (tensor(counts, shape(&current)), (current, theta))
    }

    fn backward(&self, (current, theta): Self::Saved, grad: FlexTensor, needs: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let gain = self.time_steps / theta;
        let low = if self.signed { -theta } else { 0.0 };
        let (i, g) = (values(&current), values(&grad));
        let mut out = vec![0.0; i.len()];
        // One pass gives both: the sum of out * I is the threshold's gradient up to -1/theta.
        let pieces: Vec<f64> = out
            .par_chunks_mut(PIECE)
            .zip(i.par_chunks(PIECE).zip(g.par_chunks(PIECE)))
            .map(|(out, (i, g))| {
                wide(
                    #[inline(always)]
                    || {
                        for ((out, &i), &g) in out.iter_mut().zip(i).zip(g) {
                            *out = if i >= low && i <= theta { g * gain } else { 0.0 };
                        }
                        lanes::lane_sum2(out, i, |out, i| out * i)
                    },
                )
            })
            .collect();
        let threshold = needs[1].then(|| scalar_tensor(-pieces.iter().sum::<f64>() / f64::from(theta)));
        [needs[0].then(|| tensor(out, shape(&current))), threshold]
    }

    fn compose(&self, [current, theta]: [Tensor<2>; 2]) -> Tensor<2> {
        let low = if self.signed { -self.time_steps } else { 0.0 };
        let gain = theta.clone().detach().recip() * self.time_steps;
        let equilibrium = |current: Tensor<2>| (current / theta.clone() * self.time_steps).clamp(low, self.time_steps);
        let given = match &self.output {
            Output::Continuous => return equilibrium(current),
            Output::Quantised(levels) => {
                let charge = current.clone().detach() * gain;
                let counts = match levels {
                    Levels::Unary => (charge + 0.5).floor(),
                    Levels::Single => (0..MAX_WEIGHTS).fold(charge.clone() * 0.0, |counts, k| {
                        let (weight, sign) = (f64::from(1u32 << k), charge.clone().sign());
                        counts.mask_where(charge.clone().abs().greater_equal_elem(0.75 * weight), sign * weight)
                    }),
                };
                return straight_through(counts.clamp(low, self.time_steps), equilibrium(current));
            }
            Output::Given(given) => given.as_ref(),
        };
        // `current` moved to the operating point, with its gradient kept.
        let inside = given.clone().greater_elem(low).bool_and(given.clone().lower_elem(self.time_steps));
        let operating = given.clone() * theta.clone().detach() / self.time_steps;
        let shift = (operating - current.clone().detach()).mask_fill(inside.bool_not(), 0.0);
        straight_through(given.clone(), equilibrium(current + shift))
    }
}

//! 1.58-bit weights.

use super::{Granularity, Quantized, by_group, mean};
use crate::error::Result;

/// `W^ = gamma * clip(round(W / gamma), -1, 1)`, `gamma = mean|W|` over the matrix or over each row. A group of zeros has scale
/// 0 and codes 0. Source: the ternary student of arXiv 2405.02543.
///
/// ```
/// # use bitspike::quantize::{Granularity, ternary};
/// let q = ternary(&[2.0, -1.0, 0.5, 0.5], [1, 4], Granularity::Matrix)?;
/// assert_eq!((q.codes, q.scales), (vec![1, -1, 1, 1], vec![1.0])); // half of gamma rounds away from zero
/// # Ok::<(), bitspike::Error>(())
/// ```
///
/// # Errors
/// As [`super::WeightBits::quantize`].
pub fn ternary(weights: &[f32], shape: [usize; 2], granularity: Granularity) -> Result<Quantized> {
    by_group(weights, shape, granularity, |weights, codes| {
        let gamma = mean(weights, f64::abs);
        if gamma > 0.0 {
            for (code, &w) in codes.iter_mut().zip(weights) {
                *code = (w / gamma).round().clamp(-1.0, 1.0) as i8;
            }
        }
        gamma
    })
}

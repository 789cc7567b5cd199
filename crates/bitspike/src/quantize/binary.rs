//! 1-bit weights.

use super::{Granularity, Quantized, by_group, mean};
use crate::error::Result;

/// `W^ = beta_w * sign(W - m)`, `m = mean(W)`, `beta_w = mean|W - m|`, `sign(0) = +1`, with mean and scale over the matrix or
/// over each row. A group of equal weights has scale 0 and thereby `W^ = 0`. Source: the binary student of arXiv 2405.02543.
///
/// ```
/// # use bitspike::quantize::{Granularity, binary};
/// let q = binary(&[3.0, 1.0, 0.0, -2.0], [2, 2], Granularity::Row)?;
/// assert_eq!((q.codes, q.scales), (vec![1, -1, 1, -1], vec![1.0, 1.0])); // row means 2 and -1
/// # Ok::<(), bitspike::Error>(())
/// ```
///
/// # Errors
/// As [`super::WeightBits::quantize`].
pub fn binary(weights: &[f32], shape: [usize; 2], granularity: Granularity) -> Result<Quantized> {
    by_group(weights, shape, granularity, |weights, codes| {
        let centre = mean(weights, |w| w);
        for (code, &w) in codes.iter_mut().zip(weights) {
            *code = if w - centre >= 0.0 { 1 } else { -1 };
        }
        mean(weights, |w| (w - f64::from(centre)).abs())
    })
}

//! Embedding tables of 8 and 4 bits.

use super::{Granularity, Quantized, by_group};
use crate::error::Result;

/// `W^ = s * clip(round(W / s), -top, top)` with `s = max|W| / top` for each row; `top = 2^(b-1) - 1` for `b` bits. A row of
/// zeros has scale 0 and codes 0.
///
/// ```
/// # use bitspike::quantize::symmetric;
/// let q = symmetric(&[0.7, -0.32, 0.0], [1, 3], 7)?;
/// assert_eq!(q.codes, [7, -3, 0]);
/// # Ok::<(), bitspike::Error>(())
/// ```
///
/// # Errors
/// As [`super::WeightBits::quantize`].
///
/// # Panics
/// If `top` is not positive.
pub fn symmetric(weights: &[f32], shape: [usize; 2], top: i8) -> Result<Quantized> {
    assert!(top > 0, "the largest code is positive, not {top}");
    let top = f32::from(top);
    by_group(weights, shape, Granularity::Row, |weights, codes| {
        let scale = weights.iter().fold(0.0f32, |max, w| max.max(w.abs())) / top;
        if scale > 0.0 {
            for (code, &w) in codes.iter_mut().zip(weights) {
                *code = (w / scale).round().clamp(-top, top) as i8;
            }
        }
        scale
    })
}

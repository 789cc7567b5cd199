//! Functions of one value, layer normalisation of a row, and the largest of some values.

use super::lanes::lane_sum2;

/// `e^x`, relative error below 4e-7 on [-87, 88]; 0 below, saturating above.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    // ln 2 in two parts, the first exact in few bits, so that the reduced argument keeps its precision.
    let r = (clamped - k * 0.693_359_4) - k * -2.121_944_4e-4;
    let r2 = r * r;
    // Taylor terms up to r^6 / 720: |r| <= ln(2) / 2 leaves a remainder of at most r^7 / 5040, below 2e-7; rounding adds as much.
    let high = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0));
    let p = 1.0 + r + r2 * (0.5 + r * (1.0 / 6.0) + r2 * high);
    let power = f32::from_bits(
        ((shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32).wrapping_add(127) << 23) as u32,
    );
    if x < -87.0 { 0.0 } else { p * power }
}

/// Standard normal distribution function and density at `x`: `(Phi(x), phi(x))`. Absolute error of `Phi` below 4e-7
/// (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, for the error function).
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    let gauss = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let poly = t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    let tail = 0.5 * poly * gauss;
    let phi = if x >= 0.0 { 1.0 - tail } else { tail };
    (phi, gauss * 0.398_942_3)
}

/// BERT's GELU, `x Phi(x)`. Absolute error below `3e-7 |x|`.
///
/// `(Phi(x) - 1/2) / x` is even; on [-5.2, 5.2], beyond which `Phi` is 0 or 1 but for 1e-7, it is this polynomial of degree 13 in
/// `2 (x / 5.2)^2 - 1`, the one of least error of `Phi` (fitted by Lawson's iterated least squares). Neither a division nor an
/// exponential: this runs for every neuron of the widest population.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    const END: f32 = 5.2;
    const P: [f32; 14] = [
        0.135_95,
        -0.067_743_67,
        0.050_024_52,
        -0.039_929_82,
        0.031_989_958,
        -0.024_723_629,
        0.017_954_787,
        -0.012_505_122,
        0.008_559_968,
        -0.004_789_037,
        0.001_800_122_4,
        -0.001_221_495_3,
        0.001_268_511,
        -0.000_481_276_57,
    ];
    let y = x.clamp(-END, END);
    let t = y * y * (2.0 / (END * END)) - 1.0;
    // Pairs, pairs of pairs, and so on: four steps that wait for each other instead of thirteen.
    let (t2, t4) = (t * t, t * t * (t * t));
    let pair = |i: usize| P[2 * i] + P[2 * i + 1] * t;
    let four = |i: usize| pair(i) + pair(i + 1) * t2;
    let p = four(0) + four(2) * t4 + (four(4) + pair(6) * t4) * (t4 * t4);
    x * (0.5 + (y * p).clamp(-0.5, 0.5))
}

/// Normalises one row in place, `(x - mean) / sqrt(variance + epsilon)` with the biased variance, and returns the reciprocal
/// of that root. Where the variance overflows `f32` both are NaN: 0, as the formula has it, would pass for an answer.
#[inline(always)]
pub fn normalise_row(row: &mut [f32], epsilon: f32) -> f32 {
    let width = row.len() as f64;
    let mean = (lane_sum2(row, row, |x, _| x) / width) as f32;
    row.iter_mut().for_each(|x| *x -= mean);
    let variance = (lane_sum2(row, row, |x, y| x * y) / width) as f32;
    let inverse = if variance.is_finite() { 1.0 / (variance + epsilon).sqrt() } else { f32::NAN };
    row.iter_mut().for_each(|x| *x *= inverse);
    inverse
}

/// `x`, or 0 of its sign where it is subnormal, below 1.2e-38. Processors take a hundred times as long for such a factor, and no
/// sum of a model shows it; so weights are read this way, by trainer and engine alike.
///
/// ```
/// use bitspike::arithmetic::flushed;
/// assert_eq!((flushed(1e-40), flushed(f32::MIN_POSITIVE)), (0.0, f32::MIN_POSITIVE));
/// ```
#[inline(always)]
pub fn flushed(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0f32.copysign(x) } else { x }
}

/// Index of the largest value, the first of equals; 0 of none.
///
/// ```
/// assert_eq!(bitspike::arithmetic::largest(&[0.5, 2.0, 2.0, -1.0]), 1);
/// ```
pub fn largest(values: &[f32]) -> usize {
    let better = |best: (usize, f32), (i, &x): (usize, &f32)| if x > best.1 { (i, x) } else { best };
    values.iter().enumerate().fold((0, f32::NEG_INFINITY), better).0
}

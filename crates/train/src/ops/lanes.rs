//! Vectorised arithmetic: plain loops over fixed groups of [`LANES`] values, compiled for the widest instruction set of the
//! machine at run time. Sums keep one accumulator a lane and no fused multiply-add is used, so that results do not depend on
//! the instruction set; work is split in pieces of fixed size and joined in order, so neither do they depend on the threads.

use rayon::prelude::*;

/// Accumulators of a reduction.
pub(super) const LANES: usize = 16;

/// Values per piece of parallel elementwise work: 64 KiB, well inside a second-level cache.
pub(super) const PIECE: usize = 16 * 1024;

/// Runs `f` compiled for the widest instruction set of this machine. `f` and what it calls must be inlined to profit.
#[inline(always)]
pub(super) fn wide<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// `f(x)` of every value, in parallel.
#[inline(always)]
pub(super) fn map(x: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(out, x)| {
        wide(
            #[inline(always)]
            || {
                for (out, &x) in out.iter_mut().zip(x) {
                    *out = f(x);
                }
            },
        );
    });
    out
}

/// `f(x, y)` of every pair, in parallel.
#[inline(always)]
pub(super) fn map2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    assert_eq!(x.len(), y.len(), "operands of one shape");
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).zip(y.par_chunks(PIECE)).for_each(|((out, x), y)| {
        wide(
            #[inline(always)]
            || {
                for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
                    *out = f(x, y);
                }
            },
        );
    });
    out
}

/// `sum of f(x, y)` over all pairs: `f32` lanes within a piece of one cache, `f64` across pieces.
#[inline(always)]
pub(super) fn sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> f64 {
    assert_eq!(x.len(), y.len(), "operands of one shape");
    let pieces: Vec<f64> = x
        .par_chunks(PIECE)
        .zip(y.par_chunks(PIECE))
        .map(|(x, y)| {
            wide(
                #[inline(always)]
                || lane_sum2(x, y, &f),
            )
        })
        .collect();
    pieces.iter().sum()
}

/// `sum of f(x, y)` with [`LANES`] accumulators, joined in lane order.
#[inline(always)]
pub(super) fn lane_sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    let mut lanes = [0.0f32; LANES];
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += f(x[lane], y[lane]);
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(&x, &y)| f64::from(f(x, y))).sum();
    lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + rest
}

/// `e^x`, relative error below 2e-7 on [-87, 88]; 0 below, saturating above.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    // ln 2 in two parts, the first exact in few bits, so that the reduced argument keeps its precision.
    let r = (clamped - k * 0.693_359_4) - k * -2.121_944_4e-4;
    let r2 = r * r;
    // Taylor terms up to r^6 / 720: |r| <= ln(2) / 2 leaves a remainder below 2e-7.
    let high = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0));
    let p = 1.0 + r + r2 * (0.5 + r * (1.0 / 6.0) + r2 * high);
    let power = f32::from_bits(
        ((shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32).wrapping_add(127) << 23) as u32,
    );
    if x < -87.0 { 0.0 } else { p * power }
}

/// Standard normal distribution function and density at `x`: `(Phi(x), phi(x))`. Absolute error of `Phi` below 1e-7
/// (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, for the error function).
#[inline(always)]
pub(super) fn normal(x: f32) -> (f32, f32) {
    let gauss = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let poly = t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    let tail = 0.5 * poly * gauss;
    let phi = if x >= 0.0 { 1.0 - tail } else { tail };
    (phi, gauss * 0.398_942_3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_stays_within_its_error_bound() {
        for i in -87_000..=88_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 4e-7, "exp({x}) is off by {error}");
        }
        assert_eq!(exp(-1e30), 0.0);
        assert!(exp(1e30).is_finite());
    }

    #[test]
    fn normal_matches_known_values() {
        // Phi at 0, 1, -1, 1.96, 3 from standard tables (ten digits).
        for (x, phi) in
            [(0.0, 0.5), (1.0, 0.841_344_746), (-1.0, 0.158_655_254), (1.96, 0.975_002_105), (3.0, 0.998_650_102)]
        {
            assert!((f64::from(normal(x).0) - phi).abs() < 2e-7, "Phi({x}) = {}", normal(x).0);
        }
        assert!((normal(0.0).1 - 0.398_942_3).abs() < 1e-7);
    }
}

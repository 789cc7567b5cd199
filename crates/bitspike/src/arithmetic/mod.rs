//! The `f32` arithmetic that the trainer and the engine share, operation by operation, so that both compute the same bits.
//!
//! Plain loops over fixed groups of [`LANES`] values, compiled for the widest instruction set of the machine at run time. Sums
//! keep one accumulator a lane and no fused multiply-add is used: results do not depend on the instruction set.

mod attention;

pub use attention::Attention;
use pulp::{Simd, WithSimd};

/// Accumulators of a reduction.
pub const LANES: usize = 16;

/// Scratch memory that begins at a cache line: no vector in it lies across two.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aligned(Vec<f32>);

impl Aligned {
    /// `size` values, what they were before or 0.
    pub(crate) fn get(&mut self, size: usize) -> &mut [f32] {
        self.0.resize(size + LANES, 0.0);
        let skip = self.0.as_ptr().align_offset(4 * LANES).min(LANES);
        &mut self.0[skip..][..size]
    }
}

/// Runs `f` compiled for the widest instruction set of this machine. `f` and what it calls must be inlined to profit.
#[inline(always)]
pub fn wide<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// Joins accumulators pair by pair, each with the one half the lanes away: four steps deep where one after another would be 16.
#[inline(always)]
fn join<T: Copy>(lanes: [T; LANES], f: impl Fn(T, T) -> T) -> T {
    // Through memory: a compiler that sees the pairs takes the whole loop before apart into vectors of two.
    let mut lanes = std::hint::black_box(lanes);
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = f(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// `sum of f(x, y)` with [`LANES`] accumulators, joined as pairs of pairs in `f64`.
#[inline(always)]
pub fn lane_sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    let mut lanes = [0.0f32; LANES];
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += f(x[lane], y[lane]);
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(&x, &y)| f64::from(f(x, y))).sum();
    join(lanes.map(f64::from), |a, b| a + b) + rest
}

/// `e^x`, relative error below 2e-7 on [-87, 88]; 0 below, saturating above.
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
/// of that root.
#[inline(always)]
pub fn normalise_row(row: &mut [f32], epsilon: f32) -> f32 {
    let width = row.len() as f64;
    let mean = (lane_sum2(row, row, |x, _| x) / width) as f32;
    row.iter_mut().for_each(|x| *x -= mean);
    let variance = (lane_sum2(row, row, |x, y| x * y) / width) as f32;
    let inverse = 1.0 / (variance + epsilon).sqrt();
    row.iter_mut().for_each(|x| *x *= inverse);
    inverse
}

/// Softmax of the first `length` values in place; the padding, which fills whole groups of [`LANES`], becomes 0.
pub fn softmax(scores: &mut [f32], length: usize) {
    struct One<'a>(&'a mut [f32], usize);
    impl WithSimd for One<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            softmax_rows::<S, 1>(simd, self.0, self.1);
        }
    }
    pulp::Arch::new().dispatch(One(scores, length));
}

/// [`softmax`] of each of `ROWS` rows. They go through its stages together, so that none waits for its own maximum or sum.
#[inline(always)]
fn softmax_rows<S: Simd, const ROWS: usize>(simd: S, scores: &mut [f32], length: usize) {
    let padded = scores.len() / ROWS;
    let mut high = [[0.0; LANES]; ROWS];
    for (row, high) in scores.chunks_exact_mut(padded).zip(&mut high) {
        row[length..].fill(f32::NEG_INFINITY);
        *high = lanes(simd, row, f32::NEG_INFINITY, |a, b| simd.max_f32s(a, b));
    }
    let max = high.map(|high| join(high, |a, b| if a > b { a } else { b }));
    let mut sums = [[0.0; LANES]; ROWS];
    for ((row, sums), max) in scores.chunks_exact_mut(padded).zip(&mut sums).zip(max) {
        row.iter_mut().for_each(|score| *score = exp(*score - max));
        *sums = lanes(simd, row, 0.0, |a, b| simd.add_f32s(a, b));
    }
    let inverse = sums.map(|sums| 1.0 / join(sums, |a, b| a + b));
    for (row, inverse) in scores.chunks_exact_mut(padded).zip(inverse) {
        row.iter_mut().for_each(|score| *score *= inverse);
    }
}

/// What `f` makes of every [`LANES`]-th value and `start`, in order.
#[inline(always)]
fn lanes<S: Simd>(simd: S, x: &[f32], start: f32, f: impl Fn(S::f32s, S::f32s) -> S::f32s) -> [f32; LANES] {
    // As many vectors of these as hold the lanes are used.
    let mut found = [simd.splat_f32s(start); LANES];
    for group in x.as_chunks::<LANES>().0 {
        let (group, _) = S::as_simd_f32s(group);
        found.iter_mut().zip(group).for_each(|(found, &x)| *found = f(*found, x));
    }
    let mut out = [0.0; LANES];
    S::as_mut_simd_f32s(&mut out).0.iter_mut().zip(found).for_each(|(out, found)| *out = found);
    out
}

/// Copies a few values without a call.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    let (from, from_rest) = from.as_chunks::<LANES>();
    let (to, to_rest) = to.as_chunks_mut::<LANES>();
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}

/// Transposes a square of [`LANES`] rows: each of the four rounds interleaves its halves, which moves one bit of a value's place
/// from the front to the back.
#[inline(always)]
fn transpose(square: &mut [f32; LANES * LANES]) {
    const HALF: usize = LANES * LANES / 2;
    for _ in 0..LANES.ilog2() {
        let from = *square;
        for i in 0..HALF {
            square[2 * i] = from[i];
            square[2 * i + 1] = from[HALF + i];
        }
    }
}

/// One head of one sentence: rows of `width` values of which columns `start..start + size` belong to the head.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Columns of a whole row.
    pub width: usize,
    /// The head's first column.
    pub start: usize,
    /// Its columns.
    pub size: usize,
}

impl Head {
    /// Its part of row `i`.
    #[inline(always)]
    pub fn row<'a>(&self, x: &'a [f32], i: usize) -> &'a [f32] {
        &x[i * self.width + self.start..][..self.size]
    }

    /// Its part of row `i`.
    #[inline(always)]
    pub fn row_mut<'a>(&self, x: &'a mut [f32], i: usize) -> &'a mut [f32] {
        &mut x[i * self.width + self.start..][..self.size]
    }

    /// Fills `out` `[size, padded]` with `x^T` of this head, zero beyond the sentence; `padded` is a multiple of [`LANES`].
    #[inline(always)]
    pub fn transpose(&self, x: &[f32], length: usize, padded: usize, out: &mut [f32]) {
        let mut block = [0.0; LANES * LANES];
        for first in (0..length).step_by(LANES) {
            let rows = LANES.min(length - first);
            for start in (0..self.size).step_by(LANES) {
                let columns = LANES.min(self.size - start);
                block[rows * LANES..].fill(0.0);
                for (i, block) in block.chunks_exact_mut(LANES).take(rows).enumerate() {
                    copy(&self.row(x, first + i)[start..start + columns], &mut block[..columns]);
                }
                transpose(&mut block);
                for (d, block) in block.chunks_exact(LANES).take(columns).enumerate() {
                    out[(start + d) * padded + first..][..LANES].copy_from_slice(block);
                }
            }
        }
    }
}

/// `out[j] = factor * sum_d x[d] * columns[d, j]`, summed over `d` in order; `out` fills whole groups of [`LANES`].
#[inline(always)]
pub fn product(x: &[f32], columns: &[f32], factor: f32, out: &mut [f32]) {
    let padded = out.len();
    let mut at = 0;
    // Sums stay in registers; two groups at a time hide the latency of an addition.
    while at + 2 * LANES <= padded {
        let (mut low, mut high) = ([0.0; LANES], [0.0; LANES]);
        for (&x, column) in x.iter().zip(columns.chunks_exact(padded)) {
            let column: &[f32; 2 * LANES] = column[at..at + 2 * LANES].try_into().expect("two groups");
            for lane in 0..LANES {
                low[lane] += x * column[lane];
                high[lane] += x * column[LANES + lane];
            }
        }
        for lane in 0..LANES {
            out[at + lane] = low[lane] * factor;
            out[at + LANES + lane] = high[lane] * factor;
        }
        at += 2 * LANES;
    }
    if at < padded {
        let mut sums = [0.0; LANES];
        for (&x, column) in x.iter().zip(columns.chunks_exact(padded)) {
            let column: &[f32; LANES] = column[at..at + LANES].try_into().expect("one group");
            for lane in 0..LANES {
                sums[lane] += x * column[lane];
            }
        }
        for lane in 0..LANES {
            out[at + lane] = sums[lane] * factor;
        }
    }
}

/// `out += factor * x`.
#[inline(always)]
pub fn accumulate(out: &mut [f32], x: &[f32], factor: f32) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out += factor * x;
    }
}

/// The heads of rows of `width` values.
pub fn heads(width: usize, heads: usize) -> impl Iterator<Item = Head> {
    let size = width / heads;
    (0..heads).map(move |head| Head { width, start: head * size, size })
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
    fn a_head_is_transposed_whatever_its_size() {
        for (length, size) in [(1, 1), (5, 32), (16, 16), (17, 31), (40, 48)] {
            let head = Head { width: 2 * size + 3, start: size, size };
            let x: Vec<f32> = (0..length * head.width).map(|i| i as f32).collect();
            let padded = length.next_multiple_of(LANES);
            let mut out = vec![f32::NAN; size * padded];
            head.transpose(&x, length, padded, &mut out);
            for (d, row) in out.chunks_exact(padded).enumerate() {
                for (j, &value) in row.iter().enumerate() {
                    let expected = if j < length { head.row(&x, j)[d] } else { 0.0 };
                    assert_eq!(value, expected, "{length} rows of {size}, column {d}, row {j}");
                }
            }
        }
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

    #[test]
    fn gelu_stays_within_its_error_bound() {
        // 0.5 erfc(-x / sqrt(2)) by its continued fraction or its series, in f64.
        let phi = |x: f64| {
            let tail = |z: f64| {
                let fraction = (1..200).rev().fold(0.0, |rest, k| f64::from(k) / (z + rest));
                (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() / (z + fraction)
            };
            if x.abs() > 3.0 {
                return if x > 0.0 { 1.0 - tail(x) } else { tail(-x) };
            }
            let mut term = x;
            let sum: f64 = (1..100)
                .map(|k| {
                    let t = term;
                    term *= -x * x / f64::from(2 * k);
                    t / f64::from(2 * k - 1)
                })
                .sum();
            0.5 + sum / (2.0 * std::f64::consts::PI).sqrt()
        };
        assert!((phi(1.0) - 0.841_344_746_068_543).abs() < 1e-14 && (phi(4.0) - 0.999_968_328_758_167).abs() < 1e-14);
        for i in -60_000..=60_000 {
            let x = i as f32 * 2e-4;
            let exact = f64::from(x) * phi(f64::from(x));
            let error = (f64::from(gelu(x)) - exact).abs();
            assert!(error <= 3e-7 * f64::from(x.abs()), "gelu({x}) is off by {error}");
        }
        assert!(!gelu(f32::NAN).is_finite() && !gelu(f32::NEG_INFINITY).is_finite());
    }
}

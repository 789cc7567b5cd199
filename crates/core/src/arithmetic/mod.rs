//! The `f32` arithmetic that the trainer and the engine share, operation by operation, so that both compute the same bits.
//!
//! Plain loops over fixed groups of [`LANES`] values, compiled for the widest instruction set of the machine at run time. Sums
//! keep one accumulator a lane and no fused multiply-add is used: results do not depend on the instruction set.

mod attention;

pub use attention::Attention;

/// Accumulators of a reduction.
pub const LANES: usize = 16;

/// Runs `f` compiled for the widest instruction set of this machine. `f` and what it calls must be inlined to profit.
#[inline(always)]
pub fn wide<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// Joins accumulators pair by pair, each with the one half the lanes away: four steps deep where one after another would be 16.
#[inline(always)]
fn join<T: Copy>(mut lanes: [T; LANES], f: impl Fn(T, T) -> T) -> T {
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

/// BERT's GELU, `x Phi(x)`. Absolute error below `1e-7 |x|`.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    x * normal(x).0
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
#[inline(always)]
pub fn softmax(scores: &mut [f32], length: usize) {
    scores[length..].fill(f32::NEG_INFINITY);
    let (groups, _) = scores.as_chunks_mut::<LANES>();
    let mut high = [f32::NEG_INFINITY; LANES];
    for group in groups.iter() {
        for lane in 0..LANES {
            high[lane] = if group[lane] > high[lane] { group[lane] } else { high[lane] };
        }
    }
    let max = join(high, |a, b| if a > b { a } else { b });
    let mut lanes = [0.0; LANES];
    for group in groups.iter_mut() {
        for lane in 0..LANES {
            group[lane] = exp(group[lane] - max);
            lanes[lane] += group[lane];
        }
    }
    let inverse = 1.0 / join(lanes, |a, b| a + b);
    scores.iter_mut().for_each(|score| *score *= inverse);
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

    /// `x^T` of this head as `[size, padded]`, zero beyond the sentence.
    #[inline(always)]
    pub fn transpose(&self, x: &[f32], length: usize, padded: usize, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.size * padded, 0.0);
        for j in 0..length {
            for (d, &value) in self.row(x, j).iter().enumerate() {
                out[d * padded + j] = value;
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

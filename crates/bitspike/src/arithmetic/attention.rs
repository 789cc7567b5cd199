//! Attention of one sentence, in tiles of registers.
//!
//! Every sum runs over its index in order with one accumulator and no fused multiply-add, so that tiles and the width of the
//! machine's vectors change no bit.

use pulp::{Simd, WithSimd};

use super::heads::{Head, copy, heads};
use super::lanes::{Aligned, LANES, arch};
use super::relative::Relative;
use super::softmax::softmax_rows;

/// Most queries that share loaded keys and values: with two vectors each, their sums take 12 registers.
const QUERIES: usize = 6;

/// Values that stand for `scale` times themselves, as spike counts do.
#[derive(Debug, Clone, Copy)]
pub struct Scaled<'a> {
    /// The values.
    pub values: &'a [f32],
    /// What each is multiplied by.
    pub scale: f32,
}

/// What [`Attention::attend`] reads.
#[derive(Debug, Clone, Copy)]
pub struct AttentionInputs<'a> {
    /// `[Q, D]`: any of the sentence's queries; each is answered by itself.
    pub query: &'a [f32],
    /// `[L, D]`
    pub key: Scaled<'a>,
    /// `[L, D]`
    pub value: Scaled<'a>,
    /// `D`
    pub width: usize,
    /// Heads, a divisor of `D`.
    pub heads: usize,
    /// What is added to the scores by the distance of key from query; the queries are then neighbours.
    pub relative: Option<Relative<'a>>,
}

/// Attention of one sentence, with scratch memory that is kept from call to call:
/// `out = softmax(query (key_scale key)^T / sqrt(D/H) + bias) (value_scale value)`, head by head.
///
/// ```
/// use bitspike::arithmetic::{Attention, AttentionInputs, Scaled};
/// // A query that both keys suit alike takes the mean of their values, 3 and 5, times a half.
/// let (key, value) = (Scaled { values: &[1.0, 1.0], scale: 1.0 }, Scaled { values: &[3.0, 5.0], scale: 0.5 });
/// let mut out = [0.0];
/// let inputs = AttentionInputs { query: &[7.0], key, value, width: 1, heads: 1, relative: None };
/// Attention::default().attend(inputs, &mut out);
/// assert_eq!(out, [2.0]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Attention {
    /// `[size, padded]`
    keys: Aligned,
    /// `[L, size]`: rows of all heads are so far apart that they would drive each other out of the first-level cache.
    values: Aligned,
    /// `[QUERIES, padded]`
    scores: Aligned,
}

impl Attention {
    /// Fills `out` `[Q, D]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn attend(&mut self, inputs: AttentionInputs<'_>, out: &mut [f32]) {
        let shapes = (inputs.query.len(), inputs.key.values.len());
        assert!(shapes == (out.len(), inputs.value.values.len()), "shapes of attention");
        arch().dispatch(Attend { scratch: self, inputs, out });
    }
}

struct Attend<'a> {
    scratch: &'a mut Attention,
    inputs: AttentionInputs<'a>,
    out: &'a mut [f32],
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let AttentionInputs { query, key, value, width, heads: count, relative } = self.inputs;
        let (queries, length) = (query.len() / width, key.values.len() / width);
        let padded = length.next_multiple_of(LANES);
        let size = width / count;
        let factor = key.scale / (size as f32).sqrt();
        let Attention { keys, values, scores } = self.scratch;
        let (keys, values, scores) = (keys.get(size * padded), values.get(length * size), scores.get(QUERIES * padded));
        for (number, head) in heads(width, count).enumerate() {
            let relative = relative.map(|own| Relative { head: own.head + number, ..own });
            head.transpose(key.values, length, padded, keys);
            for (j, row) in values.chunks_exact_mut(size).enumerate() {
                copy(head.row(value.values, j), row);
            }
            let value_scale = value.scale;
            let pass = Pass { head, query, keys, values, factor, value_scale, length, padded, relative };
            // Groups of equal height, or one less: a lone query would cost nearly as much as a group.
            let groups = queries.div_ceil(QUERIES);
            let mut first = 0;
            for group in 0..groups {
                let height = queries / groups + usize::from(group < queries % groups);
                let scores = &mut scores[..height * padded];
                match height {
                    1 => pass.rows::<S, 1>(simd, first, scores, self.out),
                    2 => pass.rows::<S, 2>(simd, first, scores, self.out),
                    3 => pass.rows::<S, 3>(simd, first, scores, self.out),
                    4 => pass.rows::<S, 4>(simd, first, scores, self.out),
                    5 => pass.rows::<S, 5>(simd, first, scores, self.out),
                    _ => pass.rows::<S, 6>(simd, first, scores, self.out),
                }
                first += height;
            }
        }
    }
}

/// One head's attention.
struct Pass<'a> {
    head: Head,
    query: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    factor: f32,
    value_scale: f32,
    length: usize,
    padded: usize,
    /// Those of its head.
    relative: Option<Relative<'a>>,
}

impl Pass<'_> {
    /// The `ROWS` queries from `first` on.
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize>(&self, simd: S, first: usize, scores: &mut [f32], out: &mut [f32]) {
        let (head, padded, lanes) = (self.head, self.padded, S::F32_LANES);
        let queries: [&[f32]; ROWS] = std::array::from_fn(|r| head.row(self.query, first + r));
        let columns = Columns { values: self.keys, stride: padded, count: head.size };
        let mut at = 0;
        while at + 2 * lanes <= padded {
            let sums = columns.sums::<S, ROWS, 2>(simd, at, queries);
            for (r, sums) in sums.iter().enumerate() {
                put(simd, sums, self.factor, &mut scores[r * padded + at..]);
            }
            at += 2 * lanes;
        }
        while at < padded {
            let sums = columns.sums::<S, ROWS, 1>(simd, at, queries);
            for (r, sums) in sums.iter().enumerate() {
                put(simd, sums, self.factor, &mut scores[r * padded + at..]);
            }
            at += lanes;
        }
        if let Some(Relative { bias, head, query }) = self.relative {
            for (r, scores) in scores.chunks_exact_mut(padded).enumerate() {
                let row = bias.row(head, query + first + r, self.length);
                scores.iter_mut().zip(row).for_each(|(score, bias)| *score += bias);
            }
        }
        softmax_rows::<S, ROWS>(simd, scores, self.length);
        let scores = &*scores;
        let weights: [&[f32]; ROWS] = std::array::from_fn(|r| &scores[r * padded..][..self.length]);
        let columns = Columns { values: self.values, stride: head.size, count: self.length };
        let mut at = 0;
        while at + 2 * lanes <= head.size {
            let sums = columns.sums::<S, ROWS, 2>(simd, at, weights);
            for (r, sums) in sums.iter().enumerate() {
                put(simd, sums, self.value_scale, &mut head.row_mut(out, first + r)[at..]);
            }
            at += 2 * lanes;
        }
        while at + lanes <= head.size {
            let sums = columns.sums::<S, ROWS, 1>(simd, at, weights);
            for (r, sums) in sums.iter().enumerate() {
                put(simd, sums, self.value_scale, &mut head.row_mut(out, first + r)[at..]);
            }
            at += lanes;
        }
        for at in at..head.size {
            for (r, weights) in weights.iter().enumerate() {
                let column = self.values[at..].iter().step_by(head.size);
                let terms = weights.iter().zip(column).map(|(weight, value)| weight * value);
                head.row_mut(out, first + r)[at] = terms.fold(0.0, |sum, term| sum + term) * self.value_scale;
            }
        }
    }
}

/// Rows of values `stride` apart.
struct Columns<'a> {
    values: &'a [f32],
    stride: usize,
    count: usize,
}

impl Columns<'_> {
    /// `sums[r] = sum over j of x[r][j] * values[j]` of the `VECTORS` vectors from column `at` on, in order of `j`.
    #[inline(always)]
    fn sums<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        at: usize,
        x: [&[f32]; ROWS],
    ) -> [[S::f32s; VECTORS]; ROWS] {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        let (count, stride) = (self.count, self.stride);
        let needed = at + count.saturating_sub(1) * stride + VECTORS * S::F32_LANES;
        assert!(needed <= self.values.len() && x.iter().all(|x| x.len() >= count), "columns outside of the values");
        let mut row = self.values[at..].as_ptr();
        for j in 0..count {
            // SAFETY: vectors of `f32` are read within `needed` values, which are there; `j` is below the length of each `x`.
            unsafe {
                let values: [S::f32s; VECTORS] =
                    std::array::from_fn(|i| row.add(i * S::F32_LANES).cast::<S::f32s>().read_unaligned());
                for (x, sums) in x.iter().zip(&mut sums) {
                    let x = simd.splat_f32s(*x.get_unchecked(j));
                    for (sum, &value) in sums.iter_mut().zip(&values) {
                        *sum = simd.add_f32s(*sum, simd.mul_f32s(x, value));
                    }
                }
            }
            row = row.wrapping_add(stride);
        }
        sums
    }
}

/// `out = factor * sums`
#[inline(always)]
fn put<S: Simd, const VECTORS: usize>(simd: S, sums: &[S::f32s; VECTORS], factor: f32, out: &mut [f32]) {
    let (out, _) = S::as_mut_simd_f32s(out);
    for (out, &sum) in out.iter_mut().zip(sums) {
        *out = simd.mul_f32s(sum, simd.splat_f32s(factor));
    }
}

//! Parallel loops over the lane arithmetic of [`bitspike::arithmetic`]. Work is split in pieces of fixed size and joined in
//! order, so that results do not depend on the number of threads.

use rayon::prelude::*;

pub(super) use bitspike::arithmetic::{LANES, gelu, lane_sum2, normal, normalise_row, softmax, wide};

/// Values per piece of parallel elementwise work: 64 KiB, well inside a second-level cache.
pub(super) const PIECE: usize = 16 * 1024;

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

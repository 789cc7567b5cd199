//! 128-bit kernels of 64-bit ARM.
//!
//! A quarter of a block, four rows, is one register. Machines with the `dotprod` extension multiply bytes by `sdot`, the others by
//! widening products. On other architectures the module is compiled for the tests alone, with its instructions replaced by their
//! definitions in plain Rust (`emulated`), so that everything but the instructions themselves is tested everywhere. Those were run
//! under QEMU against their definitions, all extremes included. The whole has not been timed on an ARM machine.

use std::ops::Range;

use super::forms::Line;
use super::forms::counts::{BLOCK, CountMatrix, CountsRef, GROUP, Output, padded};

#[cfg(target_arch = "aarch64")]
use machine as instructions;

#[cfg(not(target_arch = "aarch64"))]
use emulated as instructions;

/// Tokens of a tile: with a quarter of a block of rows and its four vectors of codes their sums fit 32 registers.
pub(super) const TOKENS: usize = 8;

/// Rows of a quarter of a block: the 32-bit lanes of a register.
const QUARTER: usize = BLOCK / 4;

/// See [`CountMatrix::product`] and [`CountMatrix::project`]; up to [`TOKENS`] tokens.
///
/// # Panics
/// If there are more tokens.
pub(super) fn tile(matrix: &CountMatrix, blocks: Range<usize>, counts: CountsRef<'_>, out: Output<'_>) {
    if instructions::has_dot() {
        heights(matrix, blocks, counts, out, instructions::dot);
    } else {
        heights(matrix, blocks, counts, out, instructions::widening_dot);
    }
}

#[inline(always)]
fn heights(
    matrix: &CountMatrix,
    blocks: Range<usize>,
    counts: CountsRef<'_>,
    out: Output<'_>,
    dot: impl Fn([i32; 4], [i8; 16], [i8; 16]) -> [i32; 4],
) {
    match counts.sums.len() {
        0 => (),
        1 => rows::<1>(matrix, blocks, counts, out, dot),
        2 => rows::<2>(matrix, blocks, counts, out, dot),
        3 => rows::<3>(matrix, blocks, counts, out, dot),
        4 => rows::<4>(matrix, blocks, counts, out, dot),
        5 => rows::<5>(matrix, blocks, counts, out, dot),
        6 => rows::<6>(matrix, blocks, counts, out, dot),
        7 => rows::<7>(matrix, blocks, counts, out, dot),
        8 => rows::<8>(matrix, blocks, counts, out, dot),
        more => panic!("{more} tokens in a tile of {TOKENS}"),
    }
}

#[inline(always)]
fn rows<const N: usize>(
    matrix: &CountMatrix,
    blocks: Range<usize>,
    counts: CountsRef<'_>,
    mut out: Output<'_>,
    dot: impl Fn([i32; 4], [i8; 16], [i8; 16]) -> [i32; 4],
) {
    let width = padded(matrix.columns);
    for quarter in 4 * blocks.start..matrix.rows.div_ceil(QUARTER).min(4 * blocks.end) {
        let mut sums = [[0i32; QUARTER]; N];
        for (group, Line(bytes)) in matrix.block(quarter / 4).iter().enumerate() {
            let bytes = &bytes.as_chunks::<16>().0[quarter % 4];
            for i in 0..4 {
                let codes = bytes.map(|byte| (byte >> (2 * i) & 3) as i8);
                for (m, sums) in sums.iter_mut().enumerate() {
                    let four: [i8; 4] =
                        counts.data[m * width + group * GROUP + 4 * i..][..4].try_into().expect("four counts");
                    *sums = dot(*sums, codes, std::array::from_fn(|lane| four[lane % 4]));
                }
            }
        }
        let row = quarter * QUARTER;
        for (m, sums) in sums.iter().enumerate() {
            let at = m * matrix.rows + row;
            for (i, sum) in sums.iter().enumerate().take(matrix.rows - row) {
                let sum = sum - counts.sums[m];
                match &mut out {
                    Output::Sums(out) => out[at + i] = sum,
                    Output::Affine { factors, bias, out } => {
                        out[at + i] = sum as f32 * factors[row + i] + bias[row + i]
                    }
                }
            }
        }
    }
}

/// The instructions.
#[cfg(target_arch = "aarch64")]
mod machine {
    use std::arch::aarch64::{
        int32x4_t, vaddq_s32, vget_low_s8, vld1q_s8, vld1q_s32, vmull_high_s8, vmull_s8, vpaddlq_s16, vpaddq_s32,
        vst1q_s32,
    };

    pub(super) fn has_dot() -> bool {
        std::arch::is_aarch64_feature_detected!("dotprod")
    }

    /// `sum[lane] += sum of a[4 lane + k] * b[4 lane + k]` for `k < 4`.
    #[inline(always)]
    pub(super) fn dot(sum: [i32; 4], a: [i8; 16], b: [i8; 16]) -> [i32; 4] {
        // SAFETY: the arrays are 16 bytes each; `has_dot` was asked before, and the instruction has no effect but on `sum`. It is
        // written as assembly because the intrinsic is not stable in Rust 1.95.
        unsafe {
            let (a, b) = (vld1q_s8(a.as_ptr()), vld1q_s8(b.as_ptr()));
            let mut sums: int32x4_t = vld1q_s32(sum.as_ptr());
            std::arch::asm!(
                ".arch_extension dotprod",
                "sdot {sums:v}.4s, {a:v}.16b, {b:v}.16b",
                sums = inout(vreg) sums, a = in(vreg) a, b = in(vreg) b,
                options(pure, nomem, nostack, preserves_flags)
            );
            let mut out = [0; 4];
            vst1q_s32(out.as_mut_ptr(), sums);
            out
        }
    }

    /// [`dot`] on machines without it.
    #[inline(always)]
    pub(super) fn widening_dot(sum: [i32; 4], a: [i8; 16], b: [i8; 16]) -> [i32; 4] {
        // SAFETY: the arrays are 16 bytes each, and every 64-bit ARM has these instructions.
        unsafe {
            let (a, b) = (vld1q_s8(a.as_ptr()), vld1q_s8(b.as_ptr()));
            let low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)));
            let high = vpaddlq_s16(vmull_high_s8(a, b));
            let mut out = [0; 4];
            vst1q_s32(out.as_mut_ptr(), vaddq_s32(vld1q_s32(sum.as_ptr()), vpaddq_s32(low, high)));
            out
        }
    }
}

/// The instructions by their definition.
#[cfg(not(target_arch = "aarch64"))]
mod emulated {
    pub(super) fn has_dot() -> bool {
        true
    }

    pub(super) fn dot(sum: [i32; 4], a: [i8; 16], b: [i8; 16]) -> [i32; 4] {
        std::array::from_fn(|lane| {
            sum[lane] + (4 * lane..4 * lane + 4).map(|k| i32::from(a[k]) * i32::from(b[k])).sum::<i32>()
        })
    }

    pub(super) use dot as widening_dot;
}

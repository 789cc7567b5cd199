//! Counts: byte products, and the permutation of counts that they read.

use std::arch::x86_64::{
    __m512i, _MM_HINT_T1, _mm_loadu_si128, _mm_prefetch, _mm_shuffle_epi8, _mm_storeu_si128, _mm512_add_epi32,
    _mm512_add_ps, _mm512_and_si512, _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps, _mm512_cvtps_epi32, _mm512_dpbusd_epi32,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_epi32, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_mul_ps, _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_srli_epi16, _mm512_sub_epi32,
};

use std::ops::Range;

use crate::kernels::Kernels;
use crate::kernels::forms::Line;
use crate::kernels::forms::counts::{BLOCK, BYTES, CountMatrix, CountsRef, GROUP, Output};

/// Tokens of a tile of counts: with two blocks of rows their sums take 20 of 32 registers. Two more would fit and are no faster,
/// but leave so few that the compiler may keep sums in memory, at two thirds of the rate.
pub(in crate::kernels) const TOKENS: usize = 10;

/// See [`CountMatrix::product`] and [`CountMatrix::project`]; up to [`TOKENS`] tokens.
///
/// # Panics
/// If the machine lacks the instructions, or there are more tokens.
pub(in crate::kernels) fn tile(matrix: &CountMatrix, blocks: Range<usize>, counts: CountsRef<'_>, out: Output<'_>) {
    assert!(Kernels::Avx512.is_available(), "no AVX-512 VNNI on this machine");
    macro_rules! heights {
        ($($n:literal x $b:literal)*) => {
            match counts.sums.len() {
                0 => (),
                // SAFETY: the machine has the instructions that the function is compiled for.
                $($n => unsafe { rows::<$n, $b>(matrix, blocks, counts, out) },)*
                more => panic!("{more} tokens in a tile of {TOKENS}"),
            }
        };
    }
    // Tokens x blocks of rows: few tokens take more blocks, so that no sum waits for itself.
    heights!(1 x 8 2 x 4 3 x 4 4 x 4 5 x 2 6 x 2 7 x 2 8 x 2 9 x 2 10 x 2);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn rows<const N: usize, const B: usize>(
    matrix: &CountMatrix,
    blocks: Range<usize>,
    counts: CountsRef<'_>,
    mut out: Output<'_>,
) {
    assert!(counts.sums.len() == N && out.fits(N, matrix.rows), "shapes");
    let Range { start: mut block, end: blocks } = blocks;
    while block + B <= blocks {
        some_blocks::<N, B>(matrix, block, counts, &mut out);
        block += B;
    }
    while block < blocks {
        some_blocks::<N, 1>(matrix, block, counts, &mut out);
        block += 1;
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn some_blocks<const N: usize, const B: usize>(
    matrix: &CountMatrix,
    block: usize,
    counts: CountsRef<'_>,
    out: &mut Output<'_>,
) {
    let sums = sums_of_blocks::<N, B>(std::array::from_fn(|b| matrix.block(block + b)), counts.data);
    // A copy, so that the sums themselves never need an address and stay in registers.
    for (m, sums) in sums.into_iter().enumerate() {
        for (b, sum) in sums.into_iter().enumerate() {
            store(matrix.rows, (m, block + b), _mm512_sub_epi32(sum, _mm512_set1_epi32(counts.sums[m])), out);
        }
    }
}

/// `sum over k of stored[r, k] * count[m, k]` of the rows `r` of `B` blocks for `N` tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn sums_of_blocks<const N: usize, const B: usize>(blocks: [&[Line<[u8; BYTES]>]; B], data: &[i8]) -> [[__m512i; B]; N] {
    let groups = blocks[0].len();
    let width = groups * GROUP;
    assert!(blocks.iter().all(|block| block.len() == groups) && data.len() == N * width, "shapes");
    let mask = _mm512_set1_epi8(3);
    let mut sums = [[_mm512_setzero_si512(); B]; N];
    for group in 0..groups {
        let mut bytes = [_mm512_setzero_si512(); B];
        for b in 0..B {
            let at = blocks[b].as_ptr().wrapping_add(group);
            // What comes next lies behind these blocks. A matrix that fills more than the caches streams from memory, where the
            // machine's own prefetching stops at every page.
            _mm_prefetch::<_MM_HINT_T1>(at.wrapping_add(B * groups).cast());
            // SAFETY: each block has `groups` groups of 64 bytes.
            bytes[b] = unsafe { _mm512_loadu_si512(at.cast()) };
        }
        for i in 0..4 {
            let mut codes = [_mm512_setzero_si512(); B];
            for b in 0..B {
                codes[b] = _mm512_and_si512(bytes[b], mask);
                bytes[b] = _mm512_srli_epi16::<2>(bytes[b]);
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                // SAFETY: token `m < N` has `width` bytes, a whole number of groups of 16, and `group` is one of them.
                let four =
                    unsafe { data.as_ptr().add(m * width + group * GROUP + 4 * i).cast::<i32>().read_unaligned() };
                let four = _mm512_set1_epi32(four);
                for b in 0..B {
                    sums[b] = _mm512_dpbusd_epi32(sums[b], codes[b], four);
                }
            }
        }
    }
    sums
}

/// Stores the sums of block `block` for token `m`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn store(rows: usize, (m, block): (usize, usize), sum: __m512i, out: &mut Output<'_>) {
    let row = block * BLOCK;
    let lanes = ((1u32 << (rows - row).min(BLOCK)) - 1) as u16;
    let at = m * rows + row;
    match out {
        // SAFETY: `lanes` are the rows from `row` on that the matrix, and thereby the output, has.
        Output::Sums(out) => unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr().add(at), lanes, sum) },
        // SAFETY: as above; factors and biases have a value a row.
        Output::Affine { factors, bias, out } => unsafe {
            let factor = _mm512_maskz_loadu_ps(lanes, factors.as_ptr().add(row));
            let bias = _mm512_maskz_loadu_ps(lanes, bias.as_ptr().add(row));
            let value = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), factor), bias);
            _mm512_mask_storeu_ps(out.as_mut_ptr().add(at), lanes, value);
        },
    }
}

/// Byte `4 i + b` of the result is byte `4 b + i` of a group.
const PERMUTATION: [i8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// See [`crate::kernels::pack_counts`]; whole groups of 16.
///
/// # Panics
/// If the machine lacks the instructions.
pub(in crate::kernels) fn pack(counts: &[f32], data: &mut [i8]) -> i32 {
    assert!(Kernels::Avx512.is_available(), "no AVX-512 on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { permuted(counts, data) }
}

#[target_feature(enable = "avx512f,ssse3")]
fn permuted(counts: &[f32], data: &mut [i8]) -> i32 {
    // SAFETY: 16 bytes of a constant.
    let permutation = unsafe { _mm_loadu_si128(PERMUTATION.as_ptr().cast()) };
    let mut sums = _mm512_setzero_si512();
    for (counts, data) in counts.as_chunks::<16>().0.iter().zip(data.as_chunks_mut::<16>().0) {
        // SAFETY: 16 floats are read and 16 bytes written.
        unsafe {
            let counts = _mm512_cvtps_epi32(_mm512_loadu_ps(counts.as_ptr()));
            sums = _mm512_add_epi32(sums, counts);
            _mm_storeu_si128(data.as_mut_ptr().cast(), _mm_shuffle_epi8(_mm512_cvtepi32_epi8(counts), permutation));
        }
    }
    _mm512_reduce_add_epi32(sums)
}

//! Counts: products of words or of bytes, and the permutation of counts that they read.

use std::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_mul, i8x16_narrow_i16x8, i8x16_shuffle, i16x8_narrow_i32x4, i32x4_add,
    i32x4_dot_i16x8, i32x4_splat, i32x4_sub, i32x4_trunc_sat_f32x4, u16x8_shr, v128, v128_and, v128_load, v128_store,
};
#[cfg(target_feature = "relaxed-simd")]
use std::arch::wasm32::{i16x8_add, i16x8_relaxed_dot_i8x16_i7x16, i32x4_extadd_pairwise_i16x8};
use std::ops::Range;

use crate::kernels::forms::Line;
use crate::kernels::forms::counts::{BLOCK, BYTES, CountMatrix, CountsRef, GROUP, Output};

/// Tokens of a tile: with two quarters of blocks their sums, the codes and the counts fit 16 registers.
pub(in crate::kernels) const TOKENS: usize = 5;

/// Rows of a quarter of a block: the 32-bit lanes of a vector.
const QUARTER: usize = BLOCK / 4;

/// How codes meet counts.
trait Product {
    /// A count as it is multiplied.
    type Count: Copy;

    /// `sum over k of stored[r, k] * count[m, k]` of the four rows `r` of each of `H` quarters, the first of which has number
    /// `quarter`, given the block of each, for the tokens `m`.
    fn sums<const N: usize, const H: usize>(
        blocks: [&[Line<[u8; BYTES]>]; H],
        quarter: usize,
        counts: [&[Self::Count]; N],
    ) -> [[v128; H]; N];
}

/// Products of 16-bit words, two of which the instruction adds: of a 32-bit word of a row the bytes 0 and 2, then 1 and 3.
struct Words;

impl Product for Words {
    /// Two words: the counts that meet the bytes 0 and 2, or 1 and 3.
    type Count = [i16; 2];

    #[inline(always)]
    fn sums<const N: usize, const H: usize>(
        blocks: [&[Line<[u8; BYTES]>]; H],
        quarter: usize,
        counts: [&[[i16; 2]]; N],
    ) -> [[v128; H]; N] {
        let groups = blocks[0].len();
        assert!(blocks.iter().all(|block| block.len() == groups), "shapes");
        assert!(counts.iter().all(|counts| counts.len() == groups * GROUP / 2), "shapes");
        let mask = i32x4_splat(0x0003_0003);
        let mut sums = [[i32x4_splat(0); H]; N];
        for group in 0..groups {
            let mut bytes = [mask; H];
            for h in 0..H {
                // SAFETY: `group` is one of each block's; a quarter of its 64 bytes is read.
                bytes[h] = unsafe { v128_load(blocks[h].as_ptr().add(group).cast::<v128>().add((quarter + h) % 4)) };
            }
            for i in 0..8 {
                // The codes `i / 2` of the bytes 0 and 2 of each word, or of its bytes 1 and 3.
                let mut codes = [mask; H];
                for h in 0..H {
                    codes[h] = v128_and(u16x8_shr(bytes[h], (2 * (i / 2) + 8 * (i % 2)) as u32), mask);
                }
                for m in 0..N {
                    // SAFETY: each token has as many pairs as `groups` groups hold.
                    let two = unsafe { counts[m].as_ptr().add(group * GROUP / 2 + i).cast::<i32>().read_unaligned() };
                    for h in 0..H {
                        sums[m][h] = i32x4_add(sums[m][h], i32x4_dot_i16x8(codes[h], i32x4_splat(two)));
                    }
                }
            }
        }
        sums
    }
}

/// Groups after which sums of 16 bits are widened. A pair of products is at most `2 * 2 * 127 = 508`, and there are four a group:
/// `16 * 4 * 508 = 32,512` fits 16 bits.
#[cfg(target_feature = "relaxed-simd")]
const WIDEN: usize = 16;

/// Products of bytes, of which relaxed SIMD adds two: exact, since stored codes are 0 to 2 and its second operand may be 0 to 127.
#[cfg(target_feature = "relaxed-simd")]
struct Bytes;

#[cfg(target_feature = "relaxed-simd")]
impl Product for Bytes {
    /// Four bytes.
    type Count = [i8; 4];

    #[inline(always)]
    fn sums<const N: usize, const H: usize>(
        blocks: [&[Line<[u8; BYTES]>]; H],
        quarter: usize,
        counts: [&[[i8; 4]]; N],
    ) -> [[v128; H]; N] {
        let groups = blocks[0].len();
        assert!(blocks.iter().all(|block| block.len() == groups), "shapes");
        assert!(counts.iter().all(|counts| counts.len() == groups * GROUP / 4), "shapes");
        let mask = i32x4_splat(0x0303_0303);
        let mut all = [[i32x4_splat(0); H]; N];
        for first in (0..groups).step_by(WIDEN) {
            let mut sums = [[i32x4_splat(0); H]; N];
            for group in first..groups.min(first + WIDEN) {
                let mut bytes = [mask; H];
                for h in 0..H {
                    // SAFETY: `group` is one of each block's; a quarter of its 64 bytes is read.
                    bytes[h] =
                        unsafe { v128_load(blocks[h].as_ptr().add(group).cast::<v128>().add((quarter + h) % 4)) };
                }
                for i in 0..4 {
                    let mut codes = [mask; H];
                    for h in 0..H {
                        codes[h] = v128_and(u16x8_shr(bytes[h], 2 * i as u32), mask);
                    }
                    for m in 0..N {
                        // SAFETY: each token has four bytes for each `i` of `groups` groups.
                        let four = unsafe { counts[m].as_ptr().add(group * 4 + i).cast::<i32>().read_unaligned() };
                        for h in 0..H {
                            let pairs = i16x8_relaxed_dot_i8x16_i7x16(i32x4_splat(four), codes[h]);
                            sums[m][h] = i16x8_add(sums[m][h], pairs);
                        }
                    }
                }
            }
            for (all, sums) in all.iter_mut().zip(sums) {
                for (all, sum) in all.iter_mut().zip(sums) {
                    *all = i32x4_add(*all, i32x4_extadd_pairwise_i16x8(sum));
                }
            }
        }
        all
    }
}

/// Whether this host multiplies bytes as the kernels need it: the extremes of both operands, summed, are what they should be.
#[cfg(target_feature = "relaxed-simd")]
pub(in crate::kernels) fn is_exact() -> bool {
    use std::arch::wasm32::{i8x16_splat, i16x8_all_true, i16x8_eq, i16x8_splat};
    let exact = |count: i8, code: i8| {
        // What a compiler knows it computes itself.
        let [counts, codes] = [count, code].map(|value| i8x16_splat(std::hint::black_box(value)));
        let expected = i16x8_splat(2 * i16::from(count) * i16::from(code));
        i16x8_all_true(i16x8_eq(i16x8_relaxed_dot_i8x16_i7x16(counts, codes), expected))
    };
    [(127, 127), (-127, 127), (-128, 127), (127, 2), (-127, 2), (-1, 1), (5, 0)].into_iter().all(|(n, c)| exact(n, c))
}

/// See [`CountMatrix::product`] and [`CountMatrix::project`]; up to [`TOKENS`] tokens.
///
/// # Panics
/// If there are more tokens.
pub(in crate::kernels) fn tile(matrix: &CountMatrix, blocks: Range<usize>, counts: CountsRef<'_>, out: Output<'_>) {
    let pairs = |&[a, b, c, d]: &[i8; 4]| [[a, c], [b, d]].map(|two| two.map(i16::from));
    let words: Vec<[i16; 2]> = counts.data.as_chunks::<4>().0.iter().flat_map(pairs).collect();
    heights::<Words>(matrix, blocks, &words, counts.sums, out);
}

/// [`tile`] with the byte products of relaxed SIMD.
///
/// # Panics
/// As [`tile`].
#[cfg(target_feature = "relaxed-simd")]
pub(in crate::kernels) fn tile_relaxed(
    matrix: &CountMatrix,
    blocks: Range<usize>,
    counts: CountsRef<'_>,
    out: Output<'_>,
) {
    heights::<Bytes>(matrix, blocks, counts.data.as_chunks().0, counts.sums, out);
}

// The heights `tokens x quarters of blocks`: more quarters give few tokens enough independent sums.
fn heights<P: Product>(
    matrix: &CountMatrix,
    blocks: Range<usize>,
    counts: &[P::Count],
    totals: &[i32],
    out: Output<'_>,
) {
    match totals.len() {
        0 => (),
        1 => rows::<P, 1, 4>(matrix, blocks, counts, totals, out),
        2 => rows::<P, 2, 4>(matrix, blocks, counts, totals, out),
        3 => rows::<P, 3, 2>(matrix, blocks, counts, totals, out),
        4 => rows::<P, 4, 2>(matrix, blocks, counts, totals, out),
        5 => rows::<P, 5, 2>(matrix, blocks, counts, totals, out),
        more => panic!("{more} tokens in a tile of {TOKENS}"),
    }
}

fn rows<P: Product, const N: usize, const H: usize>(
    matrix: &CountMatrix,
    blocks: Range<usize>,
    counts: &[P::Count],
    totals: &[i32],
    mut out: Output<'_>,
) {
    let quarters = matrix.rows.div_ceil(QUARTER).min(4 * blocks.end);
    let mut quarter = 4 * blocks.start;
    while quarter + H <= quarters {
        part::<P, N, H>(matrix, quarter, counts, totals, &mut out);
        quarter += H;
    }
    while quarter < quarters {
        part::<P, N, 1>(matrix, quarter, counts, totals, &mut out);
        quarter += 1;
    }
}

#[inline(always)]
fn part<P: Product, const N: usize, const H: usize>(
    matrix: &CountMatrix,
    quarter: usize,
    counts: &[P::Count],
    totals: &[i32],
    out: &mut Output<'_>,
) {
    let blocks = std::array::from_fn(|h| matrix.block((quarter + h) / 4));
    let each = counts.len() / N;
    let sums = P::sums::<N, H>(blocks, quarter, std::array::from_fn(|m| &counts[m * each..][..each]));
    for (m, sums) in sums.into_iter().enumerate() {
        for (h, sum) in sums.into_iter().enumerate() {
            let sum = i32x4_sub(sum, i32x4_splat(totals[m]));
            finish(sum, (quarter + h) * QUARTER, m * matrix.rows, matrix.rows, out);
        }
    }
}

/// Stores the sums of rows `row..` of the token whose outputs begin at `token`. A function of its own: it would be in the module a
/// hundred times.
#[inline(never)]
fn finish(sums: v128, row: usize, token: usize, rows: usize, out: &mut Output<'_>) {
    let count = QUARTER.min(rows - row);
    let (values, at) = (row..row + count, token + row..token + row + count);
    match out {
        Output::Sums(out) => write(&mut out[at], sums),
        Output::Affine { factors, bias, out } => {
            let value = f32x4_mul(f32x4_convert_i32x4(sums), read(&factors[values.clone()]));
            write(&mut out[at], f32x4_add(value, read(&bias[values])));
        }
    }
}

/// The first values of a vector.
#[inline(always)]
fn write<T: Copy + Default>(out: &mut [T], values: v128) {
    let mut all = [T::default(); QUARTER];
    const { assert!(size_of::<T>() == 4, "32-bit lanes") };
    match out.as_mut_array::<QUARTER>() {
        // SAFETY: the array is 16 bytes.
        Some(out) => unsafe { v128_store(out.as_mut_ptr().cast(), values) },
        None => {
            // SAFETY: the array is 16 bytes.
            unsafe { v128_store(all.as_mut_ptr().cast(), values) };
            out.copy_from_slice(&all[..out.len()]);
        }
    }
}

/// Up to [`QUARTER`] values, and 0 in the places of those that are missing.
#[inline(always)]
fn read(values: &[f32]) -> v128 {
    let mut all = [0.0; QUARTER];
    let all = values.as_array().unwrap_or_else(|| {
        all[..values.len()].copy_from_slice(values);
        &all
    });
    // SAFETY: the array is 16 bytes.
    unsafe { v128_load(all.as_ptr().cast()) }
}

/// See [`crate::kernels::pack_counts`]; whole groups of 16.
pub(in crate::kernels) fn pack(counts: &[f32], data: &mut [i8]) -> i32 {
    let mut sums = i32x4_splat(0);
    for (counts, data) in counts.as_chunks::<GROUP>().0.iter().zip(data.as_chunks_mut::<GROUP>().0) {
        let words: [v128; 4] = std::array::from_fn(|i| i32x4_trunc_sat_f32x4(read(&counts[i * QUARTER..][..QUARTER])));
        sums = words.into_iter().fold(sums, |sums, words| i32x4_add(sums, words));
        let [a, b, c, d] = words;
        let bytes = i8x16_narrow_i16x8(i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d));
        let bytes = i8x16_shuffle::<0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15>(bytes, bytes);
        // SAFETY: the array is 16 bytes.
        unsafe { v128_store(data.as_mut_ptr().cast(), bytes) };
    }
    let mut all = [0; QUARTER];
    write(&mut all, sums);
    all.iter().sum()
}

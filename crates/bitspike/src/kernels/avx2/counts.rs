//! Counts: byte products, and the permutation of counts that they read.

use std::arch::x86_64::{
    __m256, __m256i, _mm_loadu_si128, _mm_shuffle_epi8, _mm_storeu_si128, _mm_unpacklo_epi64, _mm256_add_epi16,
    _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_castsi256_si128, _mm256_cvtepi32_ps, _mm256_cvtps_epi32,
    _mm256_dpbusd_avx_epi32, _mm256_extract_epi32, _mm256_extracti128_si256, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_packs_epi16, _mm256_packs_epi32, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_srli_epi16, _mm256_storeu_ps,
    _mm256_storeu_si256, _mm256_sub_epi32,
};
use std::ops::Range;

use crate::kernels::Kernels;
use crate::kernels::forms::Line;
use crate::kernels::forms::counts::{BLOCK, BYTES, CountMatrix, CountsRef, GROUP, Output, padded};

/// Tokens of a tile: with two halves of blocks their sums, the codes, a mask and the counts fit 16 registers.
pub(in crate::kernels) const TOKENS: usize = 5;

/// Rows of half a block: the 32-bit lanes of a register.
const HALF: usize = BLOCK / 2;

/// Groups after which sums of 16 bits are widened. A pair of products is at most `2 * 2 * 127 = 508`, and there are four a group:
/// `16 * 4 * 508 = 32,512` fits 16 bits.
const WIDEN: usize = 16;

// The heights `tokens x halves of blocks` were the fastest of those tried: more halves give few tokens enough independent sums.
macro_rules! kernel {
    ($tile:ident, $rows:ident, $halves:ident, $sums:ident, $peak:ident, $features:literal, $kernels:expr,
        [$($n:literal x $h:literal),*], $step:expr, $widen:expr) => {
        /// See [`CountMatrix::product`] and [`CountMatrix::project`]; up to [`TOKENS`] tokens.
        ///
        /// # Panics
        /// If the machine lacks the instructions, or there are more tokens.
        pub(in crate::kernels) fn $tile(matrix: &CountMatrix, blocks: Range<usize>, counts: CountsRef<'_>, out: Output<'_>) {
            assert!($kernels.is_available(), "no {} on this machine", $features);
            // SAFETY: the machine has the instructions that the functions are compiled for.
            unsafe {
                match counts.sums.len() {
                    0 => (),
                    $($n => $rows::<$n, $h>(matrix, blocks, counts, out),)*
                    more => panic!("{more} tokens in a tile of {TOKENS}"),
                }
            }
        }

        #[target_feature(enable = $features)]
        fn $rows<const N: usize, const H: usize>(
            matrix: &CountMatrix,
            blocks: Range<usize>,
            counts: CountsRef<'_>,
            mut out: Output<'_>,
        ) {
            assert!(counts.sums.len() == N, "shapes");
            let halves = matrix.rows.div_ceil(HALF).min(2 * blocks.end);
            let mut half = 2 * blocks.start;
            while half + H <= halves {
                $halves::<N, H>(matrix, half, counts, &mut out);
                half += H;
            }
            while half < halves {
                $halves::<N, 1>(matrix, half, counts, &mut out);
                half += 1;
            }
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn $halves<const N: usize, const H: usize>(
            matrix: &CountMatrix,
            half: usize,
            counts: CountsRef<'_>,
            out: &mut Output<'_>,
        ) {
            let mut all = [[_mm256_setzero_si256(); H]; N];
            let width = padded(matrix.columns);
            for first in (0..width / GROUP).step_by(WIDEN) {
                let groups = first..(first + WIDEN).min(width / GROUP);
                let some: [&[Line<[u8; BYTES]>]; H] =
                    std::array::from_fn(|h| &matrix.block((half + h) / 2)[groups.clone()]);
                let sums = $sums::<N, H>(some, half, (counts.data, width, first));
                for (all, sums) in all.iter_mut().zip(sums) {
                    for (all, sum) in all.iter_mut().zip(sums) {
                        *all = _mm256_add_epi32(*all, $widen(sum));
                    }
                }
            }
            for (m, all) in all.into_iter().enumerate() {
                for (h, sum) in all.into_iter().enumerate() {
                    let sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(counts.sums[m]));
                    finish(sum, (half + h) * HALF, m * matrix.rows, matrix.rows, out);
                }
            }
        }

        /// Sums, not yet widened, of up to [`WIDEN`] groups: of `H` halves of blocks, the first of which has number `half`, given
        /// the block of each, for `N` tokens, of whose counts those from group `first` on belong to the groups.
        #[target_feature(enable = $features)]
        #[inline]
        fn $sums<const N: usize, const H: usize>(
            blocks: [&[Line<[u8; BYTES]>]; H],
            half: usize,
            (data, width, first): (&[i8], usize, usize),
        ) -> [[__m256i; H]; N] {
            let groups = blocks[0].len();
            assert!(blocks.iter().all(|block| block.len() == groups), "shapes");
            assert!(data.len() == N * width && (first + groups) * GROUP <= width, "shapes");
            let mask = _mm256_set1_epi8(3);
            let mut sums = [[_mm256_setzero_si256(); H]; N];
            for group in 0..groups {
                let mut bytes = [_mm256_setzero_si256(); H];
                for h in 0..H {
                    // SAFETY: `group` is one of each block's; half of its 64 bytes are read.
                    bytes[h] = unsafe {
                        let line = blocks[h].as_ptr().add(group).cast::<__m256i>();
                        _mm256_loadu_si256(line.add((half + h) % 2))
                    };
                }
                for i in 0..4 {
                    let mut codes = [_mm256_setzero_si256(); H];
                    for h in 0..H {
                        codes[h] = _mm256_and_si256(bytes[h], mask);
                        bytes[h] = _mm256_srli_epi16::<2>(bytes[h]);
                    }
                    for m in 0..N {
                        // SAFETY: token `m < N` has `width` bytes, and the groups end before them.
                        let four = unsafe { data.as_ptr().add(m * width + (first + group) * GROUP + 4 * i) };
                        // SAFETY: four bytes of those.
                        let four = _mm256_set1_epi32(unsafe { four.cast::<i32>().read_unaligned() });
                        for h in 0..H {
                            sums[m][h] = $step(sums[m][h], codes[h], four);
                        }
                    }
                }
            }
            sums
        }

        /// The products of 32 bytes in registers alone, in [`CHAINS`] chains of `steps`, and a number that depends on all.
        ///
        /// # Panics
        /// If the machine lacks the instructions.
        pub(in crate::kernels) fn $peak(steps: usize) -> i32 {
            #[target_feature(enable = $features)]
            fn chains(steps: usize) -> i32 {
                let mut sums = [_mm256_setzero_si256(); CHAINS];
                let codes = _mm256_set1_epi8(2);
                for _ in 0..steps {
                    for sum in &mut sums {
                        // A product of the sum itself cannot be taken out of the loop.
                        *sum = $step(*sum, codes, *sum);
                    }
                }
                let mut all = _mm256_setzero_si256();
                for sum in sums {
                    all = _mm256_add_epi32(all, $widen(sum));
                }
                _mm256_extract_epi32::<0>(all)
            }
            assert!($kernels.is_available(), "no {} on this machine", $features);
            // SAFETY: the machine has the instructions that the function is compiled for.
            unsafe { chains(steps) }
        }
    };
}

/// Chains of products that measure the peak: enough to hide how long each takes, and they fit 16 registers.
pub(in crate::kernels) const CHAINS: usize = 12;

kernel!(
    tile_vnni,
    rows_vnni,
    halves_vnni,
    sums_vnni,
    peak_vnni,
    "avx2,avxvnni",
    Kernels::AvxVnni,
    [1 x 4, 2 x 4, 3 x 3, 4 x 2, 5 x 2],
    |sum: __m256i, codes: __m256i, counts: __m256i| _mm256_dpbusd_avx_epi32(sum, codes, counts),
    |sum: __m256i| sum
);

kernel!(
    tile,
    rows,
    halves,
    sums,
    peak,
    "avx2",
    Kernels::Avx2,
    [1 x 4, 2 x 4, 3 x 2, 4 x 2, 5 x 2],
    |sum: __m256i, codes: __m256i, counts: __m256i| _mm256_add_epi16(sum, _mm256_maddubs_epi16(codes, counts)),
    |sum: __m256i| _mm256_madd_epi16(sum, _mm256_set1_epi16(1))
);

/// Stores the sums of rows `row..` of the token whose outputs begin at `token`.
#[target_feature(enable = "avx2")]
#[inline]
fn finish(sums: __m256i, row: usize, token: usize, rows: usize, out: &mut Output<'_>) {
    let count = HALF.min(rows - row);
    let at = token + row..token + row + count;
    match out {
        Output::Sums(out) => match out[at].as_mut_array() {
            Some(out) => write(out, sums),
            None => {
                let mut all = [0; HALF];
                write(&mut all, sums);
                out[token + row..][..count].copy_from_slice(&all[..count]);
            }
        },
        Output::Affine { factors, bias, out } => {
            let values = row..row + count;
            let factors = read(&factors[values.clone()]);
            let value = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), factors), read(&bias[values]));
            match out[at].as_mut_array() {
                Some(out) => write_floats(out, value),
                None => {
                    let mut all = [0.0; HALF];
                    write_floats(&mut all, value);
                    out[token + row..][..count].copy_from_slice(&all[..count]);
                }
            }
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn write(out: &mut [i32; HALF], sums: __m256i) {
    // SAFETY: the array is 32 bytes.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn write_floats(out: &mut [f32; HALF], values: __m256) {
    // SAFETY: the array is 32 bytes.
    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), values) }
}

/// Up to [`HALF`] values, and 0 in the places of those that are missing.
#[target_feature(enable = "avx2")]
#[inline]
fn read(values: &[f32]) -> __m256 {
    let mut all = [0.0; HALF];
    let all = values.as_array().unwrap_or_else(|| {
        all[..values.len()].copy_from_slice(values);
        &all
    });
    // SAFETY: the array is 32 bytes.
    unsafe { _mm256_loadu_ps(all.as_ptr()) }
}

/// Where the bytes of a group come from when its columns have been packed in the order 0 to 3, 8 to 11, 4 to 7, 12 to 15.
const PERMUTATION: [i8; 16] = [0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15];

/// See [`crate::kernels::pack_counts`]; whole groups of 16.
///
/// # Panics
/// If the machine lacks the instructions.
pub(in crate::kernels) fn pack(counts: &[f32], data: &mut [i8]) -> i32 {
    assert!(Kernels::Avx2.is_available(), "no AVX2 on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { permuted(counts, data) }
}

#[target_feature(enable = "avx2")]
fn permuted(counts: &[f32], data: &mut [i8]) -> i32 {
    // SAFETY: 16 bytes of a constant.
    let permutation = unsafe { _mm_loadu_si128(PERMUTATION.as_ptr().cast()) };
    let mut sums = _mm256_setzero_si256();
    for (counts, data) in counts.as_chunks::<GROUP>().0.iter().zip(data.as_chunks_mut::<GROUP>().0) {
        let [low, high] = [read(&counts[..HALF]), read(&counts[HALF..])].map(|counts| _mm256_cvtps_epi32(counts));
        sums = _mm256_add_epi32(sums, _mm256_add_epi32(low, high));
        let words = _mm256_packs_epi32(low, high);
        let bytes = _mm256_packs_epi16(words, words);
        let bytes = _mm_unpacklo_epi64(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
        // SAFETY: the array is 16 bytes.
        unsafe { _mm_storeu_si128(data.as_mut_ptr().cast(), _mm_shuffle_epi8(bytes, permutation)) };
    }
    let mut all = [0; HALF];
    write(&mut all, sums);
    all.iter().sum()
}

//! 256-bit kernels, with the byte products of AVX-VNNI or without.

use std::arch::x86_64::{
    __m256i, _mm_loadl_epi64, _mm256_add_epi8, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256,
    _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_srli_epi16, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi8, _mm256_sub_epi32,
};

use super::Kernels;
use super::columns::{Column, FLUSH, PACKED_FLUSH, SILENT, TILE};
use super::counts::{BLOCK, CountMatrix, CountsRef, GROUP, Output, padded};

/// Tokens of a tile: with half a block of rows and four vectors of codes their sums fit 16 registers.
pub(super) const TOKENS: usize = 8;

/// Rows of half a block: the 32-bit lanes of a register.
const HALF: usize = BLOCK / 2;

macro_rules! kernel {
    ($tile:ident, $rows:ident, $features:literal, $kernels:expr, $dot:expr) => {
        /// See [`CountMatrix::product`] and [`CountMatrix::project`]; up to [`TOKENS`] tokens.
        ///
        /// # Panics
        /// If the machine lacks the instructions, or there are more tokens.
        pub(super) fn $tile(matrix: &CountMatrix, counts: CountsRef<'_>, out: Output<'_>) {
            assert!($kernels.is_available(), "no {} on this machine", $features);
            // SAFETY: the machine has the instructions that the functions are compiled for.
            unsafe {
                match counts.sums.len() {
                    0 => (),
                    1 => $rows::<1>(matrix, counts, out),
                    2 => $rows::<2>(matrix, counts, out),
                    3 => $rows::<3>(matrix, counts, out),
                    4 => $rows::<4>(matrix, counts, out),
                    5 => $rows::<5>(matrix, counts, out),
                    6 => $rows::<6>(matrix, counts, out),
                    7 => $rows::<7>(matrix, counts, out),
                    8 => $rows::<8>(matrix, counts, out),
                    more => panic!("{more} tokens in a tile of {TOKENS}"),
                }
            }
        }

        #[target_feature(enable = $features)]
        fn $rows<const N: usize>(matrix: &CountMatrix, counts: CountsRef<'_>, mut out: Output<'_>) {
            let width = padded(matrix.columns);
            assert!(counts.data.len() == N * width && counts.sums.len() == N);
            let mask = _mm256_set1_epi8(3);
            for half in 0..matrix.rows.div_ceil(HALF) {
                let mut sums = [_mm256_setzero_si256(); N];
                for (group, bytes) in matrix.block(half / 2).iter().enumerate() {
                    // SAFETY: half an array of 64 bytes.
                    let bytes = unsafe { _mm256_loadu_si256(bytes.0.as_ptr().add(half % 2 * 32).cast()) };
                    let codes = [
                        _mm256_and_si256(bytes, mask),
                        _mm256_and_si256(_mm256_srli_epi16::<2>(bytes), mask),
                        _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), mask),
                        _mm256_and_si256(_mm256_srli_epi16::<6>(bytes), mask),
                    ];
                    for (m, sum) in sums.iter_mut().enumerate() {
                        let four = |i: usize| {
                            // SAFETY: token `m < N` has `width` bytes, whole groups of 16, and `group` is one of them.
                            let at = unsafe { counts.data.as_ptr().add(m * width + group * GROUP + 4 * i) };
                            // SAFETY: four bytes of those.
                            _mm256_set1_epi32(unsafe { at.cast::<i32>().read_unaligned() })
                        };
                        *sum = $dot(*sum, codes, [four(0), four(1), four(2), four(3)]);
                    }
                }
                let row = half * HALF;
                for (m, sum) in sums.iter().enumerate() {
                    finish(
                        _mm256_sub_epi32(*sum, _mm256_set1_epi32(counts.sums[m])),
                        row,
                        m * matrix.rows,
                        matrix.rows,
                        &mut out,
                    );
                }
            }
        }
    };
}

kernel!(
    tile_vnni,
    rows_vnni,
    "avx2,avxvnni",
    Kernels::AvxVnni,
    |sum: __m256i, codes: [__m256i; 4], counts: [__m256i; 4]| {
        let mut sum = sum;
        for i in 0..4 {
            sum = _mm256_dpbusd_avx_epi32(sum, codes[i], counts[i]);
        }
        sum
    }
);

kernel!(tile, rows, "avx2", Kernels::Avx2, |sum: __m256i, codes: [__m256i; 4], counts: [__m256i; 4]| {
    // A pair of products is at most 2 * 2 * 127 = 508, four of them 2,032: far inside 16 bits.
    let mut pairs = _mm256_maddubs_epi16(codes[0], counts[0]);
    for i in 1..4 {
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(codes[i], counts[i]));
    }
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
});

/// Stores the sums of rows `row..` of the token whose outputs begin at `token`.
#[target_feature(enable = "avx2")]
fn finish(sums: __m256i, row: usize, token: usize, rows: usize, out: &mut Output<'_>) {
    let count = HALF.min(rows - row);
    match out {
        Output::Sums(out) => {
            let mut all = [0; HALF];
            // SAFETY: the array is 32 bytes.
            unsafe { _mm256_storeu_si256(all.as_mut_ptr().cast(), sums) };
            out[token + row..][..count].copy_from_slice(&all[..count]);
        }
        Output::Affine { factors, bias, out } => {
            let load = |values: &[f32]| {
                let mut all = [0.0; HALF];
                all[..count].copy_from_slice(&values[row..][..count]);
                // SAFETY: the array is 32 bytes.
                unsafe { _mm256_loadu_ps(all.as_ptr()) }
            };
            let value = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), load(factors)), load(bias));
            let mut all = [0.0; HALF];
            // SAFETY: the array is 32 bytes.
            unsafe { _mm256_storeu_ps(all.as_mut_ptr(), value) };
            out[token + row..][..count].copy_from_slice(&all[..count]);
        }
    }
}

/// See [`super::ColumnMatrix::product`]: `out <-` the columns `plus` less the columns `minus` of one tile of [`TILE`] rows.
///
/// # Panics
/// If the machine lacks the instructions.
pub(super) fn columns(codes: &[Column], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    assert!(is_x86_feature_detected!("avx2"), "no AVX2 on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { column_tile(codes, plus, minus, out) }
}

/// Vectors of a column of a tile: each holds 32 rows in its low halves of bytes and the 32 that are 64 further in its high ones.
const VECTORS: usize = TILE / 64;

#[target_feature(enable = "avx2")]
fn column_tile(codes: &[Column], mut plus: &[u32], mut minus: &[u32], out: &mut [i32; TILE]) {
    let mut first = true;
    while first || !plus.is_empty() || !minus.is_empty() {
        let (more, later) = plus.split_at(plus.len().min(FLUSH));
        let (less, later_less) = minus.split_at(minus.len().min(FLUSH - more.len()));
        (plus, minus) = (later, later_less);
        let mut sums = [[_mm256_setzero_si256(); 2]; VECTORS];
        sums = add_columns::<false>(codes, more, sums);
        sums = add_columns::<true>(codes, less, sums);
        // Each stored code is its code plus 1.
        let excess = _mm256_set1_epi8((more.len() as i8).wrapping_sub(less.len() as i8));
        for v in 0..VECTORS {
            for half in 0..2 {
                let mut bytes = [0i8; 32];
                // SAFETY: the array is 32 bytes.
                unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), _mm256_sub_epi8(sums[v][half], excess)) };
                let out = &mut out[v / 2 * 128 + half * 64 + v % 2 * 32..][..32];
                for (eight, out) in bytes.as_chunks::<8>().0.iter().zip(out.as_chunks_mut::<8>().0) {
                    // SAFETY: 8 bytes and 32 bytes of the arrays.
                    unsafe {
                        let sum = _mm256_cvtepi8_epi32(_mm_loadl_epi64(eight.as_ptr().cast()));
                        let old = if first { _mm256_setzero_si256() } else { _mm256_loadu_si256(out.as_ptr().cast()) };
                        _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm256_add_epi32(old, sum));
                    }
                }
            }
        }
        first = false;
    }
}

/// `sums` and the stored codes of the columns `events`, or less them; modulo 256.
#[target_feature(enable = "avx2")]
#[inline]
fn add_columns<const LESS: bool>(codes: &[Column], events: &[u32], mut sums: [[__m256i; 2]; VECTORS]) -> [[__m256i; 2]; VECTORS] {
    let (sevens, rest) = events.as_chunks();
    for seven in sevens {
        sums = add_seven::<LESS>(seven.map(|event| &codes[event as usize]), sums);
    }
    if !rest.is_empty() {
        let seven = std::array::from_fn(|i| rest.get(i).map_or(&SILENT, |&event| &codes[event as usize]));
        sums = add_seven::<LESS>(seven, sums);
    }
    sums
}

#[target_feature(enable = "avx2")]
#[inline]
fn add_seven<const LESS: bool>(
    columns: [&Column; PACKED_FLUSH],
    mut sums: [[__m256i; 2]; VECTORS],
) -> [[__m256i; 2]; VECTORS] {
    let low = _mm256_set1_epi8(15);
    for v in 0..VECTORS {
        let mut packed = _mm256_setzero_si256();
        for column in columns {
            let bytes = &column[v / 2].0.as_chunks::<32>().0[v % 2];
            // SAFETY: the array is 32 bytes.
            packed = _mm256_add_epi8(packed, unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) });
        }
        let halves = [_mm256_and_si256(packed, low), _mm256_and_si256(_mm256_srli_epi16::<4>(packed), low)];
        for half in 0..2 {
            sums[v][half] = match LESS {
                true => _mm256_sub_epi8(sums[v][half], halves[half]),
                false => _mm256_add_epi8(sums[v][half], halves[half]),
            };
        }
    }
    sums
}

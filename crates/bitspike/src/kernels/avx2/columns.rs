//! Events: columns of half bytes.

use std::arch::x86_64::{
    __m256i, _mm_loadl_epi64, _mm256_add_epi8, _mm256_add_epi32, _mm256_and_si256, _mm256_cvtepi8_epi32,
    _mm256_loadu_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_srli_epi16, _mm256_storeu_si256,
    _mm256_sub_epi8,
};

use crate::kernels::Kernels;
use crate::kernels::forms::columns::{Column, FLUSH, PACKED_FLUSH, SILENT, TILE};

/// See [`crate::kernels::ColumnMatrix::product`]: `out <-` the columns `plus` less the columns `minus` of one tile of [`TILE`] rows.
///
/// # Panics
/// If the machine lacks the instructions.
pub(in crate::kernels) fn columns(codes: &[Column], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    assert!(Kernels::Avx2.is_available(), "no AVX2 on this machine");
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
fn add_columns<const LESS: bool>(
    codes: &[Column],
    events: &[u32],
    mut sums: [[__m256i; 2]; VECTORS],
) -> [[__m256i; 2]; VECTORS] {
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

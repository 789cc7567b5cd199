//! Events: columns of half bytes.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi8, _mm512_add_epi32, _mm512_and_si512, _mm512_cvtepi8_epi32, _mm512_extracti32x4_epi32,
    _mm512_loadu_si512, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_srli_epi16, _mm512_storeu_si512,
    _mm512_sub_epi8,
};

use crate::kernels::Kernels;
use crate::kernels::forms::columns::{Column, FLUSH, PACKED_FLUSH, SILENT, TILE};

/// See [`crate::kernels::ColumnMatrix::product`]: `out <-` the columns `plus` less the columns `minus` of one tile of [`TILE`] rows.
///
/// # Panics
/// If the machine lacks the instructions.
pub(in crate::kernels) fn columns(codes: &[Column], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    assert!(Kernels::Avx512.is_available(), "no AVX-512 on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { column_tile(codes, plus, minus, out) }
}

/// Vectors of a column of a tile: each holds 64 rows in its low halves of bytes and the next 64 in its high ones.
const VECTORS: usize = TILE / 128;

#[target_feature(enable = "avx512f,avx512bw")]
fn column_tile(codes: &[Column], mut plus: &[u32], mut minus: &[u32], out: &mut [i32; TILE]) {
    let mut first = true;
    while first || !plus.is_empty() || !minus.is_empty() {
        let mut sums = [[_mm512_setzero_si512(); 2]; VECTORS];
        let (more, later) = plus.split_at(plus.len().min(FLUSH));
        let (less, later_less) = minus.split_at(minus.len().min(FLUSH - more.len()));
        (plus, minus) = (later, later_less);
        sums = add_columns::<false>(codes, more, sums);
        sums = add_columns::<true>(codes, less, sums);
        // Each stored code is its code plus 1.
        let excess = _mm512_set1_epi8((more.len() as i8).wrapping_sub(less.len() as i8));
        // Sums and outputs in the same order: 64 rows of the low halves of a vector, then 64 of the high ones.
        for (sum, out) in sums.as_flattened().iter().zip(out.as_chunks_mut::<64>().0) {
            let sum = _mm512_sub_epi8(*sum, excess);
            let quarters = [
                _mm512_extracti32x4_epi32::<0>(sum),
                _mm512_extracti32x4_epi32::<1>(sum),
                _mm512_extracti32x4_epi32::<2>(sum),
                _mm512_extracti32x4_epi32::<3>(sum),
            ];
            for (quarter, out) in quarters.into_iter().zip(out.as_chunks_mut::<16>().0) {
                // SAFETY: the array is 64 bytes.
                unsafe {
                    let old = if first { _mm512_setzero_si512() } else { _mm512_loadu_si512(out.as_ptr().cast()) };
                    let new = _mm512_add_epi32(old, _mm512_cvtepi8_epi32(quarter));
                    _mm512_storeu_si512(out.as_mut_ptr().cast(), new);
                }
            }
        }
        first = false;
    }
}

/// `sums` and the stored codes of the columns `events`, or less them; modulo 256.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn add_columns<const LESS: bool>(
    codes: &[Column],
    events: &[u32],
    mut sums: [[__m512i; 2]; VECTORS],
) -> [[__m512i; 2]; VECTORS] {
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

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn add_seven<const LESS: bool>(
    columns: [&Column; PACKED_FLUSH],
    mut sums: [[__m512i; 2]; VECTORS],
) -> [[__m512i; 2]; VECTORS] {
    let low = _mm512_set1_epi8(15);
    for v in 0..VECTORS {
        let mut packed = _mm512_setzero_si512();
        for column in columns {
            let bytes = &column[v].0;
            // SAFETY: the array is 64 bytes.
            packed = _mm512_add_epi8(packed, unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) });
        }
        let halves = [_mm512_and_si512(packed, low), _mm512_and_si512(_mm512_srli_epi16::<4>(packed), low)];
        for half in 0..2 {
            sums[v][half] = match LESS {
                true => _mm512_sub_epi8(sums[v][half], halves[half]),
                false => _mm512_add_epi8(sums[v][half], halves[half]),
            };
        }
    }
    sums
}

//! Products with the 512-bit population count.

use std::arch::x86_64::{
    __m512i, _mm256_storeu_si256, _mm512_add_epi64, _mm512_and_si512, _mm512_cvtepi64_epi32, _mm512_loadu_si512,
    _mm512_popcnt_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi64, _mm512_sub_epi64,
    _mm512_ternarylogic_epi64,
};

use super::{BLOCK, BitMatrix};

/// Tokens that share one pass over the weights: their sums stay in registers.
const TOKENS: usize = 8;

/// Whether this machine has the instructions.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq")
}

/// See [`BitMatrix::product`]; `bits` are the fired and negative words of each token.
///
/// # Panics
/// If the machine lacks the instructions.
pub(super) fn product(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    assert!(available(), "no AVX-512 VPOPCNTDQ on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { blocks(matrix, bits, out) }
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn blocks(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    let per_row = matrix.columns.div_ceil(64);
    for (tokens, out) in bits.chunks(2 * per_row * TOKENS).zip(out.chunks_mut(matrix.rows * TOKENS)) {
        for (b, block) in matrix.words.chunks_exact(per_row * 2 * BLOCK).enumerate() {
            let sums = match tokens.len() / (2 * per_row) {
                8 => &sums::<8>(block, tokens, per_row)[..],
                7 => &sums::<7>(block, tokens, per_row)[..],
                6 => &sums::<6>(block, tokens, per_row)[..],
                5 => &sums::<5>(block, tokens, per_row)[..],
                4 => &sums::<4>(block, tokens, per_row)[..],
                3 => &sums::<3>(block, tokens, per_row)[..],
                2 => &sums::<2>(block, tokens, per_row)[..],
                _ => &sums::<1>(block, tokens, per_row)[..],
            };
            for (sums, out) in sums.iter().zip(out.chunks_exact_mut(matrix.rows)) {
                let out = &mut out[b * BLOCK..];
                let count = out.len().min(BLOCK);
                out[..count].copy_from_slice(&sums[..count]);
            }
        }
    }
}

/// The sums of one block of rows for `N` tokens.
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
#[inline]
fn sums<const N: usize>(block: &[u64], tokens: &[u64], per_row: usize) -> [[i32; BLOCK]; N] {
    assert!(block.len() >= per_row * 2 * BLOCK && tokens.len() >= N * 2 * per_row, "one block and N tokens");
    let mut together = [_mm512_setzero_si512(); N];
    let mut against = [_mm512_setzero_si512(); N];
    for (w, words) in block.chunks_exact(2 * BLOCK).take(per_row).enumerate() {
        let (weights, signs) = (load(words, 0), load(words, BLOCK));
        for n in 0..N {
            let at = n * 2 * per_row + w;
            let fired = _mm512_set1_epi64(tokens[at].cast_signed());
            let negative = _mm512_set1_epi64(tokens[at + per_row].cast_signed());
            let both = _mm512_and_si512(weights, fired);
            // both & (signs ^ negative)
            let differ = _mm512_ternarylogic_epi64::<0x60>(both, signs, negative);
            together[n] = _mm512_add_epi64(together[n], _mm512_popcnt_epi64(both));
            against[n] = _mm512_add_epi64(against[n], _mm512_popcnt_epi64(differ));
        }
    }
    std::array::from_fn(|n| {
        let sum = _mm512_sub_epi64(together[n], _mm512_slli_epi64::<1>(against[n]));
        let mut out = [0; BLOCK];
        // SAFETY: `out` is 32 bytes, what the instruction writes; it need not be aligned.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(sum)) };
        out
    })
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(words: &[u64], at: usize) -> __m512i {
    let words = &words[at..at + BLOCK];
    // SAFETY: the slice is 64 bytes, what the instruction reads; it need not be aligned.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

//! Bits: population counts, and the packing of spikes.

use std::arch::x86_64::{
    __m512i, _mm256_storeu_si256, _mm512_add_epi64, _mm512_and_si512, _mm512_cvtepi64_epi32, _mm512_loadu_si512,
    _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_popcnt_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_slli_epi64, _mm512_sub_epi64, _mm512_ternarylogic_epi64, _mm512_test_epi8_mask,
};

use crate::kernels::Kernels;
use crate::kernels::forms::Line;
use crate::kernels::forms::bits::{BLOCK as BITS, BitMatrix};

/// See [`crate::kernels::SpikeBits::set_row`]: a word of `fired` and one of `negative` for each 64 spikes.
///
/// # Panics
/// If the machine lacks the instructions, or there are too few words.
pub(in crate::kernels) fn pack_spikes(spikes: &[i8], fired: &mut [u64], negative: &mut [u64]) {
    assert!(Kernels::Avx512.is_available(), "no AVX-512 on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { spike_words(spikes, fired, negative) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn spike_words(spikes: &[i8], fired: &mut [u64], negative: &mut [u64]) {
    let words = spikes.len().div_ceil(64);
    let (fired, negative) = (&mut fired[..words], &mut negative[..words]);
    for ((spikes, fired), negative) in spikes.chunks(64).zip(fired).zip(negative) {
        // SAFETY: as many bytes as the chunk has are read.
        let bytes = unsafe { _mm512_maskz_loadu_epi8(u64::MAX >> (64 - spikes.len()), spikes.as_ptr()) };
        *fired = _mm512_test_epi8_mask(bytes, bytes);
        *negative = _mm512_movepi8_mask(bytes);
    }
}

/// Tokens that share one pass over the bits of the weights: their sums stay in registers.
const BIT_TOKENS: usize = 8;

/// See [`BitMatrix::product`]; `bits` are the fired and negative words of each token.
///
/// # Panics
/// If the machine lacks the instructions.
pub(in crate::kernels) fn product(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    assert!(Kernels::counts_bits(), "no AVX-512 VPOPCNTDQ on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { blocks(matrix, bits, out) }
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn blocks(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    let token = 2 * matrix.columns.div_ceil(64);
    let tokens = bits.len() / token;
    let tiles = tokens.div_ceil(BIT_TOKENS);
    let (mut bits, mut out) = (bits, out);
    for i in 0..tiles {
        let count = tokens / tiles + usize::from(i < tokens % tiles);
        let (mine, rest) = bits.split_at(count * token);
        let (out_mine, out_rest) = std::mem::take(&mut out).split_at_mut(count * matrix.rows);
        (bits, out) = (rest, out_rest);
        for (b, block) in matrix.words.chunks_exact(token / 2).enumerate() {
            let sums = match count {
                8 => &sums::<8>(block, mine, token / 2)[..],
                7 => &sums::<7>(block, mine, token / 2)[..],
                6 => &sums::<6>(block, mine, token / 2)[..],
                5 => &sums::<5>(block, mine, token / 2)[..],
                4 => &sums::<4>(block, mine, token / 2)[..],
                3 => &sums::<3>(block, mine, token / 2)[..],
                2 => &sums::<2>(block, mine, token / 2)[..],
                _ => &sums::<1>(block, mine, token / 2)[..],
            };
            for (sums, out) in sums.iter().zip(out_mine.chunks_exact_mut(matrix.rows)) {
                let out = &mut out[b * BITS..];
                let count = out.len().min(BITS);
                out[..count].copy_from_slice(&sums[..count]);
            }
        }
    }
}

/// The sums of one block of rows for `N` tokens.
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
#[inline]
fn sums<const N: usize>(block: &[[Line<[u64; BITS]>; 2]], tokens: &[u64], per_row: usize) -> [[i32; BITS]; N] {
    assert!(block.len() == per_row && tokens.len() >= N * 2 * per_row, "one block and N tokens");
    let mut together = [_mm512_setzero_si512(); N];
    let mut against = [_mm512_setzero_si512(); N];
    for (w, [weights, signs]) in block.iter().enumerate() {
        let (weights, signs) = (load(weights), load(signs));
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
        let mut out = [0; BITS];
        // SAFETY: `out` is 32 bytes, what the instruction writes; it need not be aligned.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(sum)) };
        out
    })
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(Line(words): &Line<[u64; BITS]>) -> __m512i {
    // SAFETY: the array is 64 bytes, what the instruction reads.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

//! 512-bit kernels: byte products, population counts, event columns.

mod bits;
mod columns;
mod counts;

use std::arch::x86_64::{_mm512_dpbusd_epi32, _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_setzero_si512};

pub(super) use bits::{pack_spikes, product};
pub(super) use columns::columns;
pub(super) use counts::{TOKENS, pack, tile};

use super::Kernels;

/// Multiply-adds of a step of [`peak`].
pub(super) const PEAK_PRODUCTS: usize = 64 * 16;

/// Byte products in registers alone, 16 chains of them.
///
/// # Panics
/// If the machine lacks the instructions.
pub(super) fn peak(steps: usize) -> i32 {
    assert!(Kernels::Avx512.is_available(), "no AVX-512 on this machine");
    // SAFETY: the machine has the instructions that the function is compiled for.
    unsafe { chains(steps) }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn chains(steps: usize) -> i32 {
    let mut sums = [_mm512_setzero_si512(); 16];
    let (codes, counts) = (_mm512_set1_epi8(2), _mm512_set1_epi8(3));
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, codes, counts);
        }
    }
    sums.into_iter().fold(0, |all, sum| all ^ _mm512_reduce_add_epi32(sum))
}

//! Events: columns of half bytes.

use std::arch::wasm32::{
    i8x16_add, i8x16_splat, i8x16_sub, i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i32x4_add,
    i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, i32x4_splat, u8x16_shr, v128, v128_and, v128_load, v128_store,
};

use crate::kernels::forms::columns::{Column, FLUSH, PACKED_FLUSH, SILENT, TILE};

/// Vectors of a line of a column: each holds 16 rows in its low halves of bytes and the 16 that are 64 further in its high ones.
const VECTORS: usize = 4;

/// Rows of a line.
const ROWS: usize = 128;

/// See [`crate::kernels::ColumnMatrix::product`]: `out <-` the columns `plus` less the columns `minus` of one tile of [`TILE`] rows.
pub(in crate::kernels) fn columns(codes: &[Column], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    out.fill(0);
    // Line by line: the sums of one fit the registers.
    for (line, out) in out.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        let (mut plus, mut minus) = (plus, minus);
        while !plus.is_empty() || !minus.is_empty() {
            let (more, later) = plus.split_at(plus.len().min(FLUSH));
            let (less, later_less) = minus.split_at(minus.len().min(FLUSH - more.len()));
            (plus, minus) = (later, later_less);
            let mut sums = [[i8x16_splat(0); 2]; VECTORS];
            sums = add_columns::<false>(codes, line, more, sums);
            sums = add_columns::<true>(codes, line, less, sums);
            // Each stored code is its code plus 1.
            let excess = i8x16_splat((more.len() as i8).wrapping_sub(less.len() as i8));
            for (v, halves) in sums.into_iter().enumerate() {
                for (half, sum) in halves.into_iter().enumerate() {
                    let out = &mut out[half * 64 + v * 16..][..16];
                    widen(i8x16_sub(sum, excess), out.as_mut_array().expect("16 rows"));
                }
            }
        }
    }
}

/// `out += sums`
#[inline(always)]
fn widen(sums: v128, out: &mut [i32; 16]) {
    let (low, high) = (i16x8_extend_low_i8x16(sums), i16x8_extend_high_i8x16(sums));
    let words = [
        i32x4_extend_low_i16x8(low),
        i32x4_extend_high_i16x8(low),
        i32x4_extend_low_i16x8(high),
        i32x4_extend_high_i16x8(high),
    ];
    for (out, words) in out.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        let out: *mut v128 = out.as_mut_ptr().cast();
        // SAFETY: the array is 16 bytes; loads and stores of vectors need no alignment.
        unsafe { v128_store(out, i32x4_add(v128_load(out), words)) }
    }
}

/// `sums` and the stored codes of a line of the columns `events`, or less them; modulo 256.
#[inline(always)]
fn add_columns<const LESS: bool>(
    codes: &[Column],
    line: usize,
    events: &[u32],
    mut sums: [[v128; 2]; VECTORS],
) -> [[v128; 2]; VECTORS] {
    let (sevens, rest) = events.as_chunks();
    for seven in sevens {
        sums = add_seven::<LESS>(seven.map(|event| &codes[event as usize]), line, sums);
    }
    if !rest.is_empty() {
        let seven = std::array::from_fn(|i| rest.get(i).map_or(&SILENT, |&event| &codes[event as usize]));
        sums = add_seven::<LESS>(seven, line, sums);
    }
    sums
}

#[inline(always)]
fn add_seven<const LESS: bool>(
    columns: [&Column; PACKED_FLUSH],
    line: usize,
    mut sums: [[v128; 2]; VECTORS],
) -> [[v128; 2]; VECTORS] {
    let low = i32x4_splat(0x0f0f_0f0f);
    for (v, sums) in sums.iter_mut().enumerate() {
        let mut packed = i8x16_splat(0);
        for column in columns {
            let bytes = &column[line].0.as_chunks::<16>().0[v];
            // SAFETY: the array is 16 bytes.
            packed = i8x16_add(packed, unsafe { v128_load(bytes.as_ptr().cast()) });
        }
        let halves = [v128_and(packed, low), u8x16_shr(packed, 4)];
        for (sum, half) in sums.iter_mut().zip(halves) {
            *sum = if LESS { i8x16_sub(*sum, half) } else { i8x16_add(*sum, half) };
        }
    }
    sums
}

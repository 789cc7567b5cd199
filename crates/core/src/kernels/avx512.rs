//! 512-bit kernels: byte products, population counts, event columns.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm_shuffle_epi8, _mm_storeu_si128, _mm256_storeu_si256, _mm512_add_epi8,
    _mm512_add_epi32, _mm512_add_epi64, _mm512_add_ps, _mm512_and_si512, _mm512_cvtepi8_epi32, _mm512_cvtepi32_epi8,
    _mm512_cvtepi32_ps, _mm512_cvtepi64_epi32, _mm512_cvtps_epi32, _mm512_dpbusd_epi32, _mm512_extracti32x4_epi32,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_epi32, _mm512_mask_storeu_ps, _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_test_epi8_mask, _mm512_maskz_loadu_ps,
    _mm512_mul_ps, _mm512_popcnt_epi64, _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi64, _mm512_srli_epi16, _mm512_storeu_si512,
    _mm512_sub_epi8, _mm512_sub_epi32, _mm512_sub_epi64, _mm512_ternarylogic_epi64,
};

use super::Line;
use super::bits::{BLOCK as BITS, BitMatrix};
use super::columns::{Column, FLUSH, PACKED_FLUSH, SILENT, TILE};
use super::counts::{BLOCK, BYTES, CountMatrix, CountsRef, GROUP, Output};

/// Whether this machine has the instructions.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

/// Whether it counts bits too.
pub(super) fn counts_bits() -> bool {
    available() && is_x86_feature_detected!("avx512vpopcntdq")
}

/// Tokens of a tile of counts: with two blocks of rows their sums take 24 of 32 registers.
pub(super) const TOKENS: usize = 10;

/// See [`CountMatrix::product`] and [`CountMatrix::project`]; up to [`TOKENS`] tokens.
///
/// # Panics
/// If the machine lacks the instructions, or there are more tokens.
pub(super) fn tile(matrix: &CountMatrix, counts: CountsRef<'_>, out: Output<'_>) {
    assert!(available(), "no AVX-512 VNNI on this machine");
    macro_rules! heights {
        ($($n:literal x $b:literal)*) => {
            match counts.sums.len() {
                0 => (),
                // SAFETY: the machine has the instructions that the function is compiled for.
                $($n => unsafe { rows::<$n, $b>(matrix, counts, out) },)*
                more => panic!("{more} tokens in a tile of {TOKENS}"),
            }
        };
    }
    heights!(1 x 8 2 x 4 3 x 4 4 x 4 5 x 2 6 x 2 7 x 2 8 x 2 9 x 2 10 x 2);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn rows<const N: usize, const B: usize>(matrix: &CountMatrix, counts: CountsRef<'_>, mut out: Output<'_>) {
    assert!(counts.sums.len() == N, "shapes");
    let blocks = matrix.rows.div_ceil(BLOCK);
    let mut block = 0;
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
fn sums_of_blocks<const N: usize, const B: usize>(
    blocks: [&[Line<[u8; BYTES]>]; B],
    data: &[i8],
) -> [[__m512i; B]; N] {
    let groups = blocks[0].len();
    let width = groups * GROUP;
    assert!(blocks.iter().all(|block| block.len() == groups) && data.len() == N * width, "shapes");
    let mask = _mm512_set1_epi8(3);
    let mut sums = [[_mm512_setzero_si512(); B]; N];
    for group in 0..groups {
        let mut bytes = [_mm512_setzero_si512(); B];
        for b in 0..B {
            // SAFETY: each block has `groups` groups of 64 bytes.
            bytes[b] = unsafe { _mm512_loadu_si512(blocks[b].as_ptr().add(group).cast()) };
        }
        for i in 0..4 {
            let mut codes = [_mm512_setzero_si512(); B];
            for b in 0..B {
                codes[b] = _mm512_and_si512(bytes[b], mask);
                bytes[b] = _mm512_srli_epi16::<2>(bytes[b]);
            }
            for m in 0..N {
                // SAFETY: token `m < N` has `width` bytes, a whole number of groups of 16, and `group` is one of them.
                let four =
                    unsafe { data.as_ptr().add(m * width + group * GROUP + 4 * i).cast::<i32>().read_unaligned() };
                let four = _mm512_set1_epi32(four);
                for b in 0..B {
                    sums[m][b] = _mm512_dpbusd_epi32(sums[m][b], codes[b], four);
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

/// See [`super::pack_counts`]; whole groups of 16.
///
/// # Panics
/// If the machine lacks the instructions.
pub(super) fn pack(counts: &[f32], data: &mut [i8]) -> i32 {
    assert!(available(), "no AVX-512 on this machine");
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

/// See [`super::ColumnMatrix::product`]: `out <-` the columns `plus` less the columns `minus` of one tile of [`TILE`] rows.
///
/// # Panics
/// If the machine lacks the instructions.
pub(super) fn columns(codes: &[Column], plus: &[u32], minus: &[u32], out: &mut [i32; TILE]) {
    assert!(available(), "no AVX-512 on this machine");
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
        for v in 0..VECTORS {
            for half in 0..2 {
                let sum = _mm512_sub_epi8(sums[v][half], excess);
                let quarters = [
                    _mm512_extracti32x4_epi32::<0>(sum),
                    _mm512_extracti32x4_epi32::<1>(sum),
                    _mm512_extracti32x4_epi32::<2>(sum),
                    _mm512_extracti32x4_epi32::<3>(sum),
                ];
                for q in 0..4 {
                    // SAFETY: `out` is `VECTORS` times two times four times 16 integers.
                    unsafe {
                        let out = out.as_mut_ptr().add(128 * v + 64 * half + 16 * q);
                        let old = if first { _mm512_setzero_si512() } else { _mm512_loadu_si512(out.cast()) };
                        _mm512_storeu_si512(out.cast(), _mm512_add_epi32(old, _mm512_cvtepi8_epi32(quarters[q])));
                    }
                }
            }
        }
        first = false;
    }
}

/// `sums` and the stored codes of the columns `events`, or less them; modulo 256.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn add_columns<const LESS: bool>(codes: &[Column], events: &[u32], mut sums: [[__m512i; 2]; VECTORS]) -> [[__m512i; 2]; VECTORS] {
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

/// Multiply-adds of a step of [`peak`].
pub(super) const PEAK_PRODUCTS: usize = 64 * 16;

/// Byte products in registers alone, 16 chains of them.
///
/// # Panics
/// If the machine lacks the instructions.
pub(super) fn peak(steps: usize) -> i32 {
    assert!(available(), "no AVX-512 on this machine");
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

/// See [`super::SpikeBits::set_row`]: a word of `fired` and one of `negative` for each 64 spikes.
///
/// # Panics
/// If the machine lacks the instructions, or there are too few words.
pub(super) fn pack_spikes(spikes: &[i8], fired: &mut [u64], negative: &mut [u64]) {
    assert!(available(), "no AVX-512 on this machine");
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
pub(super) fn product(matrix: &BitMatrix, bits: &[u64], out: &mut [i32]) {
    assert!(counts_bits(), "no AVX-512 VPOPCNTDQ on this machine");
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

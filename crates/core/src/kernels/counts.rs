//! Products of spike counts with 2-bit codes (stand-in; see branch).

use std::arch::x86_64::*;

use super::Kernels;

/// A matrix of codes.
#[derive(Debug, Clone)]
pub struct CountMatrix {
    rows: usize,
    columns: usize,
    /// `[row blocks][groups][64]`
    bytes: Vec<u8>,
}

/// Counts.
#[derive(Debug, Clone, Copy)]
pub struct CountsRef<'a> {
    /// `[tokens, padded]`
    pub data: &'a [i8],
    /// `[tokens]`
    pub sums: &'a [i32],
}

/// Columns of counts.
pub fn padded(columns: usize) -> usize {
    columns.next_multiple_of(16)
}

impl CountMatrix {
    /// New.
    pub fn new(rows: usize, columns: usize, mut fill: impl FnMut(usize, &mut [u8])) -> Self {
        let groups = padded(columns) / 16;
        let mut bytes = vec![0x55u8; rows.div_ceil(16) * groups * 64];
        let mut row = vec![0x55u8; groups * 4];
        for r in 0..rows {
            fill(r, &mut row[..columns.div_ceil(4)]);
            for (g, four) in row.chunks_exact(4).enumerate() {
                bytes[((r / 16) * groups + g) * 64 + (r % 16) * 4..][..4].copy_from_slice(four);
            }
        }
        Self { rows, columns, bytes }
    }
    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Columns.
    pub fn columns(&self) -> usize {
        self.columns
    }
    /// Codes.
    pub fn codes_row(&self, row: usize, out: &mut [i8]) {
        let groups = padded(self.columns) / 16;
        for (c, out) in out.iter_mut().enumerate() {
            let byte = self.bytes[((row / 16) * groups + c / 16) * 64 + (row % 16) * 4 + c % 16 / 4];
            *out = (byte >> (2 * (c % 4)) & 3) as i8 - 1;
        }
    }
    /// Project.
    pub fn project(&self, _k: Kernels, counts: CountsRef<'_>, factors: &[f32], bias: &[f32], out: &mut [f32]) {
        let p = padded(self.columns);
        let tokens = counts.sums.len();
        assert!(counts.data.len() == tokens * p && factors.len() == self.rows && bias.len() == self.rows && out.len() == tokens * self.rows);
        if tokens == 0 {
            return;
        }
        let blocks = tokens.div_ceil(12);
        let (each, more) = (tokens / blocks, tokens % blocks);
        let mut first = 0;
        for b in 0..blocks {
            let n = each + usize::from(b < more);
            let data = &counts.data[first * p..(first + n) * p];
            let sums = &counts.sums[first..first + n];
            let out = &mut out[first * self.rows..(first + n) * self.rows];
            // SAFETY: stand-in
            unsafe {
                match n {
                    1 => self.tile::<1>(data, sums, factors, bias, out),
                    2 => self.tile::<2>(data, sums, factors, bias, out),
                    3 => self.tile::<3>(data, sums, factors, bias, out),
                    4 => self.tile::<4>(data, sums, factors, bias, out),
                    5 => self.tile::<5>(data, sums, factors, bias, out),
                    6 => self.tile::<6>(data, sums, factors, bias, out),
                    7 => self.tile::<7>(data, sums, factors, bias, out),
                    8 => self.tile::<8>(data, sums, factors, bias, out),
                    9 => self.tile::<9>(data, sums, factors, bias, out),
                    10 => self.tile::<10>(data, sums, factors, bias, out),
                    11 => self.tile::<11>(data, sums, factors, bias, out),
                    _ => self.tile::<12>(data, sums, factors, bias, out),
                }
            }
            first += n;
        }
    }
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    fn tile<const N: usize>(&self, data: &[i8], sums: &[i32], factors: &[f32], bias: &[f32], out: &mut [f32]) {
        let p = padded(self.columns);
        let groups = p / 16;
        let mask = _mm512_set1_epi8(3);
        let blocks = self.rows.div_ceil(16);
        let mut b = 0;
        while b < blocks {
            let pair = b + 1 < blocks;
            let w0 = &self.bytes[b * groups * 64..][..groups * 64];
            let w1 = if pair { &self.bytes[(b + 1) * groups * 64..][..groups * 64] } else { w0 };
            let mut acc = [[_mm512_setzero_si512(); 2]; N];
            for g in 0..groups {
                // SAFETY: within the slices
                unsafe {
                    let mut p0 = _mm512_loadu_si512(w0.as_ptr().add(g * 64).cast());
                    let mut p1 = _mm512_loadu_si512(w1.as_ptr().add(g * 64).cast());
                    for i in 0..4 {
                        let a = _mm512_and_si512(p0, mask);
                        let c = _mm512_and_si512(p1, mask);
                        p0 = _mm512_srli_epi16::<2>(p0);
                        p1 = _mm512_srli_epi16::<2>(p1);
                        for (m, acc) in acc.iter_mut().enumerate() {
                            let x = _mm512_set1_epi32(data.as_ptr().add(m * p + g * 16 + i * 4).cast::<i32>().read_unaligned());
                            acc[0] = _mm512_dpbusd_epi32(acc[0], a, x);
                            acc[1] = _mm512_dpbusd_epi32(acc[1], c, x);
                        }
                    }
                }
            }
            for h in 0..1 + usize::from(pair) {
                let r = (b + h) * 16;
                let n = (self.rows - r).min(16);
                let k = (((1u32 << n) - 1) & 0xffff) as u16;
                // SAFETY: masked
                unsafe {
                    let f = _mm512_maskz_loadu_ps(k, factors.as_ptr().add(r));
                    let bb = _mm512_maskz_loadu_ps(k, bias.as_ptr().add(r));
                    for (m, acc) in acc.iter().enumerate() {
                        let s = _mm512_sub_epi32(acc[h], _mm512_set1_epi32(sums[m]));
                        let y = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(s), f), bb);
                        _mm512_mask_storeu_ps(out.as_mut_ptr().add(m * self.rows + r), k, y);
                    }
                }
            }
            b += 2;
        }
    }
}

//! tmp
use super::Kernels;
#[derive(Debug, Clone)]
pub struct CountMatrix { rows: usize, columns: usize, codes: Vec<i8> }
#[derive(Debug, Clone, Copy)]
pub struct CountsRef<'a> { pub data: &'a [i8], pub sums: &'a [i32] }
pub fn padded(columns: usize) -> usize { columns.next_multiple_of(16) }
impl CountMatrix {
    pub fn new(rows: usize, columns: usize, mut fill: impl FnMut(usize, &mut [u8])) -> Self {
        let mut codes = Vec::new();
        let mut row = vec![0u8; columns.div_ceil(4)];
        for r in 0..rows { fill(r, &mut row); for c in 0..columns { codes.push((row[c/4] >> (2*(c%4)) & 3) as i8 - 1); } }
        Self { rows, columns, codes }
    }
    pub fn rows(&self) -> usize { self.rows }
    pub fn columns(&self) -> usize { self.columns }
    pub fn codes_row(&self, row: usize, out: &mut [i8]) { out.copy_from_slice(&self.codes[row*self.columns..][..self.columns]); }
    pub fn project(&self, _k: Kernels, counts: CountsRef<'_>, factors: &[f32], bias: &[f32], out: &mut [f32]) {
        let p = padded(self.columns);
        for (m, out) in out.chunks_exact_mut(self.rows).enumerate() {
            let x = &counts.data[m*p..][..p];
            for r in 0..self.rows {
                let mut s = 0i32;
                for c in 0..self.columns { let (g, i) = (c / 16, c % 16); s += i32::from(x[16*g + 4*(i%4) + i/4]) * i32::from(self.codes[r*self.columns+c]); }
                out[r] = s as f32 * factors[r] + bias[r];
            }
        }
    }
}

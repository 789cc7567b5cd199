//! The maps of spikes: low-bit codes in the forms that the kernels read, or plain `f32` weights.

use std::ops::Range;
use std::sync::OnceLock;

use crate::arithmetic::vectorised;
use crate::kernels::{BitMatrix, ColumnMatrix, CountMatrix, CountsRef, Events, Kernels, SpikeBits};
use crate::quantize::Quantized;

/// A map of spikes: codes with their scales, and a bias.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    weight: SpikingWeight,
    /// One for the matrix or one a row.
    scales: Vec<f32>,
    bias: Vec<f32>,
    columns: usize,
}

/// The weight of a [`Projection`].
#[derive(Debug, Clone)]
pub(crate) enum SpikingWeight {
    /// Codes -1, 0, 1.
    Codes(Box<Codes>),
    /// `[columns, rows]`: weights of 32 bits, column by column, so that a spike adds one contiguous run.
    Full(Vec<f32>),
}

/// Codes as counts read them and, made when a single step first needs them, as spikes do.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    counts: CountMatrix,
    bits: OnceLock<BitMatrix>,
    columns: OnceLock<ColumnMatrix>,
}

impl Codes {
    fn bits(&self) -> &BitMatrix {
        self.bits.get_or_init(|| {
            let (rows, cols) = (self.counts.rows(), self.counts.columns());
            let mut codes = vec![0; rows * cols];
            codes.chunks_exact_mut(cols).enumerate().for_each(|(row, codes)| self.counts.codes_row(row, codes));
            BitMatrix::new(&Quantized { codes, scales: vec![1.0], rows, cols })
        })
    }

    fn columns(&self) -> &ColumnMatrix {
        self.columns.get_or_init(|| {
            let (rows, columns) = (self.counts.rows(), self.counts.columns());
            ColumnMatrix::new(rows, columns, |row, codes| self.counts.codes_row(row, codes))
        })
    }
}

impl SpikingWeight {
    /// The codes of `counts`.
    pub(crate) fn codes(counts: CountMatrix) -> Self {
        Self::Codes(Box::new(Codes { counts, bits: OnceLock::new(), columns: OnceLock::new() }))
    }

    /// Weights `[rows, columns]` of 32 bits.
    pub(crate) fn full(weight: &[f32], [rows, columns]: [usize; 2]) -> Self {
        Self::Full((0..columns * rows).map(|i| weight[i % rows * columns + i / rows]).collect())
    }
}

/// Counts of some tokens of one population, as [`CountMatrix`] reads them and as plain numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted<'a> {
    /// Permuted bytes and their sums.
    pub(crate) packed: CountsRef<'a>,
    /// `[tokens, columns]`; read by maps of 32 bits alone.
    pub(crate) plain: &'a [f32],
}

impl Projection {
    pub(super) fn new(weight: SpikingWeight, scales: Vec<f32>, bias: Vec<f32>, columns: usize) -> Self {
        Self { weight, scales, bias, columns }
    }

    /// Number of outputs.
    pub(crate) fn rows(&self) -> usize {
        self.bias.len()
    }

    /// For each input, its weights that are not zero.
    pub(crate) fn fan_out(&self) -> Vec<u32> {
        let mut fan_out = vec![0; self.columns];
        match &self.weight {
            SpikingWeight::Codes(codes) => {
                let mut row = vec![0; self.columns];
                for r in 0..codes.counts.rows() {
                    codes.counts.codes_row(r, &mut row);
                    fan_out.iter_mut().zip(&row).for_each(|(n, &code)| *n += u32::from(code != 0));
                }
            }
            SpikingWeight::Full(weight) => {
                for (n, column) in fan_out.iter_mut().zip(weight.chunks_exact(self.rows())) {
                    *n = column.iter().filter(|&&w| w != 0.0).count() as u32;
                }
            }
        }
        fan_out
    }

    /// Most codes of a row that are not zero; none where weights are no codes.
    pub(crate) fn largest_fan_in(&self) -> Option<u32> {
        let SpikingWeight::Codes(codes) = &self.weight else { return None };
        let mut row = vec![0; self.columns];
        let not_zero = |r| {
            codes.counts.codes_row(r, &mut row);
            row.iter().filter(|&&code| code != 0).count() as u32
        };
        Some((0..codes.counts.rows()).map(not_zero).max().unwrap_or(0))
    }

    /// `out = W (scale counts) + b`; the scales are joined first, as in training. `factors` is scratch memory.
    ///
    /// # Shapes
    /// `out [tokens, rows]`.
    pub(crate) fn of_counts(
        &self,
        kernels: Kernels,
        counts: Counted<'_>,
        scale: f32,
        factors: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        match &self.weight {
            SpikingWeight::Codes(codes) => {
                factors.clear();
                match self.scales[..] {
                    [one] => factors.resize(self.rows(), scale * one),
                    _ => factors.extend(self.scales.iter().map(|s| scale * s)),
                }
                codes.counts.project(kernels, counts.packed, factors, &self.bias, out);
            }
            SpikingWeight::Full(weight) => {
                let rows = self.rows();
                for (out, counts) in out.chunks_exact_mut(rows).zip(counts.plain.chunks_exact(self.columns)) {
                    out.fill(0.0);
                    add_columns(weight, counts.iter().copied(), out);
                    out.iter_mut().zip(&self.bias).for_each(|(out, b)| *out = *out * scale + b);
                }
            }
        }
    }

    /// `out[m, o] = sum over k of codes[o, k] * spikes[m, k]`, without scale or bias, for the rows `range` of the spikes, given
    /// both as bits and as bytes.
    pub(crate) fn of_spikes(
        &self,
        kernels: Kernels,
        (bits, spikes): (&SpikeBits, &[i8]),
        range: Range<usize>,
        sums: &mut Sums,
    ) {
        let rows = self.rows();
        match &self.weight {
            SpikingWeight::Codes(codes) => {
                sums.integers.resize(range.len() * rows, 0);
                let rate = bits.spikes(range.clone()) as f64 / (range.len() * self.columns).max(1) as f64;
                match kernels.prefers_events(rate) {
                    true => codes.columns().product(kernels, bits, range, &mut sums.events, &mut sums.integers),
                    false => codes.bits().product(kernels, bits, range, &mut sums.integers),
                }
            }
            SpikingWeight::Full(weight) => {
                sums.floats.clear();
                sums.floats.resize(range.len() * rows, 0.0);
                let tokens = spikes[range.start * self.columns..range.end * self.columns].chunks_exact(self.columns);
                for (out, spikes) in sums.floats.chunks_exact_mut(rows).zip(tokens) {
                    add_columns(weight, spikes.iter().map(|&s| f32::from(s)), out);
                }
            }
        }
    }

    /// For one row of what [`Projection::of_spikes`] left: `sums <- keep * sums + new`, `out = (scale s) * sums + b`, bit for
    /// bit what [`Projection::accumulate`] and [`Projection::finish`] give.
    pub(crate) fn step(&self, new: &Sums, row: usize, (keep, scale): (f32, f32), sums: &mut [f32], out: &mut [f32]) {
        let rows = self.rows();
        let values = row * rows..(row + 1) * rows;
        vectorised!(move || {
            match &self.weight {
                SpikingWeight::Codes(_) => add(keep, sums, &new.integers[values], |new| new as f32),
                SpikingWeight::Full(_) => add(keep, sums, &new.floats[values], |new| new),
            }
            self.finish_row(sums, scale, out);
        });
    }

    #[inline(always)]
    fn finish_row(&self, sums: &[f32], scale: f32, out: &mut [f32]) {
        if let [one] = self.scales[..] {
            let factor = scale * one;
            for ((out, &sum), &bias) in out.iter_mut().zip(sums).zip(&self.bias) {
                *out = sum * factor + bias;
            }
        } else {
            for (((out, &sum), &bias), &s) in out.iter_mut().zip(sums).zip(&self.bias).zip(&self.scales) {
                *out = sum * (scale * s) + bias;
            }
        }
    }

    /// `sums <- keep * sums + new`, where `new` is what [`Projection::of_spikes`] left.
    pub(crate) fn accumulate(&self, new: &Sums, keep: f32, sums: &mut [f32]) {
        vectorised!(move || match &self.weight {
            SpikingWeight::Codes(_) => add(keep, sums, &new.integers, |new| new as f32),
            SpikingWeight::Full(_) => add(keep, sums, &new.floats, |new| new),
        });
    }

    /// `y = (scale * s) * sums + b` in place of the sums of any number of rows; the scales are joined first, as in training.
    pub(crate) fn finish(&self, sums: &[f32], scale: f32, out: &mut [f32]) {
        let rows = self.rows();
        vectorised!(|| {
            for (sums, out) in sums.chunks_exact(rows).zip(out.chunks_exact_mut(rows)) {
                self.finish_row(sums, scale, out);
            }
        });
    }
}

/// `sums <- keep * sums + new`
#[inline(always)]
fn add<T: Copy>(keep: f32, sums: &mut [f32], new: &[T], float: impl Fn(T) -> f32) {
    for (sum, &new) in sums.iter_mut().zip(new) {
        *sum = keep * *sum + float(new);
    }
}

/// `out += sum over k of x[k] * column k`, silent inputs skipped.
fn add_columns(weight: &[f32], x: impl Iterator<Item = f32>, out: &mut [f32]) {
    for (column, x) in weight.chunks_exact(out.len()).zip(x).filter(|(_, x)| *x != 0.0) {
        out.iter_mut().zip(column).for_each(|(out, w)| *out += x * w);
    }
}

/// What a [`Projection`] leaves of a step, kept from step to step to save allocations.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    events: Events,
    integers: Vec<i32>,
    floats: Vec<f32>,
}

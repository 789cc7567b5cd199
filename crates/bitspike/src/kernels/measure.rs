//! How fast the kernels are on this machine, and how fast it could be.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{BitMatrix, ColumnMatrix, CountMatrix, CountsRef, Events, Kernels, SpikeBits, padded};
use crate::arithmetic::vectorised;
use crate::quantize::Quantized;

/// A kernel's rate.
#[derive(Debug, Clone, Serialize)]
pub struct Rate {
    /// What was run.
    pub name: String,
    /// Multiply-adds of the dense product per second, in 10^9, on one core: the best of several runs.
    pub gmac_per_s: f64,
}

/// Kernels and ceilings of one core.
#[derive(Debug, Clone, Serialize)]
pub struct Measurements {
    /// The instruction set.
    pub kernels: String,
    /// Rates of the products.
    pub rates: Vec<Rate>,
    /// Multiply-adds of bytes per second in registers, in 10^9: what no product of counts can exceed; 0 where the instruction set has
    /// no byte products to measure.
    pub peak_gmac_per_s: f64,
    /// Bytes per second, in 10^9, read from a block of 256 KiB and of 256 MiB.
    pub read_gb_per_s: [f64; 2],
}

impl Measurements {
    /// The measurements as lines of text.
    pub fn lines(&self) -> Vec<String> {
        let share = |rate: &Rate| match self.peak_gmac_per_s > 0.0 && rate.name.starts_with("counts") {
            true => format!("  {:.0} % of the peak", 100.0 * rate.gmac_per_s / self.peak_gmac_per_s),
            false => String::new(),
        };
        let mut lines = vec![format!("kernels {} on one core, dense-equivalent GMAC/s", self.kernels)];
        lines.extend(
            self.rates.iter().map(|rate| format!("  {:<34} {:>7.0}{}", rate.name, rate.gmac_per_s, share(rate))),
        );
        if self.peak_gmac_per_s > 0.0 {
            lines.push(format!("  {:<34} {:>7.0}", "peak of byte products in registers", self.peak_gmac_per_s));
        }
        let [cache, memory] = self.read_gb_per_s;
        lines.push(format!("  reading 256 KiB {cache:.0} GB/s, 256 MiB {memory:.1} GB/s"));
        lines
    }
}

/// Measures the products `128 x 768 x 3072` and `128 x 384 x 1536`, at firing rates of 5 to 30 % where they matter. Takes about a
/// second.
pub fn measure(kernels: Kernels) -> Measurements {
    let mut rates = Vec::new();
    for (rows, columns) in [(3072, 768), (1536, 384), (384, 1536)] {
        rates.push(counts(kernels, [128, columns, rows]));
    }
    rates.push(bits(kernels, [128, 768, 768]));
    for percent in [5, 10, 20, 30] {
        rates.push(columns(kernels, [128, 768, 768], percent));
    }
    let read_gb_per_s = [1 << 18, 1 << 28].map(read);
    Measurements { kernels: kernels.to_string(), rates, peak_gmac_per_s: peak(kernels), read_gb_per_s }
}

/// Best time of a call over at least 40 ms.
fn best(mut f: impl FnMut()) -> Duration {
    let started = Instant::now();
    let mut best = Duration::MAX;
    while started.elapsed() < Duration::from_millis(40) {
        let began = Instant::now();
        f();
        best = best.min(began.elapsed());
    }
    best
}

/// Values that look random and are always the same.
fn noise(count: usize) -> impl Iterator<Item = u32> {
    (1..=count as u32).map(|i| {
        let mut x = i.wrapping_mul(0x9e37_79b9);
        x ^= x >> 15;
        x = x.wrapping_mul(0x85eb_ca6b);
        x ^ (x >> 13)
    })
}

fn codes(rows: usize, columns: usize) -> Quantized {
    let codes = noise(rows * columns).map(|x| (x % 3) as i8 - 1).collect();
    Quantized { codes, scales: vec![1.0], rows, cols: columns }
}

fn rate(name: String, [tokens, columns, rows]: [usize; 3], time: Duration) -> Rate {
    Rate { name, gmac_per_s: (tokens * columns * rows) as f64 / time.as_secs_f64() / 1e9 }
}

fn counts(kernels: Kernels, shape: [usize; 3]) -> Rate {
    let [tokens, columns, rows] = shape;
    let bytes: Vec<u8> =
        noise(columns.div_ceil(4)).map(|x| (0..4).fold(0, |b, i| b | ((x >> (8 * i)) % 3) << (2 * i)) as u8).collect();
    let matrix = CountMatrix::new(rows, columns, |_, out| out.copy_from_slice(&bytes));
    let data: Vec<i8> = noise(tokens * padded(columns)).map(|x| (x % 33) as i8 - 16).collect();
    let sums: Vec<i32> =
        data.chunks_exact(padded(columns)).map(|row| row.iter().map(|&n| i32::from(n)).sum()).collect();
    let (factors, bias) = (vec![0.01; rows], vec![0.1; rows]);
    let mut out = vec![0.0; tokens * rows];
    let time =
        best(|| matrix.project(kernels, CountsRef { data: black_box(&data), sums: &sums }, &factors, &bias, &mut out));
    rate(format!("counts {tokens}x{columns}x{rows}"), shape, time)
}

fn spikes([tokens, columns, _]: [usize; 3], percent: u32) -> SpikeBits {
    let spike = |x: u32| if x % 100 < percent { ((x >> 10) % 2) as i8 * 2 - 1 } else { 0 };
    SpikeBits::of(&noise(tokens * columns).map(spike).collect::<Vec<_>>(), columns)
}

fn bits(kernels: Kernels, shape: [usize; 3]) -> Rate {
    let [tokens, columns, rows] = shape;
    let matrix = BitMatrix::new(&codes(rows, columns));
    let spikes = spikes(shape, 20);
    let mut out = vec![0; tokens * rows];
    let time = best(|| matrix.product(kernels, black_box(&spikes), 0..tokens, &mut out));
    rate(format!("bits {tokens}x{columns}x{rows}"), shape, time)
}

fn columns(kernels: Kernels, shape: [usize; 3], percent: u32) -> Rate {
    let [tokens, columns, rows] = shape;
    let quantized = codes(rows, columns);
    let matrix =
        ColumnMatrix::new(rows, columns, |row, out| out.copy_from_slice(&quantized.codes[row * columns..][..columns]));
    let spikes = spikes(shape, percent);
    let (mut out, mut events) = (vec![0; tokens * rows], Events::default());
    let time = best(|| matrix.product(kernels, black_box(&spikes), 0..tokens, &mut events, &mut out));
    rate(format!("events {tokens}x{columns}x{rows}, {percent} %"), shape, time)
}

/// Multiply-adds per second, in 10^9, of byte products whose operands never leave the registers.
fn peak(kernels: Kernels) -> f64 {
    const STEPS: usize = 100_000;
    /// Multiply-adds a step, and what takes so many steps.
    type Chains = (usize, fn(usize) -> i32);
    let chains: Option<Chains> = match kernels {
        #[cfg(target_arch = "x86_64")]
        Kernels::Avx512 => Some((super::avx512::PEAK_PRODUCTS, super::avx512::peak)),
        #[cfg(target_arch = "x86_64")]
        Kernels::AvxVnni => Some((super::avx2::CHAINS * 32, super::avx2::peak_vnni)),
        #[cfg(target_arch = "x86_64")]
        Kernels::Avx2 => Some((super::avx2::CHAINS * 32, super::avx2::peak)),
        _ => None,
    };
    let Some((products, run)) = chains else { return 0.0 };
    let time = best(|| {
        black_box(run(black_box(STEPS)));
    });
    (STEPS * products) as f64 / time.as_secs_f64() / 1e9
}

/// Bytes per second, in 10^9, of summing a block of so many bytes.
fn read(bytes: usize) -> f64 {
    let block = vec![1u64; bytes / 8];
    let time = best(|| {
        let sum = vectorised!(|| {
            let mut sums = [0u64; 64];
            for chunk in black_box(&block).as_chunks::<64>().0 {
                for lane in 0..64 {
                    sums[lane] = sums[lane].wrapping_add(chunk[lane]);
                }
            }
            sums
        });
        black_box(sum);
    });
    bytes as f64 / time.as_secs_f64() / 1e9
}

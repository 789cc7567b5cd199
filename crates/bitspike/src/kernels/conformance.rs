//! Every kernel of every instruction set against plain integers, on one seeded suite.

use rand_like::Random;

use super::*;
use crate::quantize::Quantized;

/// A small generator: the suite is the same everywhere, without a dependency.
mod rand_like {
    /// SplitMix64 (Steele, Lea, Flood, 2014).
    pub(super) struct Random(pub(super) u64);

    impl Random {
        /// A number in `low..=high`.
        pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            low + ((z ^ (z >> 31)) % (high - low + 1) as u64) as i32
        }
    }
}

/// Rows, columns, tokens.
const SHAPES: [[usize; 3]; 18] = [
    [1, 1, 1],
    [1, 1, 0],
    [16, 16, 12],
    [15, 17, 13],
    [17, 15, 11],
    [33, 64, 25],
    [32, 100, 7],
    [7, 3, 1],
    [8, 5, 2],
    [40, 31, 26],
    [384, 384, 3],
    [385, 63, 5],
    [383, 65, 24],
    [64, 1536, 4],
    [3, 4096, 2],
    [5, 384, 37],
    [100, 256, 2],
    [24, 257, 6],
];

/// What is tested besides the machine's own: on other architectures than its own, NEON is emulated.
fn suite() -> Vec<Kernels> {
    let mut all = Kernels::available();
    if !all.contains(&Kernels::Neon) {
        all.push(Kernels::Neon);
    }
    all
}

fn by_hand(codes: &[i8], inputs: &[i8], columns: usize) -> Vec<i32> {
    let dot = |w: &[i8], x: &[i8]| w.iter().zip(x).map(|(&w, &x)| i64::from(w) * i64::from(x)).sum::<i64>();
    inputs.chunks_exact(columns).flat_map(|x| codes.chunks_exact(columns).map(move |w| dot(w, x) as i32)).collect()
}

fn matrix(codes: &[i8], rows: usize, columns: usize) -> CountMatrix {
    CountMatrix::new(rows, columns, |row, out| {
        for (byte, codes) in out.iter_mut().zip(codes[row * columns..][..columns].chunks(4)) {
            *byte = (0..4).fold(0, |byte, i| byte | (codes.get(i).map_or(1, |&c| (c + 1) as u8) << (2 * i)));
        }
    })
}

fn counts_conform(codes: &[i8], counts: &[i8], [rows, columns, tokens]: [usize; 3]) {
    let matrix = matrix(codes, rows, columns);
    let expected = by_hand(codes, counts, columns);
    let mut line = vec![0; columns];
    for row in 0..rows {
        matrix.codes_row(row, &mut line);
        assert_eq!(line, codes[row * columns..][..columns]);
    }
    let plain: Vec<f32> = counts.iter().map(|&n| f32::from(n)).collect();
    let factors: Vec<f32> = (0..rows).map(|r| 0.013 + r as f32 * 1e-4).collect();
    let bias: Vec<f32> = (0..rows).map(|r| 0.3 - r as f32 * 0.01).collect();
    let affine: Vec<u32> = expected
        .iter()
        .enumerate()
        .map(|(i, &sum)| (sum as f32 * factors[i % rows] + bias[i % rows]).to_bits())
        .collect();
    for kernels in suite() {
        let (mut data, mut sums) = (vec![1; tokens * padded(columns)], vec![1; tokens]);
        pack_counts(kernels, &plain, columns, &mut data, &mut sums);
        let counts = CountsRef { data: &data, sums: &sums };
        let mut out = vec![7; tokens * rows];
        matrix.product(kernels, counts, &mut out);
        assert_eq!(out, expected, "{kernels} {rows}x{columns}, {tokens} tokens");
        let mut out = vec![7.0; tokens * rows];
        matrix.project(kernels, counts, &factors, &bias, &mut out);
        let bits: Vec<u32> = out.iter().map(|x| x.to_bits()).collect();
        assert_eq!(bits, affine, "{kernels} {rows}x{columns}, {tokens} tokens, affine");
    }
}

fn spikes_conform(codes: &[i8], spikes: &[i8], [rows, columns, tokens]: [usize; 3]) {
    let quantized = Quantized { codes: codes.to_vec(), scales: vec![1.0], rows, cols: columns };
    let bits = BitMatrix::new(&quantized);
    let matrix = ColumnMatrix::new(rows, columns, |row, out| out.copy_from_slice(&codes[row * columns..][..columns]));
    let spike_bits = SpikeBits::of(spikes, columns);
    let expected = by_hand(codes, spikes, columns);
    for kernels in suite() {
        let mut out = vec![7; tokens * rows];
        bits.product(kernels, &spike_bits, 0..tokens, &mut out);
        assert_eq!(out, expected, "bits, {kernels} {rows}x{columns}, {tokens} tokens");
        let mut out = vec![7; tokens * rows];
        matrix.product(kernels, &spike_bits, 0..tokens, &mut Events::default(), &mut out);
        assert_eq!(out, expected, "columns, {kernels} {rows}x{columns}, {tokens} tokens");
    }
}

#[test]
fn random_values() {
    let mut random = Random(7);
    for shape in SHAPES {
        let [rows, columns, tokens] = shape;
        for most in [1, 16, 127] {
            let codes: Vec<i8> = (0..rows * columns).map(|_| random.between(-1, 1) as i8).collect();
            let counts: Vec<i8> = (0..tokens * columns).map(|_| random.between(-most, most) as i8).collect();
            counts_conform(&codes, &counts, shape);
        }
        for rate in [0, 3, 30, 100] {
            let codes: Vec<i8> = (0..rows * columns).map(|_| random.between(-1, 1) as i8).collect();
            let mut spike = || if random.between(1, 100) <= rate { 2 * random.between(0, 1) as i8 - 1 } else { 0 };
            let spikes: Vec<i8> = (0..tokens * columns).map(|_| spike()).collect();
            spikes_conform(&codes, &spikes, shape);
        }
    }
}

#[test]
fn extremes() {
    for (code, count) in [(1, 127), (1, -127), (-1, 127), (-1, -127), (0, 127), (1, 0)] {
        for shape in [[1, 1, 1], [17, 33, 13], [384, 1536, 2]] {
            let [rows, columns, tokens] = shape;
            counts_conform(&vec![code; rows * columns], &vec![count; tokens * columns], shape);
            spikes_conform(&vec![code; rows * columns], &vec![(count as i32).signum() as i8; tokens * columns], shape);
        }
    }
}

/// Columns are added seven at a time and 127 at a time: every sum at, below and above these bounds.
#[test]
fn events_around_the_bounds() {
    for columns in [1, 6, 7, 8, 13, 14, 15, 126, 127, 128, 133, 134, 135, 254, 255, 381, 508] {
        for minus in [0, 1, 6, 7, 8, 63, 64, 126, 127, 128, columns] {
            let spikes: Vec<i8> = (0..columns).map(|c| if c < minus { -1 } else { 1 }).collect();
            for code in [1, -1] {
                // Codes of the sign of their spikes give the largest sums, those of one sign the largest stored ones.
                let codes = [vec![code; columns], spikes.iter().map(|s| s * code).collect(), vec![0; columns]].concat();
                spikes_conform(&codes, &spikes, [3, columns, 1]);
            }
        }
    }
}

#[test]
fn without_rows_columns_or_tokens() {
    let silent = SpikeBits::silent(2, 3);
    for kernels in suite() {
        let counts = CountsRef { data: &[0; 32], sums: &[0; 2] };
        CountMatrix::new(0, 3, |_, _| ()).product(kernels, counts, &mut []);
        ColumnMatrix::new(0, 3, |_, _| ()).product(kernels, &silent, 0..2, &mut Events::default(), &mut []);
        let nothing = Quantized { codes: Vec::new(), scales: vec![1.0], rows: 0, cols: 3 };
        BitMatrix::new(&nothing).product(kernels, &silent, 0..2, &mut []);
        let empty = CountsRef { data: &[], sums: &[0; 2] };
        let mut out = [7.0; 10];
        CountMatrix::new(5, 0, |_, _| ()).project(kernels, empty, &[2.0; 5], &[0.5; 5], &mut out);
        assert_eq!(out, [0.5; 10], "{kernels}");
        let mut out = [7; 10];
        ColumnMatrix::new(5, 0, |_, _| ()).product(
            kernels,
            &SpikeBits::silent(2, 0),
            0..2,
            &mut Events::default(),
            &mut out,
        );
        assert_eq!(out, [0; 10], "{kernels}");
    }
}

#[test]
#[should_panic(expected = "not -1, 0 or 1")]
fn columns_of_other_codes_are_refused() {
    ColumnMatrix::new(1, 2, |_, codes| codes[1] = 2);
}

#[test]
fn the_largest_sums_fit() {
    for (code, count) in [(1, 127), (1, -127), (-1, -127)] {
        counts_conform(&vec![code; MAX_COLUMNS], &vec![count; MAX_COLUMNS], [1, MAX_COLUMNS, 1]);
    }
}

#[test]
#[should_panic(expected = "proved for 65536")]
fn more_columns_are_refused() {
    CountMatrix::new(1, MAX_COLUMNS + 1, |_, _| ());
}

#[test]
fn names_are_read_back_and_others_refused() {
    for kernels in Kernels::available() {
        assert_eq!(kernels.name().parse::<Kernels>().unwrap(), kernels);
    }
    let missing = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
    let error = missing.parse::<Kernels>().unwrap_err().to_string();
    assert!(error.contains("which this machine lacks") && error.contains("scalar"), "{error}");
    assert!("sse9".parse::<Kernels>().unwrap_err().to_string().contains("`sse9`"));
    assert!(Kernels::detect().is_available());
}

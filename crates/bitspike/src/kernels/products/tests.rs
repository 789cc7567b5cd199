use proptest::prelude::*;

use super::*;
use crate::quantize::Quantized;

fn quantized(codes: Vec<i8>, rows: usize, cols: usize) -> Quantized {
    Quantized { codes, scales: vec![1.0], rows, cols }
}

fn by_hand(codes: &[i8], spikes: &[i8], columns: usize) -> Vec<i32> {
    let dot = |a: &[i8], b: &[i8]| a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
    spikes.chunks(columns).flat_map(|s| codes.chunks(columns).map(move |w| dot(w, s))).collect()
}

fn conforms(codes: &[i8], spikes: &[i8], [rows, columns, tokens]: [usize; 3]) {
    let matrix = BitMatrix::new(&quantized(codes.to_vec(), rows, columns));
    let bits = SpikeBits::of(spikes, columns);
    let expected = by_hand(codes, spikes, columns);
    for kernels in Kernels::available() {
        let mut out = vec![7; tokens * rows];
        matrix.product(kernels, &bits, 0..tokens, &mut out);
        assert_eq!(out, expected, "{kernels:?} {rows}x{columns}, {tokens} tokens");
    }
    let nonzero = spikes.iter().filter(|&&s| s != 0).count() as u64;
    assert_eq!(bits.spikes(0..tokens), nonzero);
}

#[test]
fn vectors_pack_what_words_pack() {
    for length in [1, 7, 8, 63, 64, 65, 127, 384, 400] {
        let spikes: Vec<i8> = (0..length).map(|i| (i * i % 7 % 3) as i8 - 1).collect();
        let mut bits = SpikeBits::silent(3, length);
        bits.bits.fill(u64::MAX);
        bits.set_row(1, &spikes);
        let expected: (Vec<u64>, Vec<u64>) = spikes.chunks(64).map(pack).unzip();
        assert_eq!(bits.row(1), (&expected.0[..], &expected.1[..]), "{length} spikes");
        assert!([0, 2].iter().all(|&other| bits.row(other).0.iter().all(|&word| word == u64::MAX)), "{length} spikes");
    }
}

fn any_case() -> impl Strategy<Value = ([usize; 3], Vec<i8>, Vec<i8>)> {
    (1usize..40, 1usize..200, 1usize..20).prop_flat_map(|(rows, columns, tokens)| {
        let values = |count| prop::collection::vec(-1i8..=1, count);
        (Just([rows, columns, tokens]), values(rows * columns), values(tokens * columns))
    })
}

proptest! {
    #[test]
    fn products_are_those_of_plain_integers((shape, codes, spikes) in any_case()) {
        conforms(&codes, &spikes, shape);
    }
}

#[test]
fn extremes() {
    for (w, s) in [(1, 1), (1, -1), (-1, -1), (0, 1), (1, 0)] {
        for shape in [[1, 1, 1], [8, 64, 8], [9, 65, 9], [384, 1536, 3], [7, 4096, 1]] {
            conforms(&vec![w; shape[0] * shape[1]], &vec![s; shape[2] * shape[1]], shape);
        }
    }
    let bits = SpikeBits::silent(0, 5);
    BitMatrix::new(&quantized(vec![1; 5], 1, 5)).product(Kernels::detect(), &bits, 0..0, &mut []);
}

#[test]
#[should_panic(expected = "not -1, 0 or 1")]
fn a_code_of_two_is_refused() {
    BitMatrix::new(&quantized(vec![1, 2], 1, 2));
}

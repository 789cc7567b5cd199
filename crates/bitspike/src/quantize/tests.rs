//! Hand-computed values, and properties over random matrices.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const GRANULARITIES: [Granularity; 2] = [Granularity::Matrix, Granularity::Row];

#[test]
fn ternary_values_by_hand() {
    // mean|W| = (2 + 0.5 + 0 + 1.5) / 4 = 1; the rows' are 1.25 and 0.75.
    let w = [2.0, -0.5, 0.0, 1.5];
    let q = ternary(&w, [2, 2], Granularity::Matrix).unwrap();
    assert_eq!((q.codes.as_slice(), q.scales.as_slice()), (&[1, -1, 0, 1][..], &[1.0][..]));
    let q = ternary(&w, [2, 2], Granularity::Row).unwrap();
    assert_eq!((q.codes.as_slice(), q.scales.as_slice()), (&[1, 0, 0, 1][..], &[1.25, 0.75][..]));
    assert_eq!(q.dequantize(), [1.25, 0.0, 0.0, 0.75]);
}

#[test]
fn binary_values_by_hand() {
    // mean 0.75, deviations 1.25, -1.25, -0.75, 0.75: mean of magnitudes 1.
    let w = [2.0, -0.5, 0.0, 1.5];
    let q = binary(&w, [2, 2], Granularity::Matrix).unwrap();
    assert_eq!((q.codes.as_slice(), q.scales.as_slice()), (&[1, -1, -1, 1][..], &[1.0][..]));
    let q = binary(&w, [2, 2], Granularity::Row).unwrap();
    assert_eq!((q.codes.as_slice(), q.scales.as_slice()), (&[1, -1, -1, 1][..], &[1.25, 0.75][..]));
    // A weight equal to the mean counts as positive.
    assert_eq!(binary(&[1.0, 0.0, -1.0], [1, 3], Granularity::Matrix).unwrap().codes, [1, 1, -1]);
}

#[test]
fn embedding_values_by_hand() {
    let q = EmbeddingBits::Eight.quantize(&[1.27, -0.634, 0.0, 0.0], [2, 2]).unwrap().unwrap();
    assert_eq!(q.codes, [127, -63, 0, 0]);
    assert_eq!((q.scales[0], q.scales[1]), (1.27 / 127.0, 0.0));
    let q = EmbeddingBits::Four.quantize(&[-14.0, 3.0, 1.0, 0.9], [1, 4]).unwrap().unwrap();
    assert_eq!((q.codes.as_slice(), q.scales.as_slice()), (&[-7, 2, 1, 0][..], &[2.0][..])); // 1.5 and 0.5 round away
}

#[test]
fn zeros_stay_zero_at_every_precision() {
    let zeros = [0.0; 6];
    for bits in [EmbeddingBits::Eight, EmbeddingBits::Four, EmbeddingBits::Ternary, EmbeddingBits::Binary] {
        assert_eq!(bits.quantize(&zeros, [2, 3]).unwrap().unwrap().dequantize(), zeros, "{bits}");
    }
    for granularity in GRANULARITIES {
        let q = ternary(&zeros, [2, 3], granularity).unwrap();
        assert!(q.codes.iter().all(|&code| code == 0) && q.scales.iter().all(|&scale| scale == 0.0));
        assert_eq!(binary(&zeros, [2, 3], granularity).unwrap().dequantize(), zeros);
    }
    assert_eq!(WeightBits::Full.quantize(&zeros, [2, 3], Granularity::Row).unwrap(), None);
    assert_eq!(EmbeddingBits::Full.quantize(&zeros, [2, 3]).unwrap(), None);
}

#[test]
fn misfits_are_refused() {
    for bits in [WeightBits::Full, WeightBits::Ternary, WeightBits::Binary] {
        for shape in [[0, 3], [3, 0], [2, 2], [usize::MAX, 2]] {
            let found = format!("{} x {}", shape[0], shape[1]);
            let error = bits.quantize(&[1.0; 3], shape, Granularity::Matrix).unwrap_err().to_string();
            assert!(error.contains(&found), "{error}");
        }
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let error = bits.quantize(&[1.0, 0.0, 2.0, bad], [2, 2], Granularity::Row).unwrap_err().to_string();
            assert!(error.contains("row 1, column 1"), "{error}");
        }
    }
}

#[test]
fn the_largest_weights_have_finite_scales() {
    let w = [f32::MAX, -f32::MAX, -f32::MAX, f32::MAX];
    for granularity in GRANULARITIES {
        for q in [binary(&w, [2, 2], granularity).unwrap(), ternary(&w, [2, 2], granularity).unwrap()] {
            assert_eq!(q.dequantize(), w);
        }
    }
    assert_eq!(binary(&w[..3], [1, 3], Granularity::Row).unwrap().codes, [1, -1, -1]);
    assert_eq!(EmbeddingBits::Eight.quantize(&w, [1, 4]).unwrap().unwrap().codes, [127, -127, -127, 127]);
}

#[test]
fn precisions_read_and_print() {
    for (text, bits) in [("32", WeightBits::Full), ("1.58", WeightBits::Ternary), ("1", WeightBits::Binary)] {
        assert_eq!((bits.to_string().as_str(), text.parse::<WeightBits>().unwrap()), (text, bits));
        let number: serde_json::Value = text.parse().unwrap();
        assert_eq!(serde_json::to_value(bits).unwrap(), number);
        for value in [number, json!(text), json!(text.parse::<f64>().unwrap())] {
            assert_eq!(serde_json::from_value::<WeightBits>(value).unwrap(), bits);
        }
        assert_eq!(bits.bits_per_weight(), text.parse::<f64>().unwrap());
    }
    for text in ["32", "8", "4", "1.58", "1"] {
        let bits: EmbeddingBits = text.parse().unwrap();
        assert_eq!(serde_json::from_value::<EmbeddingBits>(serde_json::to_value(bits).unwrap()).unwrap(), bits);
        assert_eq!(bits.to_string(), text);
    }
    for wrong in [json!(2), json!(1.5), json!("ternary"), json!(-1), json!(null), json!(true), json!(1e300)] {
        assert!(serde_json::from_value::<WeightBits>(wrong.clone()).is_err(), "{wrong}");
    }
    let error = serde_json::from_value::<WeightBits>(json!(2)).unwrap_err().to_string();
    assert!(error.contains("one of 32, 1.58, 1") && error.contains("found 2"), "{error}");
    assert!(serde_json::from_value::<WeightBits>(json!(8)).is_err() && "8".parse::<EmbeddingBits>().is_ok());
    assert_eq!(serde_json::to_value(Granularity::Row).unwrap(), json!("row"));
    assert_eq!("matrix".parse::<Granularity>().unwrap(), Granularity::Matrix);
    assert!("column".parse::<Granularity>().unwrap_err().to_string().contains("matrix, row"));
}

#[test]
fn sizes_by_hand() {
    use Granularity::{Matrix, Row};
    assert_eq!(WeightBits::Full.packed_bytes(3, 5, Row), 60);
    assert_eq!(WeightBits::Ternary.packed_bytes(3, 5, Matrix), 3 * 2 + 4);
    assert_eq!(WeightBits::Ternary.packed_bytes(3, 5, Row), 3 * 2 + 12);
    assert_eq!(WeightBits::Binary.packed_bytes(3, 9, Matrix), 3 * 2 + 4);
    let tables =
        [EmbeddingBits::Full, EmbeddingBits::Eight, EmbeddingBits::Four, EmbeddingBits::Ternary, EmbeddingBits::Binary];
    assert_eq!(tables.map(|bits| bits.packed_bytes(2, 9)), [72, 18 + 8, 10 + 8, 6 + 8, 4 + 8]);
}

/// A matrix of up to 6 x 12 with some exact zeros.
fn matrix() -> impl Strategy<Value = ([usize; 2], Vec<f32>)> {
    (1usize..=6, 1usize..=12).prop_flat_map(|(rows, cols)| {
        let weight = prop_oneof![1 => Just(0.0f32), 6 => -3.0f32..3.0, 1 => -1e-3f32..1e-3];
        (Just([rows, cols]), prop::collection::vec(weight, rows * cols))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn ternary_codes_minimise_the_rounding_error((shape, w) in matrix()) {
        for granularity in GRANULARITIES {
            let q = ternary(&w, shape, granularity).unwrap();
            prop_assert_eq!(q.scales.len(), if granularity == Granularity::Row { shape[0] } else { 1 });
            for (i, (&code, &w)) in q.codes.iter().zip(&w).enumerate() {
                let scale = q.scale(i / shape[1]);
                prop_assert!((-1..=1).contains(&code));
                prop_assert!(scale > 0.0 || (w == 0.0 && code == 0));
                // No other legal code is nearer.
                let error = |code: f32| (w - code * scale).abs();
                let best = [-1.0, 0.0, 1.0].map(error).into_iter().fold(f32::INFINITY, f32::min);
                prop_assert!(error(f32::from(code)) <= best + scale * 1e-6, "{} {} {}", w, code, scale);
            }
            // The reconstruction has the same codes: |code| * gamma over the mean of them is at least 1.
            prop_assert_eq!(ternary(&q.dequantize(), shape, granularity).unwrap().codes, q.codes);
        }
    }

    #[test]
    fn binary_codes_say_on_which_side_of_the_mean((shape, w) in matrix()) {
        for granularity in GRANULARITIES {
            let q = binary(&w, shape, granularity).unwrap();
            let size = if granularity == Granularity::Row { shape[1] } else { w.len() };
            for (group, (codes, w)) in q.codes.chunks(size).zip(w.chunks(size)).enumerate() {
                let mean = w.iter().map(|&w| f64::from(w)).sum::<f64>() / size as f64;
                let deviation = w.iter().map(|&w| (f64::from(w) - mean).abs()).sum::<f64>() / size as f64;
                prop_assert!((f64::from(q.scales[group]) - deviation).abs() <= 1e-6 * (1.0 + mean.abs()));
                for (&code, &w) in codes.iter().zip(w) {
                    prop_assert!(code == 1 || code == -1);
                    let side = f64::from(w) - mean;
                    prop_assert!(side.abs() < 1e-6 || (side > 0.0) == (code == 1), "{} {} {}", w, mean, code);
                }
            }
        }
    }

    #[test]
    fn eight_and_four_bits_err_by_half_a_step((shape, w) in matrix()) {
        for (bits, top) in [(EmbeddingBits::Eight, 127), (EmbeddingBits::Four, 7)] {
            let q = bits.quantize(&w, shape).unwrap().unwrap();
            for (i, (&w, back)) in w.iter().zip(q.dequantize()).enumerate() {
                let scale = q.scale(i / shape[1]);
                prop_assert!((w - back).abs() <= 0.5 * scale * (1.0 + 1e-4), "{} {} {}", w, back, scale);
                prop_assert!(q.codes[i].abs() <= top);
            }
            for (row, codes) in q.codes.chunks(shape[1]).enumerate() {
                // The largest value of a row takes the largest code.
                prop_assert!(q.scales[row] == 0.0 || codes.iter().any(|code| code.abs() == top));
            }
        }
    }
}

use super::*;

#[test]
fn exp_stays_within_its_error_bound() {
    for i in -87_000..=88_000 {
        let x = i as f32 / 1000.0;
        let exact = f64::from(x).exp();
        let error = (f64::from(exp(x)) - exact).abs() / exact;
        assert!(error < 4e-7, "exp({x}) is off by {error}");
    }
    assert_eq!(exp(-1e30), 0.0);
    assert!(exp(1e30).is_finite());
}

#[test]
fn a_head_is_transposed_whatever_its_size() {
    for (length, size) in [(1, 1), (5, 32), (16, 16), (17, 31), (40, 48)] {
        let head = Head { width: 2 * size + 3, start: size, size };
        let x: Vec<f32> = (0..length * head.width).map(|i| i as f32).collect();
        let padded = length.next_multiple_of(LANES);
        let mut out = vec![f32::NAN; size * padded];
        head.transpose(&x, length, padded, &mut out);
        for (d, row) in out.chunks_exact(padded).enumerate() {
            for (j, &value) in row.iter().enumerate() {
                let expected = if j < length { head.row(&x, j)[d] } else { 0.0 };
                assert_eq!(value, expected, "{length} rows of {size}, column {d}, row {j}");
            }
        }
    }
}

#[test]
fn normal_matches_known_values() {
    // Phi at 0, 1, -1, 1.96, 3 from standard tables (ten digits).
    for (x, phi) in
        [(0.0, 0.5), (1.0, 0.841_344_746), (-1.0, 0.158_655_254), (1.96, 0.975_002_105), (3.0, 0.998_650_102)]
    {
        assert!((f64::from(normal(x).0) - phi).abs() < 4e-7, "Phi({x}) = {}", normal(x).0);
    }
    assert!((normal(0.0).1 - 0.398_942_3).abs() < 1e-7);
}

#[test]
fn a_variance_that_overflows_is_no_zero() {
    for values in [vec![1e25, -1e25, 3.0], vec![f32::MAX; 40], vec![4e19, 0.0, 0.0, 0.0]] {
        let mut row = values.clone();
        assert!(normalise_row(&mut row, 1e-12).is_nan(), "{values:?}");
        assert!(row.iter().all(|x| x.is_nan()), "{values:?} became {row:?}");
    }
    let mut row = [1e18, -1e18];
    normalise_row(&mut row, 1e-12);
    assert_eq!(row, [1.0, -1.0]);
}

#[test]
fn gelu_stays_within_its_error_bound() {
    // 0.5 erfc(-x / sqrt(2)) by its continued fraction or its series, in f64.
    let phi = |x: f64| {
        let tail = |z: f64| {
            let fraction = (1..200).rev().fold(0.0, |rest, k| f64::from(k) / (z + rest));
            (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() / (z + fraction)
        };
        if x.abs() > 3.0 {
            return if x > 0.0 { 1.0 - tail(x) } else { tail(-x) };
        }
        let mut term = x;
        let sum: f64 = (1..100)
            .map(|k| {
                let t = term;
                term *= -x * x / f64::from(2 * k);
                t / f64::from(2 * k - 1)
            })
            .sum();
        0.5 + sum / (2.0 * std::f64::consts::PI).sqrt()
    };
    assert!((phi(1.0) - 0.841_344_746_068_543).abs() < 1e-14 && (phi(4.0) - 0.999_968_328_758_167).abs() < 1e-14);
    for i in -60_000..=60_000 {
        let x = i as f32 * 2e-4;
        let exact = f64::from(x) * phi(f64::from(x));
        let of_phi = (f64::from(normal(x).0) - phi(f64::from(x))).abs();
        assert!(of_phi <= 4e-7, "Phi({x}) is off by {of_phi}");
        let error = (f64::from(gelu(x)) - exact).abs();
        assert!(error <= 3e-7 * f64::from(x.abs()), "gelu({x}) is off by {error}");
    }
    assert!(!gelu(f32::NAN).is_finite() && !gelu(f32::NEG_INFINITY).is_finite());
}

use super::*;

#[test]
fn durations() {
    let cases = [
        (0.0, "0s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (724.0, "12m04s"),
        (3599.7, "1h00m"),
        (7500.0, "2h05m"),
        (273_600.0, "3d04h"),
        (-1.0, "?"),
        (f64::NAN, "?"),
        (f64::INFINITY, "?"),
        (1e300, "?"),
    ];
    for (seconds, text) in cases {
        assert_eq!(duration(seconds), text, "{seconds} s");
    }
}

#[test]
fn shares_are_percent_and_correlations_are_not() {
    assert_eq!((metric("accuracy", 0.896_789), metric("pearson", 0.85444)), ("89.68 %".into(), "0.8544".into()));
}

#[test]
fn compact_numbers_keep_their_width() {
    let cases = [
        (0.4121, "0.412"),
        (9.9996, "10.00"),
        (12.345, "12.35"),
        (123.45, "123.5"),
        (12345.0, "12345"),
        (123_456.0, "  1e5"),
        (0.00041, " 4e-4"),
        (0.0, "0.000"),
        (-0.5, "-0.50"),
        (-0.00041, "-4e-4"),
        (f64::NAN, "  nan"),
        (f64::NEG_INFINITY, " -inf"),
    ];
    for (x, text) in cases {
        assert_eq!(compact(x, 5), text, "{x}");
    }
}

#[test]
fn other_numbers() {
    assert_eq!(["0.0500", "813", "12.3", "2.0e-9", "1.2e6"], [0.05, 813.0, 12.34, 2e-9, 1.2e6].map(significant)[..]);
    assert_eq!(["0.000", "nan", "-inf"], [0.0, f64::NAN, f64::NEG_INFINITY].map(significant)[..]);
    assert_eq!(["2.1e-4", "0.0e0", "nan"], [2.1e-4, 0.0, f64::NAN].map(scientific)[..]);
    assert_eq!(
        ["0", "999", "1,000", "67,349", "18,446,744,073,709,551,615"],
        [0, 999, 1000, 67_349, u64::MAX].map(grouped)[..]
    );
    assert_eq!(["813", "12345", "9.87"], [812.6, 12_345.0, 9.87].map(per_second)[..]);
}

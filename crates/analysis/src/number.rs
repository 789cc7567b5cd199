//! Numbers and times in few characters, in columns that stay aligned.

/// `x` right-aligned in `width` characters, or in more where they do not suffice (5 always do for positive numbers):
/// as many decimals as fit, or one digit and an exponent when it is too small or too large for that.
pub fn compact(x: f64, width: usize) -> String {
    let text = if x.is_nan() {
        "nan".to_owned()
    } else if x.is_infinite() {
        if x > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
    } else {
        (0..=width.saturating_sub(2))
            .rev()
            .map(|decimals| format!("{x:.decimals$}"))
            .find(|text| text.len() <= width)
            .filter(|text| x == 0.0 || text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)))
            .unwrap_or_else(|| format!("{x:.0e}"))
    };
    format!("{text:>width$}")
}

/// A value with three significant digits and no padding.
pub fn significant(x: f64) -> String {
    let magnitude = x.abs();
    if !x.is_finite() || x == 0.0 {
        compact(x, 5).trim_start().to_owned()
    } else if (1e-3..1e5).contains(&magnitude) {
        let decimals = (2 - magnitude.log10().floor() as i32).max(0) as usize;
        format!("{x:.decimals$}")
    } else {
        format!("{x:.1e}")
    }
}

/// A learning rate: two digits and an exponent.
pub fn scientific(x: f64) -> String {
    if x.is_finite() { format!("{x:.1e}") } else { compact(x, 3) }
}

/// A count with a comma between groups of three digits.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Events per second: whole above 100.
pub fn per_second(x: f64) -> String {
    if x.is_finite() && x >= 100.0 { format!("{x:.0}") } else { significant(x) }
}

/// A time span: `9s`, `12m04s`, `2h05m`, `3d04h`; `?` where there is none to tell.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || !(0.0..1e9).contains(&seconds) {
        return "?".to_owned();
    }
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86400 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d{:02}h", s / 86400, s % 86400 / 3600),
    }
}

/// A metric's value as people read it: shares in percent, correlations as they are.
pub fn metric(name: &str, value: f64) -> String {
    match name {
        "accuracy" | "f1" => format!("{:.2} %", 100.0 * value),
        _ => format!("{value:.4}"),
    }
}

/// A number of bytes for people: `1.2 MB` is 1,200,000, as networks and shops count.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// Bytes as megabytes of 10^6.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

/// Picojoules as microjoules.
pub fn microjoules(picojoules: f64) -> String {
    format!("{:.1} uJ", picojoules / 1e6)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            ["0.0500", "813", "12.3", "2.0e-9", "1.2e6"],
            [0.05, 813.0, 12.34, 2e-9, 1.2e6].map(significant)[..]
        );
        assert_eq!(["0.000", "nan", "-inf"], [0.0, f64::NAN, f64::NEG_INFINITY].map(significant)[..]);
        assert_eq!(["2.1e-4", "0.0e0", "nan"], [2.1e-4, 0.0, f64::NAN].map(scientific)[..]);
        assert_eq!(
            ["0", "999", "1,000", "67,349", "18,446,744,073,709,551,615"],
            [0, 999, 1000, 67_349, u64::MAX].map(grouped)[..]
        );
        assert_eq!(["813", "12345", "9.87"], [812.6, 12_345.0, 9.87].map(per_second)[..]);
    }
}

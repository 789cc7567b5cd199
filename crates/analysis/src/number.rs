//! Numbers and times in few characters, in columns that stay aligned.

pub use bitspike_hub::bytes;

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

/// Bytes as megabytes of 10^6.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

/// Picojoules as microjoules.
pub fn microjoules(picojoules: f64) -> String {
    format!("{:.1} uJ", picojoules / 1e6)
}

#[cfg(test)]
mod tests;

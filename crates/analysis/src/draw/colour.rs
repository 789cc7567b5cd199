//! Colours of pictures: those of Okabe and Ito for data, which the colour-blind can tell apart; ink, and a scale of shades.

/// The colours of everything but the data, and sizes of text in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Theme {
    pub ink: &'static str,
    /// Axes and what is said aside.
    pub faint: &'static str,
    /// Lines behind the data.
    pub grid: &'static str,
    /// Numbers at axes.
    pub label: f64,
    /// Captions.
    pub body: f64,
}

impl Theme {
    /// Black on white, for a picture that is a file of its own.
    pub const PAPER: Self = Self { ink: "#222222", faint: "#777777", grid: "#E4E4E4", label: 10.5, body: 11.7 };
    /// The variables of a page, which has a light, a dark and a printed look.
    pub const PAGE: Self =
        Self { ink: "var(--ink)", faint: "var(--faint)", grid: "var(--grid)", label: 10.9, body: 11.7 };
}

/// Series on a page, by its variables.
pub const PAGE_SERIES: [&str; 6] = ["var(--s0)", "var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)", "var(--s5)"];

/// Spikes +1, and what is worth a look: blue.
pub const POSITIVE: &str = "#0072B2";
/// Spikes -1: vermilion.
pub const NEGATIVE: &str = "#D55E00";

/// Kinds of population in the order of computation, without the yellow, which a white page swallows.
pub const KINDS: [&str; 7] = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", NEGATIVE, POSITIVE];

/// Viridis at ninths, from dark to light.
const VIRIDIS: [[u8; 3]; 10] = [
    [68, 1, 84],
    [72, 40, 120],
    [62, 73, 137],
    [49, 104, 142],
    [38, 130, 142],
    [31, 158, 137],
    [53, 183, 121],
    [109, 205, 89],
    [180, 222, 44],
    [253, 231, 37],
];

/// Shade `i` of `n`: viridis without its light end.
pub fn shade(i: usize, n: usize) -> String {
    let position = if n < 2 { 0.35 } else { 0.82 * i as f64 / (n - 1) as f64 };
    let place = position.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let (low, share) = (place as usize, place.fract());
    let high = (low + 1).min(VIRIDIS.len() - 1);
    let mix = |k: usize| f64::from(VIRIDIS[low][k]) * (1.0 - share) + f64::from(VIRIDIS[high][k]) * share;
    let [red, green, blue] = [0, 1, 2].map(|k| mix(k).round() as u8);
    format!("#{red:02X}{green:02X}{blue:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_go_from_dark_to_light() {
        assert_eq!((shade(0, 6), shade(0, 1)), ("#440154".to_owned(), "#2F6C8E".to_owned()));
        let lightness = |i| {
            let text = shade(i, 12);
            (1..7).step_by(2).map(|at| u32::from_str_radix(&text[at..at + 2], 16).unwrap()).sum::<u32>()
        };
        assert!((0..11).all(|i| lightness(i) < lightness(i + 1)));
    }
}

//! Charts for a page: SVG that takes its colours from the page, so that it is legible in light, dark and print, with its numbers
//! as CSV.
//!
//! The colours of series are those of Okabe and Ito, which the colour-blind can tell apart; series differ by their marks, too.

mod bars;
mod lines;
pub(crate) mod style;

use plotters::prelude::*;

pub(crate) use bars::{Bars, bars};
pub(crate) use lines::{Lines, Series, lines};
use style::{FAINT, GRID, INK};

/// Width of a chart in pixels: two stand side by side on a desk, one fills a phone.
const WIDTH: u32 = 480;

/// Sizes of text in the library's measure.
const LABEL: u32 = 27;

/// Colours of series.
const SERIES: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
];

/// A finished chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    /// What it shows.
    pub(crate) title: String,
    /// The same in a sentence, for those who do not see it.
    pub(crate) description: String,
    /// An `svg` element without size of its own; colours are the variables `--ink`, `--faint`, `--grid` and `--s0` to `--s5`.
    pub(crate) svg: String,
    /// Its numbers, with a line of headings.
    pub(crate) csv: String,
}

/// Puts the page's colours in place of the drawing's, and lets the page decide on the size.
fn finish(svg: &str, (width, height): (u32, u32), description: &str) -> String {
    let hex = |RGBColor(r, g, b): RGBColor| format!("\"#{r:02X}{g:02X}{b:02X}\"");
    let mut svg = svg
        .replace(&hex(INK), "\"var(--ink)\"")
        .replace(&hex(FAINT), "\"var(--faint)\"")
        .replace(&hex(GRID), "\"var(--grid)\"");
    for (i, colour) in SERIES.into_iter().enumerate() {
        svg = svg.replace(&hex(colour), &format!("\"var(--s{i})\""));
    }
    let size = format!("width=\"{width}\" height=\"{height}\"");
    let label = maud::html! { (description) }.into_string().replace('"', "&quot;");
    svg.replacen(&size, &format!("role=\"img\" aria-label=\"{label}\""), 1)
}

fn text(colour: RGBColor) -> TextStyle<'static> {
    let font: FontDesc<'static> = ("sans-serif", LABEL).into();
    font.color(&colour)
}

/// A number for an axis: short, without an exponent where none is needed.
fn tick(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if size >= 1e6 => format!("{}M", round(x / 1e6)),
        size if size >= 1e4 => format!("{}k", round(x / 1e3)),
        size if size < 1e-3 => format!("{x:.0e}"),
        _ => round(x).to_string(),
    }
}

/// A value beside its bar, in three digits or, if it is whole thousands, all of them.
fn short(x: f64) -> String {
    match x.abs() {
        size if size >= 100.0 => format!("{x:.0}"),
        size if size >= 10.0 => format!("{x:.1}"),
        size if size >= 1.0 => format!("{x:.2}"),
        _ => format!("{x:.3}"),
    }
}

/// To four decimals.
fn round(x: f64) -> f64 {
    (x * 1e4).round() / 1e4
}

/// The span of `values` with a margin; none if none is finite.
fn span(values: impl Iterator<Item = f64>) -> Option<std::ops::Range<f64>> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    let margin = if high > low { 0.06 * (high - low) } else { (0.05 * high.abs()).max(1e-6) };
    (low <= high).then_some(low - margin..high + margin)
}

/// A field of CSV, in quotes where it needs them.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.0, 0.25, 1500.0, 22_000.0, 4.5e6, 1e-5].map(tick), ["0", "0.25", "1500", "22k", "4.5M", "1e-5"]);
    }

    #[test]
    fn values_beside_bars_are_short() {
        assert_eq!([8255.12, 562.17, 35.886, 2.78, 0.5027].map(short), ["8255", "562", "35.9", "2.78", "0.503"]);
    }

    #[test]
    fn spans_have_room_and_forget_what_is_no_number() {
        assert_eq!(span([f64::NAN, f64::INFINITY].into_iter()), None);
        let span = span([1.0, f64::NAN, 2.0].into_iter()).unwrap();
        assert!(span.start < 1.0 && span.end > 2.0);
    }

    #[test]
    fn charts_are_well_formed_and_take_the_colours_of_the_page() {
        let series = |name: &str| Series {
            name: name.into(),
            points: (1..50).map(|i| (f64::from(i), 1.0 / f64::from(i))).collect(),
        };
        let chart = lines(&Lines {
            title: "a <b>\"title\"</b>".into(),
            x: "step & more".into(),
            y: "loss".into(),
            series: vec![series("one"), series("<two>")],
            log_x: true,
        })
        .unwrap()
        .unwrap();
        let document = roxmltree::Document::parse(&chart.svg).expect("well-formed");
        assert!(document.root_element().attribute("viewBox").is_some());
        assert!(document.root_element().attribute("width").is_none());
        assert!(chart.svg.contains("var(--s0)") && chart.svg.contains("var(--s1)") && !chart.svg.contains("#0072B2"));
        assert!(chart.csv.starts_with("step & more,one,<two>\n1,1,1\n2,0.5,0.5\n"), "{}", &chart.csv[..80]);
        let chart = bars(&Bars {
            title: "energy".into(),
            unit: "uJ".into(),
            parts: vec!["adds, all".into(), "bytes".into()],
            rows: vec![("student".into(), vec![1.0, 2.0]), ("teacher".into(), vec![30.0, f64::NAN])],
        })
        .unwrap()
        .unwrap();
        roxmltree::Document::parse(&chart.svg).expect("well-formed");
        assert_eq!(chart.csv, "uJ,\"adds, all\",bytes\nstudent,1,2\nteacher,30,NaN\n");
        let nothing = Bars { title: String::new(), unit: String::new(), parts: Vec::new(), rows: Vec::new() };
        assert_eq!(bars(&nothing).unwrap(), None);
    }
}

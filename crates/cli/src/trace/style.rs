//! How the picture looks: sizes, colours that the colour-blind can tell apart, and the marks of spikes.
//!
//! Coordinates of the drawing library are whole numbers, so the picture is drawn at [`SCALE`] times its size.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Units of the drawing per pixel of the picture.
pub(crate) const SCALE: u32 = 2;

/// Width of the drawing.
pub(crate) const WIDTH: u32 = 1200 * SCALE;

/// Sizes of text in the library's measure, which is 1.24 times the font size in units of the drawing.
pub(crate) const TITLE: u32 = 48;
pub(crate) const HEADING: u32 = 36;
pub(crate) const BODY: u32 = 29;
pub(crate) const LABEL: u32 = 26;

pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(crate) const FAINT: RGBColor = RGBColor(0x77, 0x77, 0x77);
pub(crate) const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);

/// Spikes +1 and -1: blue and vermilion of Okabe and Ito.
pub(crate) const POSITIVE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(crate) const NEGATIVE: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// Colours of the kinds of population, in the order of computation: those of Okabe and Ito without the yellow, which a white
/// page swallows.
const KINDS: [RGBColor; 7] = [
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x72, 0xB2),
];

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Colour of the `i`-th kind.
pub(crate) fn kind_colour(i: usize) -> RGBColor {
    KINDS[i % KINDS.len()]
}

/// Shade of layer `i` of `layers`: viridis without its light end.
pub(crate) fn layer_colour(i: usize, layers: usize) -> RGBColor {
    let position = if layers < 2 { 0.35 } else { 0.82 * i as f32 / (layers - 1) as f32 };
    ViridisRGB.get_color_normalized(position, 0.0, 1.0)
}

/// Text of a size.
pub(crate) fn text(size: u32, colour: RGBColor) -> TextStyle<'static> {
    let font: FontDesc<'static> = ("sans-serif", size).into();
    font.color(&colour).pos(Pos::new(HPos::Left, VPos::Center))
}

/// Bold text of a size.
pub(crate) fn bold(size: u32) -> TextStyle<'static> {
    let font: FontDesc<'static> = ("sans-serif", size, FontStyle::Bold).into();
    font.color(&INK).pos(Pos::new(HPos::Left, VPos::Center))
}

/// `text` in at most `most` characters, and without those that XML does not have.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let allowed = |c: char| if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') { ' ' } else { c };
    let clean: String = text.chars().map(allowed).take(most + 1).collect();
    match clean.char_indices().nth(most) {
        Some(_) => clean.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => clean,
    }
}

/// A number for an axis: short, without exponents where none is needed.
pub(crate) fn tick(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e5).contains(&size) => format!("{x:.0e}"),
        _ => format!("{}", (x * 1e4).round() / 1e4),
    }
}

/// Steps to draw of `1..=t`: all of them, or a thousand that are dense at the beginning.
pub(crate) fn drawn_steps(t: u32) -> Vec<u32> {
    const ALL: u32 = 1024;
    if t <= ALL {
        return (1..=t).collect();
    }
    let (even, growing) = (ALL / 2, ALL / 2);
    let spread = (1..=even).map(|i| (u64::from(t) * u64::from(i) / u64::from(even)) as u32);
    let ratio = f64::from(t).powf(1.0 / f64::from(growing));
    let powers = (0..growing).map(|i| ratio.powf(f64::from(i)).round() as u32);
    let mut steps: Vec<u32> = spread.chain(powers).filter(|step| (1..=t).contains(step)).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_traces_are_thinned_at_the_end_alone() {
        assert_eq!(drawn_steps(1), [1]);
        assert_eq!(drawn_steps(1024).len(), 1024);
        for t in [1025, 4096, 65_536] {
            let steps = drawn_steps(t);
            assert!(steps.len() <= 1024 && steps.len() > 600, "{}", steps.len());
            assert_eq!((steps[0], *steps.last().unwrap()), (1, t));
            assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(steps[..20], (1..=20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn text_is_cut_and_cleaned() {
        assert_eq!(printable("a\u{0}b\nc\u{1b}", 10), "a b c ");
        assert_eq!(printable("ééééé", 5), "ééééé");
        assert_eq!(printable("éééééé", 5), "éééé…");
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.0, 0.25, 1.0, 65_536.0, 1e-5, 0.1 + 0.2].map(tick), ["0", "0.25", "1", "65536", "1e-5", "0.3"]);
    }
}

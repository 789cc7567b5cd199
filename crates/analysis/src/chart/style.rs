//! What all drawings have in common: sizes of text, the colours of everything but the data, axes, numbers.
//!
//! Coordinates of the drawing library are whole numbers, so drawings are made at [`SCALE`] times their size.

use plotters::chart::MeshStyle;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Units of the drawing per pixel of the picture.
pub(crate) const SCALE: u32 = 2;

/// Sizes of text in the library's measure, which is 1.24 times the font size in units of the drawing.
pub(crate) const TITLE: u32 = 48;
pub(crate) const HEADING: u32 = 36;
pub(crate) const BODY: u32 = 29;
pub(crate) const LABEL: u32 = 26;

pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(crate) const FAINT: RGBColor = RGBColor(0x77, 0x77, 0x77);
pub(crate) const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Axes with their labels in this style, a grid at the labelled places, nothing between.
pub(crate) fn plain_axes<'a, 'b, 'c, X, Y, B>(
    mesh: &'c mut MeshStyle<'a, 'b, X, Y, B>,
    labels: &TextStyle<'b>,
) -> &'c mut MeshStyle<'a, 'b, X, Y, B>
where
    X: Ranged + ValueFormatter<X::ValueType>,
    Y: Ranged + ValueFormatter<Y::ValueType>,
    B: DrawingBackend,
{
    mesh.bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .label_style(labels.clone())
        .axis_desc_style(labels.clone())
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

#[cfg(test)]
mod tests {
    use super::*;

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

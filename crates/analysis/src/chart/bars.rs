//! Horizontal bars, of one part or several.

use super::{Chart, WIDTH, csv};
use crate::draw::{Anchor, Area, Canvas, Font, PAGE_SERIES, Paint, Stroke, Theme, printable};

/// Height of a bar with its distance to the next.
const BAR: f64 = 24.0;

/// Where bars begin, and the longest ends.
const LEFT: f64 = 195.0;
const RIGHT: f64 = WIDTH - 65.0;

/// What to draw.
#[derive(Debug, Clone)]
pub struct Bars {
    /// What it shows.
    pub title: String,
    /// Unit of the values.
    pub unit: String,
    /// Names of the parts of a bar.
    pub parts: Vec<String>,
    /// Names of bars, each with a value a part. What is not finite is drawn as nothing.
    pub rows: Vec<(String, Vec<f64>)>,
}

impl Bars {
    /// Draws the bars; none if there is nothing to draw.
    pub fn draw(&self) -> Option<Chart> {
        let Self { title, unit, parts, rows } = self;
        let finite = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|x| if x.is_finite() { x.max(0.0) } else { 0.0 }).collect()
        };
        let longest = rows.iter().map(|(_, values)| finite(values).iter().sum::<f64>()).fold(0.0, f64::max);
        if rows.is_empty() || longest <= 0.0 {
            return None;
        }
        let theme = Theme::PAGE;
        let font = Font::new(theme.label, theme.ink);
        let at = |value: f64| LEFT + (RIGHT - LEFT) * value / longest;
        let mut canvas = Canvas::default();
        for (i, (name, values)) in rows.iter().enumerate() {
            let y = 4.0 + i as f64 * BAR;
            canvas.text((LEFT - 7.0, y + BAR / 2.0 - 2.0), &printable(name, 30), font.anchor(Anchor::End));
            let mut sum = 0.0;
            for (value, colour) in finite(values).into_iter().zip(PAGE_SERIES.into_iter().cycle()) {
                let bar = Area { x: at(sum), y: y + 2.0, width: at(value) - LEFT, height: BAR - 8.0 };
                canvas.rectangle(bar, Paint::Full(colour));
                sum += value;
            }
            canvas.text((at(sum) + 5.0, y + BAR / 2.0 - 2.0), &short(sum), font);
        }
        let bottom = rows.len() as f64 * BAR + 2.0;
        canvas.line([(LEFT, 2.0), (LEFT, bottom)], Stroke::new(theme.faint, 1.0));
        let legend = if parts.len() > 1 { parts.as_slice() } else { &[] };
        for (i, (part, colour)) in legend.iter().zip(PAGE_SERIES.into_iter().cycle()).enumerate() {
            let (x, y) = (LEFT + (i % 2) as f64 * 150.0, bottom + 12.0 + (i / 2) as f64 * 22.0);
            canvas.rectangle(Area { x, y: y - 4.5, width: 9.0, height: 9.0 }, Paint::Full(colour));
            canvas.text((x + 14.0, y), &printable(part, 22), font);
        }
        let height = rows.len() as f64 * BAR + 22.0 * legend.len().div_ceil(2) as f64 + 12.0;
        let names: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
        let description = format!("{title}, {unit}: {}", names.join(", "));
        let svg = canvas.figure(Area::new(WIDTH, height), &description);
        Some(Chart { title: title.clone(), svg, description, csv: self.csv() })
    }

    fn csv(&self) -> String {
        let head = std::iter::once(self.unit.clone()).chain(self.parts.iter().cloned()).collect::<Vec<_>>();
        let row = |(name, values): &(String, Vec<f64>)| {
            std::iter::once(name.clone()).chain(values.iter().map(f64::to_string)).collect()
        };
        csv(head, self.rows.iter().map(row))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beside_bars_are_short() {
        assert_eq!([8255.12, 562.17, 35.886, 2.78, 0.5027].map(short), ["8255", "562", "35.9", "2.78", "0.503"]);
    }
}

//! Horizontal bars, of one part or several.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{FAINT, INK, SCALE, printable};
use super::{Chart, SERIES, WIDTH, field, finish, short, text};

/// Height of a bar with its distance to the next, in units of the drawing.
const BAR: i32 = 48;

/// Where bars begin, and the longest ends.
const LEFT: i32 = 390;
const RIGHT: i32 = (WIDTH * SCALE) as i32 - 130;

/// What to draw.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    pub(crate) title: String,
    /// Unit of the values.
    pub(crate) unit: String,
    /// Names of the parts of a bar.
    pub(crate) parts: Vec<String>,
    /// Names of bars, each with a value a part. What is not finite is drawn as nothing.
    pub(crate) rows: Vec<(String, Vec<f64>)>,
}

/// Draws `bars`; none if there is nothing to draw.
///
/// # Errors
/// If the drawing library fails.
pub(crate) fn bars(bars: &Bars) -> Result<Option<Chart>> {
    let Bars { title, unit, parts, rows } = bars;
    let finite =
        |values: &[f64]| -> Vec<f64> { values.iter().map(|x| if x.is_finite() { x.max(0.0) } else { 0.0 }).collect() };
    let longest = rows.iter().map(|(_, values)| finite(values).iter().sum::<f64>()).fold(0.0, f64::max);
    if rows.is_empty() || longest <= 0.0 {
        return Ok(None);
    }
    let legend = if parts.len() > 1 { 44 * parts.len().div_ceil(2) as i32 } else { 0 };
    let size = (WIDTH * SCALE, (rows.len() as i32 * BAR + legend + 24) as u32);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let at = |value: f64| LEFT + (f64::from(RIGHT - LEFT) * value / longest).round() as i32;
        let right = text(INK).pos(Pos::new(HPos::Right, VPos::Center));
        let left = text(INK).pos(Pos::new(HPos::Left, VPos::Center));
        for (i, (name, values)) in rows.iter().enumerate() {
            let y = 8 + i as i32 * BAR;
            root.draw_text(&printable(name, 30), &right, (LEFT - 14, y + BAR / 2 - 4))?;
            let mut sum = 0.0;
            for (part, value) in finite(values).into_iter().enumerate() {
                let ends = [(at(sum), y + 4), (at(sum + value), y + BAR - 12)];
                root.draw(&Rectangle::new(ends, SERIES[part % SERIES.len()].filled()))?;
                sum += value;
            }
            root.draw_text(&short(sum), &left, (at(sum) + 10, y + BAR / 2 - 4))?;
        }
        let bottom = rows.len() as i32 * BAR + 4;
        root.draw(&PathElement::new(vec![(LEFT, 4), (LEFT, bottom)], FAINT.stroke_width(2)))?;
        for (i, part) in parts.iter().enumerate().filter(|_| parts.len() > 1) {
            let (x, y) = (LEFT + (i % 2) as i32 * 300, bottom + 24 + (i / 2) as i32 * 44);
            root.draw(&Rectangle::new([(x, y - 9), (x + 18, y + 9)], SERIES[i % SERIES.len()].filled()))?;
            root.draw_text(&printable(part, 22), &left, (x + 28, y))?;
        }
        root.present()?;
    }
    let description =
        format!("{title}, {unit}: {}", rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>().join(", "));
    Ok(Some(Chart { title: title.clone(), svg: finish(&svg, size, &description), description, csv: csv(bars) }))
}

fn csv(bars: &Bars) -> String {
    let mut out = field(&bars.unit);
    bars.parts.iter().for_each(|part| out += &format!(",{}", field(part)));
    out.push('\n');
    for (name, values) in &bars.rows {
        out += &field(name);
        values.iter().for_each(|value| out += &format!(",{value}"));
        out.push('\n');
    }
    out
}

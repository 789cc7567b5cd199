//! Lines over an axis of numbers.

use super::{Chart, WIDTH, csv};
use crate::draw::{Area, Axis, Canvas, Font, PAGE_SERIES, Paint, Plot, Stroke, Theme, printable};

/// Height in pixels, and that of a line of the legend.
const HEIGHT: f64 = 320.0;
const LEGEND: f64 = 22.0;

/// Marks a series has at most: enough to tell it from others.
const MARKS: usize = 12;

/// What to draw.
#[derive(Debug, Clone)]
pub struct Lines {
    /// What it shows.
    pub title: String,
    /// What the horizontal axis is, with its unit.
    pub x: String,
    /// What the vertical axis is, with its unit.
    pub y: String,
    /// The lines.
    pub series: Vec<Series>,
    /// Whether the horizontal axis is logarithmic.
    pub log_x: bool,
}

/// One line. What is not finite is left out of the drawing, not out of the CSV.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Series {
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

impl Lines {
    /// Draws the lines; none if there is no finite point.
    pub fn draw(&self) -> Option<Chart> {
        let Self { title, x: x_name, y: y_name, series, log_x } = self;
        let finite = |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (x > 0.0 || !log_x);
        let all: Vec<Vec<(f64, f64)>> =
            series.iter().map(|series| series.points.iter().copied().filter(finite).collect()).collect();
        let place = |x: f64| if *log_x { x.log2() } else { x };
        let x = span(all.iter().flatten().map(|point| place(point.0)))?;
        let x = match log_x {
            true => Axis::log(x_name, x.start.exp2()..x.end.exp2(), 2.0, 8),
            false => Axis::linear(x_name, x, 5),
        };
        let y = Axis::linear(y_name, span(all.iter().flatten().map(|point| point.1))?, 6);
        let theme = Theme::PAGE;
        let area = Area::new(WIDTH, HEIGHT + LEGEND * series.len().div_ceil(2) as f64);
        let (upper, legend) = area.split(HEIGHT);
        let mut canvas = Canvas::default();
        let mut plot = Plot::new(&mut canvas, upper, ("", &theme), [x, y]);
        for (i, points) in all.iter().enumerate() {
            plot.line(points.iter().copied(), Stroke::new(PAGE_SERIES[i % PAGE_SERIES.len()], 2.0));
            for &(x, y) in points.iter().step_by(points.len().div_ceil(MARKS).max(1)) {
                let at = plot.at(x, y);
                mark(plot.canvas, i, at);
            }
        }
        for (i, series) in series.iter().enumerate() {
            let at = legend.at(60.0 + (i % 2) as f64 * 210.0, 9.0 + (i / 2) as f64 * LEGEND);
            mark(&mut canvas, i, at);
            let font = Font::new(theme.label, theme.ink);
            canvas.text((at.0 + 12.0, at.1), &printable(&series.name, 26), font);
        }
        let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
        let description = format!("{title}: {y_name} over {x_name} of {}", names.join(", "));
        Some(Chart { title: title.clone(), svg: canvas.figure(area, &description), description, csv: self.csv() })
    }

    /// A column a series; series with other places than the first have rows of their own.
    fn csv(&self) -> String {
        let mut places: Vec<f64> = self.series.iter().flat_map(|s| s.points.iter().map(|point| point.0)).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let head = std::iter::once(self.x.clone()).chain(self.series.iter().map(|series| series.name.clone()));
        let value = |series: &Series, x: f64| {
            let found = series.points.binary_search_by(|point| point.0.total_cmp(&x));
            found.map_or_else(|_| String::new(), |i| series.points[i].1.to_string())
        };
        let row = |x: f64| {
            std::iter::once(x.to_string()).chain(self.series.iter().map(|series| value(series, x))).collect::<Vec<_>>()
        };
        csv(head.collect(), places.into_iter().map(row))
    }
}

/// The mark of series `i`: a disc, a square, a triangle, and the same hollow.
fn mark(canvas: &mut Canvas, i: usize, (x, y): (f64, f64)) {
    let colour = PAGE_SERIES[i % PAGE_SERIES.len()];
    let paint = if i % 6 < 3 { Paint::Full(colour) } else { Paint::Outline(colour, 1.5) };
    match i % 3 {
        0 => canvas.circle((x, y), 4.0, paint),
        1 => canvas.rectangle(Area { x: x - 3.5, y: y - 3.5, width: 7.0, height: 7.0 }, paint),
        _ => canvas.triangle((x, y), 5.0, paint),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_room_and_forget_what_is_no_number() {
        assert_eq!(span([f64::NAN, f64::INFINITY].into_iter()), None);
        let span = span([1.0, f64::NAN, 2.0].into_iter()).unwrap();
        assert!(span.start < 1.0 && span.end > 2.0);
    }
}

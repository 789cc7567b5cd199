//! Lines over an axis of numbers.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{INK, SCALE, plain_axes, printable};
use super::{Chart, SERIES, WIDTH, field, finish, span, text, tick};

/// Height in pixels.
const HEIGHT: u32 = 320;

/// Marks a series has at most: enough to tell it from others.
const MARKS: usize = 12;

/// What to draw.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    pub(crate) title: String,
    /// What the horizontal axis is, with its unit.
    pub(crate) x: String,
    /// What the vertical axis is, with its unit.
    pub(crate) y: String,
    pub(crate) series: Vec<Series>,
    /// Whether the horizontal axis is logarithmic.
    pub(crate) log_x: bool,
}

/// One line. What is not finite is left out of the drawing, not out of the CSV.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Draws `lines`; none if there is no finite point.
///
/// # Errors
/// If the drawing library fails.
pub(crate) fn lines(lines: &Lines) -> Result<Option<Chart>> {
    let Lines { title, x: x_name, y: y_name, series, log_x } = lines;
    let place = |x: f64| if *log_x { x.log2() } else { x };
    let points = |series: &Series| -> Vec<(f64, f64)> {
        let placed = series.points.iter().map(|&(x, y)| (place(x), y));
        placed.filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
    };
    let all: Vec<Vec<(f64, f64)>> = series.iter().map(points).collect();
    let (Some(x), Some(y)) =
        (span(all.iter().flatten().map(|point| point.0)), span(all.iter().flatten().map(|point| point.1)))
    else {
        return Ok(None);
    };
    let legend = 44 * series.len().div_ceil(2) as u32;
    let size = (WIDTH * SCALE, HEIGHT * SCALE + legend);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let (area, below) = root.split_vertically(size.1 - legend);
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .margin_right(30)
            .x_label_area_size(76)
            .y_label_area_size(110)
            .build_cartesian_2d(x, y)?;
        plain_axes(&mut chart.configure_mesh(), &text(INK))
            .x_labels(if *log_x { 8 } else { 5 })
            .y_labels(6)
            .x_label_formatter(&|x| if *log_x { tick(x.exp2().round()) } else { tick(*x) })
            .y_label_formatter(&|y| tick(*y))
            .x_desc(x_name.as_str())
            .y_desc(y_name.as_str())
            .draw()?;
        for (i, points) in all.iter().enumerate() {
            let colour = SERIES[i % SERIES.len()];
            chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(4)))?;
            for &(x, y) in points.iter().step_by(points.len().div_ceil(MARKS).max(1)) {
                let (x, y) = chart.backend_coord(&(x, y));
                mark(&root, i, (x, y))?;
            }
        }
        for (i, series) in series.iter().enumerate() {
            let at = (120 + (i % 2 * 420) as i32, 18 + (i / 2 * 44) as i32);
            mark(&below, i, at)?;
            let style = text(INK).pos(Pos::new(HPos::Left, VPos::Center));
            below.draw_text(&printable(&series.name, 26), &style, (at.0 + 24, at.1))?;
        }
        root.present()?;
    }
    let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    let description = format!("{title}: {y_name} over {x_name} of {}", names.join(", "));
    Ok(Some(Chart { title: title.clone(), svg: finish(&svg, size, &description), description, csv: csv(lines) }))
}

/// The mark of series `i`: a disc, a square, a triangle, and the same hollow.
fn mark<DB: DrawingBackend>(area: &DrawingArea<DB, plotters::coord::Shift>, i: usize, (x, y): (i32, i32)) -> Result<()>
where
    DB::ErrorType: 'static,
{
    let colour = SERIES[i % SERIES.len()];
    let style = if i % 6 < 3 { colour.filled() } else { colour.stroke_width(3) };
    match i % 3 {
        0 => area.draw(&Circle::new((x, y), 8, style))?,
        1 => area.draw(&Rectangle::new([(x - 7, y - 7), (x + 7, y + 7)], style))?,
        _ => area.draw(&Polygon::new(vec![(x, y - 10), (x - 9, y + 7), (x + 9, y + 7)], style))?,
    }
    Ok(())
}

/// A column a series; series with other places than the first have rows of their own.
fn csv(lines: &Lines) -> String {
    let mut places: Vec<f64> = lines.series.iter().flat_map(|s| s.points.iter().map(|point| point.0)).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let mut out = field(&lines.x);
    lines.series.iter().for_each(|series| out += &format!(",{}", field(&series.name)));
    out.push('\n');
    for x in places {
        out += &x.to_string();
        for series in &lines.series {
            let found = series.points.binary_search_by(|point| point.0.total_cmp(&x));
            out += &found.map_or(",".into(), |i| format!(",{}", series.points[i].1));
        }
        out.push('\n');
    }
    out
}

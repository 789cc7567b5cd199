//! The Pareto fronts as a picture: one SVG with a panel a cost.

use anyhow::Result;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::fronts::{COSTS, Cost, front};
use super::results::{Group, Spread};
use crate::chart::style::{
    Area, BODY, FAINT, HEADING, INK, LABEL, SCALE, TITLE, bold, plain_axes, printable, text, tick,
};
use crate::trace::style::POSITIVE;

/// Width of the drawing, and heights of its head and its panels.
const WIDTH: u32 = 800 * SCALE;
const HEAD: u32 = 150;
const PANEL: u32 = 760;

/// With more combinations than these, those of the front alone are named.
const NAMED: usize = 24;

type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A combination in a panel.
struct Point<'a> {
    group: &'a Group,
    cost: Spread,
    metric: Spread,
    on_front: bool,
}

/// Draws the fronts of `groups` as SVG, without reference to anything outside the file; `keys` name the labels of the groups.
pub(super) fn draw(groups: &[Group], keys: &[String], about: &str) -> Result<String> {
    let panels: Vec<(&Cost, Vec<Point<'_>>)> =
        COSTS.iter().map(|cost| (cost, points(groups, cost))).filter(|(_, points)| !points.is_empty()).collect();
    let height = HEAD + panels.len() as u32 * PANEL;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, mut rest) = root.split_vertically(HEAD);
        head.draw_text(&printable(about, 60), &bold(TITLE), (30, 56))?;
        let names = if keys.is_empty() { String::new() } else { format!("; names: {}", keys.join(" · ")) };
        let line = format!("blue: no other is better in both; bars: one standard deviation over seeds{names}");
        head.draw_text(&printable(&line, 150), &text(BODY, FAINT), (30, 112))?;
        for (cost, points) in &panels {
            let (panel, below) = rest.split_vertically(PANEL);
            draw_panel(&panel, cost, points)?;
            rest = below;
        }
        root.present()?;
    }
    let drawn = format!("width=\"{WIDTH}\" height=\"{height}\"");
    let shown = format!("width=\"{}\" height=\"{}\"", WIDTH / SCALE, height / SCALE);
    Ok(svg.replacen(&drawn, &shown, 1))
}

/// The groups that have both the metric and the cost.
fn points<'a>(groups: &'a [Group], cost: &Cost) -> Vec<Point<'a>> {
    let fronts = front(groups, cost);
    let point = |(group, on_front): (&'a Group, bool)| {
        Some(Point { group, cost: group.get(cost.column)?, metric: group.get("best")?, on_front })
    };
    groups.iter().zip(fronts).filter_map(point).collect()
}

fn draw_panel(area: &Area<'_>, cost: &Cost, points: &[Point<'_>]) -> Result<()> {
    let low = points.iter().map(|p| p.cost.mean).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.cost.mean).fold(0.0, f64::max);
    let log = low > 0.0 && high > 10.0 * low;
    let place = |x: f64| if log { x.max(low / 2.0).log10() } else { x };
    let x = range(
        points.iter().flat_map(|p| [place(p.cost.mean - p.cost.deviation), place(p.cost.mean + p.cost.deviation)]),
    );
    let y = range(points.iter().flat_map(|p| [p.metric.mean - p.metric.deviation, p.metric.mean + p.metric.deviation]));
    let (x_span, y_span) = (x.end - x.start, y.end - y.start);
    let metric = points.first().map_or("", |point| point.group.metric.as_str());
    let mut chart: Chart<'_> = ChartBuilder::on(area)
        .caption(format!("{metric} against {}", cost.title), text(HEADING, INK))
        .margin(20)
        .margin_right(60)
        .x_label_area_size(80)
        .y_label_area_size(130)
        .build_cartesian_2d(x, y)?;
    let (x_name, y_name) =
        (format!("{}{}", cost.title, if log { ", log scale" } else { "" }), format!("best {metric} on dev"));
    plain_axes(&mut chart.configure_mesh(), &text(LABEL, INK))
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|x| if log { tick(10f64.powf(*x)) } else { apart(*x, x_span) })
        .y_label_formatter(&|y| apart(*y, y_span))
        .x_desc(x_name)
        .y_desc(y_name)
        .draw()?;
    let at = |point: &Point<'_>| (place(point.cost.mean), point.metric.mean);
    let mut best: Vec<(f64, f64)> = points.iter().filter(|point| point.on_front).map(at).collect();
    best.sort_by(|a, b| a.0.total_cmp(&b.0));
    chart.draw_series(LineSeries::new(best, POSITIVE.stroke_width(3)))?;
    for point in points {
        let colour = if point.on_front { POSITIVE } else { FAINT };
        let (x, y) = at(point);
        if point.metric.count > 1 {
            let (metric, cost) = (point.metric, point.cost);
            let vertical = vec![(x, metric.mean - metric.deviation), (x, metric.mean + metric.deviation)];
            let horizontal = vec![(place(cost.mean - cost.deviation), y), (place(cost.mean + cost.deviation), y)];
            chart.draw_series([vertical, horizontal].map(|ends| PathElement::new(ends, colour.stroke_width(2))))?;
        }
        // Told apart by shape too, for readers and printers without colour.
        let style = if point.on_front { colour.filled() } else { colour.stroke_width(3) };
        chart.draw_series([Circle::new((x, y), 9, style)])?;
        if points.len() <= NAMED || point.on_front {
            let name = point.group.labels.join(" · ");
            let name = Text::new(printable(&name, 40), (14, 6), text(LABEL, INK).pos(corner()));
            chart.draw_series([EmptyElement::at((x, y)) + name])?;
        }
    }
    Ok(())
}

/// A number of a scale, with as many decimals as tell its neighbours apart.
fn apart(x: f64, span: f64) -> String {
    let decimals = (1.0 - span.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{x:.decimals$}")
}

/// Text begins right of and below its point.
fn corner() -> plotters::style::text_anchor::Pos {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    Pos::new(HPos::Left, VPos::Top)
}

/// The span of `values` with a margin.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let margin = if high > low { 0.12 * (high - low) } else { (0.05 * high.abs()).max(1e-6) };
    low - margin..high + margin
}

#[cfg(test)]
mod tests {
    use super::super::grid::Grid;
    use super::super::journal::{Journal, Status};
    use super::super::measure::{Measured, PackedStudent};
    use super::super::results::groups;
    use super::*;
    use bitspike_run::recipe::Recipe;

    /// Groups of two seeds with these metrics and sizes, the first value being markup.
    fn sample(found: &[(f64, u64)]) -> Vec<Group> {
        let base = Recipe::default();
        let names: Vec<String> = (0..found.len()).map(|i| format!("\"<b>{i}&\"")).collect();
        let grid = Grid::new(None, &[format!("description={}", names.join(","))], &[1, 2], &base).unwrap();
        let cells = grid.cells(&base).unwrap();
        let mut journal = Journal::new(&cells, &vec![1; cells.len()]);
        for (i, record) in journal.cells.iter_mut().enumerate() {
            let (metric, bytes) = found[i % found.len()];
            record.status = Status::Finished;
            let packed = PackedStudent {
                bytes,
                metric: None,
                latency_ms: 1.0,
                latency_best_ms: 1.0,
                latency_tokens: 3,
                operations: 9.0,
                energy_uj: 2.5,
                energy_with_memory_uj: 3.5,
            };
            let best = Some(metric + if i < found.len() { 0.001 } else { -0.001 });
            let name = "accuracy".to_owned();
            record.measured = Some(Measured {
                metric: name,
                best,
                spikes_per_token: 5.0,
                packed: Some(packed),
                ..Measured::default()
            });
        }
        groups(&cells, &journal)
    }

    #[test]
    fn neighbours_on_a_scale_differ() {
        assert_eq!([0.00221, 0.00222].map(|x| apart(x, 5e-5)), ["0.002210", "0.002220"]);
        assert_eq!([5_983_956.0, 0.0].map(|x| apart(x, 1e6)), ["5983956", "0"]);
        assert_eq!(apart(0.875, 0.2), "0.88");
    }

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let groups = sample(&[(0.9, 100), (0.8, 50), (0.85, 100), (0.9, 200), (0.7, 50), (0.9, 100)]);
        let size = COSTS.iter().find(|cost| cost.name == "size").unwrap();
        assert_eq!(front(&groups, size), [true, true, false, false, false, true], "equals are both on it");
        assert_eq!(front(&[], size), Vec::<bool>::new());
    }

    #[test]
    fn the_picture_is_whole_and_markup_stays_text() {
        for found in [&[(0.9, 100), (0.8, 50), (0.85, 5000)][..], &[(0.5, 1)], &[(0.5, 7), (0.5, 7)]] {
            let groups = sample(found);
            let svg = draw(&groups, &["<key>".to_owned()], "sst2 & others").unwrap();
            let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
            assert_eq!(document.root_element().attribute("width"), Some("800"));
            let circles = document.descendants().filter(|node| node.has_tag_name("circle")).count();
            assert_eq!(circles, COSTS.len() * found.len(), "a mark a combination and panel");
            let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).map(str::trim).collect();
            assert!(texts.contains(&"<b>0&") && texts.contains(&"sst2 & others"), "{texts:?}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{found:?}");
            assert!(!svg.contains("href"));
        }
        assert!(roxmltree::Document::parse(&draw(&[], &[], "nothing yet").unwrap()).is_ok());
    }
}

//! What was gained against what it costs, a panel a cost, with the front that nothing beats.

use super::{Anchor, Area, Axis, Canvas, Font, POSITIVE, Paint, Plot, Stroke, Theme, printable};

/// Width of the drawing, and heights of its head and its panels.
const WIDTH: f64 = 800.0;
const HEAD: f64 = 75.0;
const PANEL: f64 = 380.0;

/// With more points than these, those of the front alone are named.
const NAMED: usize = 24;

/// Mean and standard deviation of several measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Spread {
    pub mean: f64,
    /// The standard deviation, 0 where there is one measurement.
    pub deviation: f64,
}

impl Spread {
    fn ends(self) -> [f64; 2] {
        [self.mean - self.deviation, self.mean + self.deviation]
    }
}

/// One of the things compared.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct ScatterPoint {
    pub name: String,
    /// What it costs.
    pub cost: Spread,
    /// What it gains.
    pub gain: Spread,
    /// Whether it was measured more than once, so that deviations are drawn.
    pub repeated: bool,
    /// Whether no other is better in both.
    pub on_front: bool,
}

/// One cost against the gain.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What stands above it.
    pub caption: String,
    /// The cost, with its unit.
    pub cost: String,
    /// The gain.
    pub gain: String,
    /// At least one.
    pub points: Vec<ScatterPoint>,
}

/// A document with `title`, a line `about` it, and the panels below each other.
pub fn fronts(title: &str, about: &str, panels: &[Panel]) -> String {
    let theme = Theme::PAPER;
    let all = Area::new(WIDTH, HEAD + panels.len() as f64 * PANEL);
    let mut canvas = Canvas::default();
    let (head, mut rest) = all.split(HEAD);
    canvas.text(head.at(15.0, 28.0), &printable(title, 60), Font::new(19.4, theme.ink).bold());
    canvas.text(head.at(15.0, 56.0), &printable(about, 150), Font::new(theme.body, theme.faint));
    for panel in panels {
        let (area, below) = rest.split(PANEL);
        draw_panel(&mut canvas, area, panel);
        rest = below;
    }
    canvas.document(all)
}

fn draw_panel(canvas: &mut Canvas, area: Area, panel: &Panel) {
    let theme = Theme::PAPER;
    let Panel { caption, cost, gain, points } = panel;
    let means = || points.iter().map(|point| point.cost.mean);
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(0.0, f64::max));
    let log = low > 0.0 && high > 10.0 * low;
    // A deviation as large as the mean has no place on a logarithmic axis.
    let place = |x: f64| if log { x.max(low / 2.0) } else { x };
    let x = if log {
        let range = range(points.iter().flat_map(|p| p.cost.ends()).map(|x| place(x).log10()));
        Axis::log(format!("{cost}, log scale"), 10f64.powf(range.start)..10f64.powf(range.end), 10.0, 6)
    } else {
        Axis::linear(cost, range(points.iter().flat_map(|p| p.cost.ends())), 6)
    };
    let y = Axis::linear(gain, range(points.iter().flat_map(|p| p.gain.ends())), 6);
    let inside = Area { x: area.x + 20.0, width: area.width - 40.0, height: area.height - 10.0, ..area };
    let mut plot = Plot::new(canvas, inside, (caption, &Theme { body: 14.5, ..theme }), [x, y]);
    let mut best: Vec<(f64, f64)> = points.iter().filter(|p| p.on_front).map(|p| (p.cost.mean, p.gain.mean)).collect();
    best.sort_by(|a, b| a.0.total_cmp(&b.0));
    plot.line(best, Stroke::new(POSITIVE, 1.5));
    for point in points {
        let ScatterPoint { name, cost, gain, repeated, on_front } = point;
        let colour = if *on_front { POSITIVE } else { theme.faint };
        if *repeated {
            plot.line(gain.ends().map(|y| (cost.mean, y)), Stroke::new(colour, 1.0));
            plot.line(cost.ends().map(|x| (place(x), gain.mean)), Stroke::new(colour, 1.0));
        }
        // Told apart by shape too, for readers and printers without colour.
        let paint = if *on_front { Paint::Full(colour) } else { Paint::Outline(colour, 1.5) };
        let at = plot.at(cost.mean, gain.mean);
        plot.canvas.circle(at, 4.5, paint);
        if points.len() <= NAMED || *on_front {
            let font = Font::new(theme.label, theme.ink).anchor(Anchor::Start);
            plot.canvas.text((at.0 + 7.0, at.1 + 9.0), &printable(name, 40), font);
        }
    }
}

/// The span of `values` with a margin.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let margin = if high > low { 0.12 * (high - low) } else { (0.05 * high.abs()).max(1e-6) };
    low - margin..high + margin
}

#[cfg(test)]
mod tests;

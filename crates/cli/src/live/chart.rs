//! Curves by step: the loss, on a logarithmic scale where it spans more than a factor of ten, and the score on a
//! held-out split with its best marked.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::board::Board;
use super::theme::Theme;
use bitspike_analysis::number::significant;

/// Ratio of the largest to the smallest value above which a scale of positive values is logarithmic.
const LINEAR_SPAN: f64 = 10.0;

/// A vertical scale.
#[derive(Debug, PartialEq)]
struct Scale {
    log: bool,
    /// Lowest and highest place on the scale: values, or their decimal logarithms.
    bounds: [f64; 2],
}

impl Scale {
    /// The scale that holds the finite ones of `values`; `None` if there is none.
    fn of(values: impl Iterator<Item = f64> + Clone, may_be_log: bool) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let low = finite.clone().min_by(f64::total_cmp)?;
        let high = finite.max_by(f64::total_cmp)?;
        let log = may_be_log && low > 0.0 && high > LINEAR_SPAN * low;
        let [low, high] = if log { [low.log10(), high.log10()] } else { [low, high] };
        // A flat curve lies in the middle.
        let margin = if high > low { 0.0 } else { (low.abs() * 0.1).max(1e-6) };
        Some(Self { log, bounds: [low - margin, high + margin] })
    }

    fn place(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    /// Bottom, middle and top.
    fn labels(&self) -> [String; 3] {
        let [low, high] = self.bounds;
        [low, low / 2.0 + high / 2.0, high].map(|at| significant(if self.log { 10_f64.powf(at) } else { at }))
    }
}

/// Draws the loss by step: each step, and smoothed.
pub(super) fn loss(frame: &mut Frame, area: Rect, board: &Board, theme: Theme) {
    let (mut raw, mut smooth) = (board.curve.raw(), board.curve.smooth());
    let Some(scale) = Scale::of(raw.iter().chain(&smooth).map(|point| point.1), true) else {
        return frame.render_widget(theme.block("loss"), area);
    };
    for (_, y) in raw.iter_mut().chain(&mut smooth) {
        *y = scale.place(*y);
    }
    let line = |points, style| {
        Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(style).data(points)
    };
    let mut sets = vec![line(&smooth, theme.style(Color::Cyan, Modifier::BOLD))];
    // Without colour the two curves could not be told apart.
    if theme.colour {
        sets.insert(0, line(&raw, theme.style(Color::DarkGray, Modifier::empty())));
    }
    let title = if scale.log { "loss, log scale" } else { "loss" };
    render(frame, area, title, &raw, &scale, sets, theme);
}

/// Draws the primary metric by step.
pub(super) fn score(frame: &mut Frame, area: Rect, board: &Board, theme: Theme) {
    let split = board.charted_split();
    let Some((split, points)) = split.and_then(|split| Some((split, board.scores.get(split)?))) else {
        return frame.render_widget(theme.block("score: none yet"), area);
    };
    let Some(scale) = Scale::of(points.iter().map(|point| point.1), false) else {
        return frame.render_widget(theme.block(&format!("{split} {}: not a number", board.primary)), area);
    };
    let mut title = format!("{split} {}", board.primary);
    if let Some((_, last)) = points.last() {
        title += &format!(" {last:.4}");
    }
    let mut best = Vec::new();
    if let Some(mark) = &board.best {
        title += &format!(", best * {:.4} at step {}", mark.value, mark.step);
        best.push((mark.step as f64, mark.value));
    }
    let (low, high) = (theme.style(Color::Green, Modifier::empty()), theme.style(Color::Yellow, Modifier::BOLD));
    let curve = Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(low).data(points);
    let mark = Dataset::default().marker(Marker::Custom('*')).graph_type(GraphType::Scatter).style(high).data(&best);
    render(frame, area, &title, points, &scale, vec![curve, mark], theme);
}

/// Draws `sets` on a horizontal axis that spans `points`.
fn render(
    frame: &mut Frame,
    area: Rect,
    title: &str,
    points: &[(f64, f64)],
    scale: &Scale,
    sets: Vec<Dataset>,
    theme: Theme,
) {
    let (first, last) = (points.first().map_or(0.0, |point| point.0), points.last().map_or(0.0, |point| point.0));
    let axis = theme.style(Color::DarkGray, Modifier::empty());
    // A single point needs an axis of some length.
    let steps = if last > first { [first, last] } else { [first - 1.0, first + 1.0] };
    let chart = Chart::new(sets)
        .block(theme.block(title))
        .legend_position(None)
        .style(Style::new())
        .x_axis(Axis::default().style(axis).bounds(steps).labels([format!("{first:.0}"), format!("{last:.0}")]))
        .y_axis(Axis::default().style(axis).bounds(scale.bounds).labels(scale.labels()));
    frame.render_widget(chart, area);
}

#[cfg(test)]
mod tests;

//! Panels of populations: their rates, and how far these are from the equilibrium.

use bitspike::trace::RateAt;

use super::traced::TracedText;
use crate::draw::{Area, Axis, Canvas, Font, KINDS, Plot, Stroke, Theme, shade};

/// Panels of rates side by side, and the height of one.
const COLUMNS: usize = 4;
const HEIGHT: f64 = 230.0;

/// Populations of one kind: `key` of every layer, in the order of computation.
struct Kind<'a> {
    name: &'a str,
    /// Index of the population and number of the layer.
    members: Vec<(usize, usize)>,
}

fn kinds(traced: &TracedText) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for (i, population) in traced.trace.populations.iter().enumerate() {
        let name = population.name.rsplit('.').next().unwrap_or(&population.name);
        let layer = population.name.split('.').nth(1).and_then(|layer| layer.parse().ok()).unwrap_or(0);
        match kinds.iter_mut().find(|kind| kind.name == name) {
            Some(kind) => kind.members.push((i, layer)),
            None => kinds.push(Kind { name, members: vec![(i, layer)] }),
        }
    }
    kinds
}

/// An axis of `steps` steps.
pub(super) fn step_axis(steps: f64, labels: usize) -> Axis {
    let start = if steps > 1.0 { 0.0 } else { 0.5 };
    Axis::linear("step t", start..steps.max(1.5), labels)
}

/// The values of a series at the drawn steps.
fn points(rates: &[RateAt], value: fn(&RateAt) -> f64) -> Vec<(f64, f64)> {
    let steps = drawn_steps(rates.len() as u32);
    steps.into_iter().map(|t| (f64::from(t), value(&rates[t as usize - 1]))).collect()
}

pub(super) fn rates_height(traced: &TracedText) -> f64 {
    // One place more, for the legend.
    (kinds(traced).len() + 1).div_ceil(COLUMNS) as f64 * HEIGHT
}

/// A chart a kind: the mean rate of each layer's population against time, and its equilibrium.
pub(super) fn rates(traced: &TracedText, canvas: &mut Canvas, area: Area) {
    let kinds = kinds(traced);
    let layers = kinds.iter().flat_map(|kind| &kind.members).map(|(_, layer)| layer + 1).max().unwrap_or(1);
    let places = area.grid((kinds.len() + 1).div_ceil(COLUMNS), COLUMNS);
    let steps = f64::from(traced.trace.time_steps);
    let theme = Theme::PAPER;
    for (kind, place) in kinds.iter().zip(&places) {
        let levels = || kind.members.iter().map(|&(i, _)| traced.summary.populations[i].equilibrium_rate);
        let lines: Vec<_> =
            kind.members.iter().map(|&(i, _)| points(&traced.rates[i], |at| at.mean_absolute)).collect();
        let top = lines.iter().flatten().map(|(_, y)| *y).chain(levels()).fold(0.02, f64::max);
        let axes = [step_axis(steps, 5), Axis::linear("", 0.0..(top * 1.08).min(1.02), 5)];
        let mut plot = Plot::new(canvas, *place, (kind.name, &theme), axes);
        let alone = kind.name == "embedding";
        let colour = |layer: usize| if alone { theme.ink.to_owned() } else { shade(layer, layers) };
        for (&(_, layer), level) in kind.members.iter().zip(levels()) {
            let start = if steps > 1.0 { 0.0 } else { 0.5 };
            let colour = colour(layer);
            let stroke = Stroke::new(&colour, 1.0).dashed(5.0, 4.0).opacity(0.8);
            plot.line([(start, level), (steps.max(1.5), level)], stroke);
        }
        for (&(_, layer), line) in kind.members.iter().zip(&lines) {
            let colour = colour(layer);
            let stroke = Stroke::new(&colour, 2.0);
            match line[..] {
                // A line of one point would not be seen.
                [(_, y)] => plot.line([(0.95, y), (1.05, y)], stroke),
                _ => plot.line(line.iter().copied(), stroke),
            }
        }
    }
    if let Some(&place) = places.get(kinds.len()) {
        layer_legend(layers, canvas, place);
    }
}

fn layer_legend(layers: usize, canvas: &mut Canvas, area: Area) {
    let rows = 10;
    let columns = layers.div_ceil(rows).min(4);
    let font = Font::new(Theme::PAPER.label, Theme::PAPER.ink);
    for layer in 0..layers.min(rows * columns) {
        let (x, y) = area.at(55.0 + (layer / rows) as f64 * 62.0, 30.0 + (layer % rows) as f64 * 17.0);
        canvas.line([(x, y), (x + 22.0, y)], Stroke::new(&shade(layer, layers), 3.0));
        let name = if columns == 1 { format!("layer {layer}") } else { layer.to_string() };
        canvas.text((x + 29.0, y), &name, font);
    }
}

/// Two charts with logarithmic axes: root mean square and maximum distance of each population, by kind.
pub(super) fn distances(traced: &TracedText, canvas: &mut Canvas, area: Area) {
    let kinds = kinds(traced);
    let (charts, legend) = area.split(area.height - 30.0);
    let places = charts.grid(1, 2);
    distance_chart(traced, &kinds, (canvas, places[0]), ("root mean square", |at| at.rms_distance));
    distance_chart(traced, &kinds, (canvas, places[1]), ("maximum", |at| at.max_distance));
    let font = Font::new(Theme::PAPER.label, Theme::PAPER.ink);
    let mut x = 55.0;
    for (kind, colour) in kinds.iter().zip(KINDS.into_iter().cycle()) {
        let (left, y) = legend.at(x, 14.0);
        canvas.line([(left, y), (left + 22.0, y)], Stroke::new(colour, 3.0));
        canvas.text((left + 28.0, y), kind.name, font);
        x += 55.0 + kind.name.len() as f64 * 6.5;
    }
}

fn distance_chart(
    traced: &TracedText,
    kinds: &[Kind<'_>],
    (canvas, area): (&mut Canvas, Area),
    (name, value): (&str, fn(&RateAt) -> f64),
) {
    let steps = f64::from(traced.trace.time_steps).max(2.0);
    let all = || traced.rates.iter().flatten().map(value);
    // Zero has no place on the axis, and less than a thousandth of a spike is rounding: both are drawn at the lower edge.
    let least = all().filter(|&y| y > 1e-3 / steps).fold(1.0 / steps, f64::min);
    let low = 10f64.powf((least.log10() * 2.0 - 0.2).floor() / 2.0).max(1e-7);
    let high = all().fold(1.0, f64::max) * 1.15;
    let axes = [Axis::log("step t", 1.0..steps * 1.02, 2.0, 12), Axis::log("", low..high, 10.0, 8)];
    let mut plot = Plot::new(canvas, area, (name, &Theme::PAPER), axes);
    // A straight line on these axes, cut where it leaves the chart.
    let end = steps.min(1.0 / low);
    plot.line([(1.0, 1.0), (end, 1.0 / end)], Stroke::new(Theme::PAPER.faint, 2.0).dashed(7.0, 5.0));
    for (kind, colour) in kinds.iter().zip(KINDS.into_iter().cycle()) {
        for &(population, _) in &kind.members {
            let line = points(&traced.rates[population], value).into_iter().map(|(t, y)| (t, y.max(low)));
            plot.line(line, Stroke::new(colour, 1.5).opacity(0.75));
        }
    }
}

/// Steps to draw of `1..=t`: all of them, or a thousand that are dense at the beginning.
pub(super) fn drawn_steps(t: u32) -> Vec<u32> {
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
}

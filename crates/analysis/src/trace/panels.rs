//! The panels of the picture.

use anyhow::Result;
use bitspike::trace::{PopulationTrace, RateAt};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::Report;
use super::style::{NEGATIVE, POSITIVE, WIDTH, drawn_steps, kind_colour, layer_colour};
use super::tables::potentials;
use crate::chart::style::{Area, BODY, FAINT, INK, LABEL, plain_axes, printable, text, tick};

/// Panels of rates side by side.
const COLUMNS: usize = 4;

/// Most membranes drawn; the tables have all.
const MEMBRANES: usize = 8;

/// Most neurons and steps of the raster.
const RASTER_NEURONS: usize = 64;
const RASTER_STEPS: u32 = 256;

type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Place and sign of a spike in a chart.
type Mark = ((f64, f64), i8);

/// Populations of one kind: `key` of every layer, in the order of computation.
struct Kind<'a> {
    name: &'a str,
    /// Index of the population and number of the layer.
    members: Vec<(usize, usize)>,
}

fn kinds(report: &Report) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for (i, population) in report.trace.populations.iter().enumerate() {
        let name = population.name.rsplit('.').next().unwrap_or(&population.name);
        let layer = population.name.split('.').nth(1).and_then(|layer| layer.parse().ok()).unwrap_or(0);
        match kinds.iter_mut().find(|kind| kind.name == name) {
            Some(kind) => kind.members.push((i, layer)),
            None => kinds.push(Kind { name, members: vec![(i, layer)] }),
        }
    }
    kinds
}

fn layers(kinds: &[Kind<'_>]) -> usize {
    kinds.iter().flat_map(|kind| &kind.members).map(|(_, layer)| layer + 1).max().unwrap_or(1)
}

/// A chart with linear axes; `steps` is the number of steps along x.
fn linear<'a>(area: &Area<'a>, caption: &str, steps: f64, y: std::ops::Range<f64>) -> Result<Chart<'a>> {
    let start = if steps > 1.0 { 0.0 } else { 0.5 };
    Ok(ChartBuilder::on(area)
        .caption(caption, text(BODY, INK))
        .margin(10)
        .margin_right(30)
        .x_label_area_size(76)
        .y_label_area_size(84)
        .build_cartesian_2d(start..steps.max(1.5), y)?)
}

fn mesh(chart: &mut Chart<'_>, (x_labels, y_labels): (usize, usize), y_name: &str) -> Result<()> {
    plain_axes(&mut chart.configure_mesh(), &text(LABEL, INK))
        .x_labels(x_labels)
        .y_labels(y_labels)
        .x_label_formatter(&|x| tick(*x))
        .y_label_formatter(&|y| tick(*y))
        .x_desc("step t")
        .y_desc(y_name)
        .draw()?;
    Ok(())
}

/// Marks of spikes: triangles for +1, rings for -1.
fn draw_spikes(chart: &mut Chart<'_>, marks: &[Mark], size: i32) -> Result<()> {
    let of = |wanted: i8| marks.iter().filter(move |(_, sign)| *sign == wanted).map(|(at, _)| *at);
    chart.draw_series(of(1).map(|at| TriangleMarker::new(at, size + 1, POSITIVE.filled())))?;
    chart.draw_series(of(-1).map(|at| Circle::new(at, size - 1, NEGATIVE.stroke_width(3))))?;
    Ok(())
}

/// The values of a series at the drawn steps.
fn points(rates: &[RateAt], value: fn(&RateAt) -> f64) -> Vec<(f64, f64)> {
    let steps = drawn_steps(rates.len() as u32);
    steps.into_iter().map(|t| (f64::from(t), value(&rates[t as usize - 1]))).collect()
}

pub(super) fn rates_height(report: &Report) -> u32 {
    // One place more, for the legend.
    let rows = (kinds(report).len() + 1).div_ceil(COLUMNS);
    rows as u32 * 460
}

/// A chart a kind: the mean rate of each layer's population against time, and its equilibrium.
pub(super) fn rates(report: &Report, area: &Area<'_>) -> Result<()> {
    let kinds = kinds(report);
    let layers = layers(&kinds);
    let places = area.split_evenly(((kinds.len() + 1).div_ceil(COLUMNS), COLUMNS));
    let steps = f64::from(report.trace.time_steps);
    for (kind, place) in kinds.iter().zip(&places) {
        let levels = || kind.members.iter().map(|&(i, _)| report.summary.populations[i].equilibrium_rate);
        let lines: Vec<_> =
            kind.members.iter().map(|&(i, _)| points(&report.rates[i], |at| at.mean_absolute)).collect();
        let top = lines.iter().flatten().map(|(_, y)| *y).chain(levels()).fold(0.02, f64::max);
        let mut chart = linear(place, kind.name, steps, 0.0..(top * 1.08).min(1.02))?;
        mesh(&mut chart, (5, 5), "")?;
        let alone = kind.name == "embedding";
        let colour = |layer: usize| if alone { INK } else { layer_colour(layer, layers) };
        for (&(_, layer), level) in kind.members.iter().zip(levels()) {
            let ends = [(0.0, level), (steps.max(1.5), level)];
            let style = colour(layer).mix(0.8).stroke_width(2);
            chart.draw_series(DashedLineSeries::new(ends, 10, 8, style))?;
        }
        for (&(_, layer), line) in kind.members.iter().zip(&lines) {
            let style = colour(layer).stroke_width(4);
            match line[..] {
                // A line of one point would not be seen.
                [point] => chart.draw_series([Rectangle::new([(0.95, point.1), (1.05, point.1)], style)])?,
                _ => chart.draw_series(LineSeries::new(line.iter().copied(), style))?,
            };
        }
    }
    match places.get(kinds.len()) {
        Some(place) => layer_legend(layers, place),
        None => Ok(()),
    }
}

fn layer_legend(layers: usize, area: &Area<'_>) -> Result<()> {
    let rows = 10;
    let columns = layers.div_ceil(rows).min(4);
    for layer in 0..layers.min(rows * columns) {
        let (x, y) = (110 + (layer / rows) as i32 * 125, 60 + (layer % rows) as i32 * 34);
        let style = layer_colour(layer, layers).stroke_width(6);
        area.draw(&PathElement::new(vec![(x, y), (x + 44, y)], style))?;
        let name = if columns == 1 { format!("layer {layer}") } else { layer.to_string() };
        area.draw_text(&name, &text(LABEL, INK), (x + 58, y))?;
    }
    Ok(())
}

/// Two charts with logarithmic axes: root mean square and maximum distance of each population, by kind.
pub(super) fn distances(report: &Report, area: &Area<'_>) -> Result<()> {
    let kinds = kinds(report);
    let (charts, legend) = area.split_vertically(area.dim_in_pixel().1 - 60);
    type Measure = fn(&RateAt) -> f64;
    let measures: [(&str, Measure); 2] =
        [("root mean square", |at| at.rms_distance), ("maximum", |at| at.max_distance)];
    for ((name, value), place) in measures.into_iter().zip(charts.split_evenly((1, 2))) {
        distance_chart(report, &kinds, (name, value), &place)?;
    }
    let mut x = 110;
    for (i, kind) in kinds.iter().enumerate() {
        legend.draw(&PathElement::new(vec![(x, 28), (x + 44, 28)], kind_colour(i).stroke_width(6)))?;
        legend.draw_text(kind.name, &text(LABEL, INK), (x + 56, 28))?;
        x += 110 + kind.name.len() as i32 * 13;
    }
    Ok(())
}

fn distance_chart(
    report: &Report,
    kinds: &[Kind<'_>],
    (name, value): (&str, fn(&RateAt) -> f64),
    area: &Area<'_>,
) -> Result<()> {
    let steps = f64::from(report.trace.time_steps).max(2.0);
    let all = || report.rates.iter().flatten().map(value);
    // Zero has no place on the axis, and less than a thousandth of a spike is rounding: both are drawn at the lower edge.
    let least = all().filter(|&y| y > 1e-3 / steps).fold(1.0 / steps, f64::min);
    let low = 10f64.powf((least.log10() * 2.0 - 0.2).floor() / 2.0).max(1e-7);
    let high = all().fold(1.0, f64::max) * 1.15;
    let mut chart = ChartBuilder::on(area)
        .caption(name, text(BODY, INK))
        .margin(10)
        .margin_right(30)
        .x_label_area_size(76)
        .y_label_area_size(100)
        .build_cartesian_2d((1.0..steps * 1.02).log_scale().base(2.0), (low..high).log_scale())?;
    plain_axes(&mut chart.configure_mesh(), &text(LABEL, INK))
        .x_labels(12)
        .y_labels(8)
        .x_desc("step t")
        .x_label_formatter(&|x| tick(*x))
        .y_label_formatter(&|y| tick(*y))
        .draw()?;
    // A straight line on these axes, cut where it leaves the chart.
    let end = steps.min(1.0 / low);
    let guide = [(1.0, 1.0), (end, 1.0 / end)];
    chart.draw_series(DashedLineSeries::new(guide, 14, 10, FAINT.stroke_width(4)))?;
    for (i, kind) in kinds.iter().enumerate() {
        for &(population, _) in &kind.members {
            let line = points(&report.rates[population], value).into_iter().map(|(t, y)| (t, y.max(low)));
            chart.draw_series(LineSeries::new(line, kind_colour(i).mix(0.75).stroke_width(3)))?;
        }
    }
    Ok(())
}

/// What explains the marks of negative spikes, where one of the neurons has any: signed neurons do, and unsigned ones that take
/// back a spike.
fn minus_legend<'a>(
    report: &Report,
    mut neurons: impl Iterator<Item = (&'a PopulationTrace, (usize, usize))>,
) -> &'static str {
    let fires_minus = |population: &PopulationTrace, at| population.train(report.trace.tokens, at).any(|s| s < 0);
    if neurons.any(|(population, at)| fires_minus(population, at)) { ", rings -1" } else { "" }
}

/// Population and column of each membrane that is drawn.
fn drawn_membranes(report: &Report) -> Vec<(&PopulationTrace, usize)> {
    let all = report.trace.populations.iter().flat_map(|p| (0..p.chosen.len()).map(move |column| (p, column)));
    all.take(MEMBRANES).collect()
}

pub(super) fn membranes_explanation(report: &Report) -> String {
    let chosen: usize = report.trace.populations.iter().map(|p| p.chosen.len()).sum();
    let part = if chosen > MEMBRANES { format!("the first {MEMBRANES} of {chosen}; ") } else { String::new() };
    let drawn = drawn_membranes(report);
    let minus =
        minus_legend(report, drawn.into_iter().map(|(population, column)| (population, population.chosen[column])));
    format!("{part}potential after each step in units of theta; dashed: threshold; triangles: spikes +1{minus}")
}

pub(super) fn membranes_height(report: &Report) -> u32 {
    drawn_membranes(report).len().div_ceil(2) as u32 * 370
}

/// A chart a chosen neuron: its potential, its thresholds, its spikes at the edges.
pub(super) fn membranes(report: &Report, area: &Area<'_>) -> Result<()> {
    let drawn = drawn_membranes(report);
    let places = area.split_evenly((drawn.len().div_ceil(2).max(1), 2));
    for ((population, column), place) in drawn.into_iter().zip(&places) {
        membrane(report, population, column, place)?;
    }
    Ok(())
}

fn membrane(report: &Report, population: &PopulationTrace, column: usize, area: &Area<'_>) -> Result<()> {
    let at = population.chosen[column];
    let theta = f64::from(population.theta);
    let values: Vec<f64> = potentials(population, column).map(|v| f64::from(v) / theta).collect();
    let train: Vec<i8> = population.train(report.trace.tokens, at).collect();
    let thresholds: &[f64] = match report.origin.signed {
        true => &[-0.5, 0.5],
        // Below 0 an unsigned neuron takes back a spike.
        false if train.contains(&-1) => &[0.0, 1.0],
        false => &[1.0],
    };
    let finite = || values.iter().copied().filter(|v| v.is_finite()).chain(thresholds.iter().copied());
    let (low, high) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
    let space = (high - low) * 0.2;
    let token = report.origin.tokens.get(at.0).map_or("", String::as_str);
    let equilibrium = population.equilibrium[at.0 * population.width + at.1];
    let caption = format!(
        "{}, {}, neuron {}: theta {:.3}, equilibrium rate {equilibrium:.3}",
        population.name,
        printable(token, 16),
        at.1,
        population.theta
    );
    let steps = report.trace.time_steps;
    let mut chart = linear(area, &caption, f64::from(steps), low - space..high + space)?;
    mesh(&mut chart, (8, 5), "")?;
    for &threshold in thresholds {
        let ends = [(0.0, threshold), (f64::from(steps).max(1.5), threshold)];
        chart.draw_series(DashedLineSeries::new(ends, 10, 8, FAINT.stroke_width(3)))?;
    }
    let drawn = drawn_steps(steps);
    let line = drawn.iter().map(|&t| (f64::from(t), values[t as usize - 1]));
    chart.draw_series(LineSeries::new(line, INK.stroke_width(2)).point_size(if steps < 8 { 4 } else { 0 }))?;
    let fired = drawn.into_iter().map(|t| (t, train[t as usize - 1])).filter(|(_, sign)| *sign != 0);
    let edge = |sign: i8| if sign > 0 { high + space / 2.0 } else { low - space / 2.0 };
    let marks: Vec<Mark> = fired.map(|(t, sign)| ((f64::from(t), edge(sign)), sign)).collect();
    draw_spikes(&mut chart, &marks, if steps > 128 { 5 } else { 9 })
}

/// The neurons of the raster: the most active of `[CLS]` in the last population, by their rate at equilibrium.
fn raster_neurons(report: &Report) -> Option<(&PopulationTrace, Vec<usize>)> {
    let population = report.trace.populations.last()?;
    let tokens = report.trace.tokens;
    let count = |neuron: usize| population.train(tokens, (0, neuron)).filter(|&spike| spike != 0).count();
    let counts: Vec<usize> = (0..population.width).map(count).collect();
    let mut neurons: Vec<usize> = (0..population.width).collect();
    neurons.sort_by_key(|&neuron| std::cmp::Reverse(counts[neuron]));
    neurons.truncate(RASTER_NEURONS);
    neurons.sort_by(|&a, &b| population.equilibrium[a].total_cmp(&population.equilibrium[b]).then(a.cmp(&b)));
    Some((population, neurons))
}

fn raster_steps(report: &Report) -> u32 {
    report.trace.time_steps.min(RASTER_STEPS)
}

pub(super) fn raster_explanation(report: &Report) -> String {
    let Some((population, neurons)) = raster_neurons(report) else { return "no populations".into() };
    let (steps, all) = (raster_steps(report), report.trace.time_steps);
    let part = if steps < all { format!(", the first {steps} of {all} steps") } else { String::new() };
    let minus = minus_legend(report, neurons.iter().map(|&neuron| (population, (0, neuron))));
    let (count, name) = (neurons.len(), &population.name);
    format!("{name} at [CLS]: its {count} most active neurons by equilibrium rate{part}; triangles +1{minus}")
}

pub(super) fn raster_height(report: &Report) -> u32 {
    let neurons = raster_neurons(report).map_or(0, |(_, neurons)| neurons.len());
    150 + neurons as u32 * 18
}

/// A row a neuron, the highest rate on top, a mark a spike.
pub(super) fn raster(report: &Report, area: &Area<'_>) -> Result<()> {
    let Some((population, neurons)) = raster_neurons(report) else { return Ok(()) };
    let steps = raster_steps(report);
    let mut chart = linear(area, "", f64::from(steps) + 0.5, 0.0..neurons.len() as f64 + 1.0)?;
    mesh(&mut chart, (16, 8), "neuron, by rate")?;
    // Marks of half a step's width leave spikes of neighbouring steps apart.
    let size = (WIDTH / (4 * steps.max(1))).clamp(3, 8) as i32;
    let mut marks: Vec<Mark> = Vec::new();
    for (row, &neuron) in (1u32..).zip(&neurons) {
        let train = population.train(report.trace.tokens, (0, neuron)).take(steps as usize);
        let fired = (1u32..).zip(train).filter(|(_, sign)| *sign != 0);
        marks.extend(fired.map(|(t, sign)| ((f64::from(t), f64::from(row)), sign)));
    }
    draw_spikes(&mut chart, &marks, size)
}

//! Panels of single neurons: membranes of the chosen ones, spikes of the most active.

use bitspike::trace::PopulationTrace;

use super::panels::{drawn_steps, step_axis};
use super::series::potentials;
use super::traced::TracedText;
use crate::draw::{Area, Axis, Canvas, NEGATIVE, POSITIVE, Paint, Plot, Stroke, Theme, printable};

/// Most membranes drawn; the tables have all.
const MEMBRANES: usize = 8;

/// Height of a membrane's panel.
const HEIGHT: f64 = 185.0;

/// Most neurons and steps of the raster.
const RASTER_NEURONS: usize = 64;
const RASTER_STEPS: u32 = 256;

/// A spike in a chart: a triangle for +1, a ring for -1.
fn draw_spike(plot: &mut Plot<'_>, at: (f64, f64), sign: i8, size: f64) {
    let at = plot.at(at.0, at.1);
    match sign {
        1 => plot.canvas.triangle(at, size + 0.5, Paint::Full(POSITIVE)),
        _ => plot.canvas.circle(at, size - 0.5, Paint::Outline(NEGATIVE, 1.5)),
    }
}

/// What explains the marks of negative spikes, where one of the neurons has any: signed neurons do, and unsigned ones that take
/// back a spike.
fn minus_legend<'a>(
    traced: &TracedText,
    mut neurons: impl Iterator<Item = (&'a PopulationTrace, (usize, usize))>,
) -> &'static str {
    let fires_minus = |population: &PopulationTrace, at| population.train(traced.trace.tokens, at).any(|s| s < 0);
    if neurons.any(|(population, at)| fires_minus(population, at)) { ", rings -1" } else { "" }
}

/// Population and column of each membrane that is drawn.
fn drawn_membranes(traced: &TracedText) -> Vec<(&PopulationTrace, usize)> {
    let all = traced.trace.populations.iter().flat_map(|p| (0..p.chosen.len()).map(move |column| (p, column)));
    all.take(MEMBRANES).collect()
}

pub(super) fn membranes_explanation(traced: &TracedText) -> String {
    let chosen: usize = traced.trace.populations.iter().map(|p| p.chosen.len()).sum();
    let part = if chosen > MEMBRANES { format!("the first {MEMBRANES} of {chosen}; ") } else { String::new() };
    let drawn = drawn_membranes(traced);
    let minus =
        minus_legend(traced, drawn.into_iter().map(|(population, column)| (population, population.chosen[column])));
    format!("{part}potential after each step in units of theta; dashed: threshold; triangles: spikes +1{minus}")
}

pub(super) fn membranes_height(traced: &TracedText) -> f64 {
    drawn_membranes(traced).len().div_ceil(2) as f64 * HEIGHT
}

/// A chart a chosen neuron: its potential, its thresholds, its spikes at the edges.
pub(super) fn membranes(traced: &TracedText, canvas: &mut Canvas, area: Area) {
    let drawn = drawn_membranes(traced);
    let places = area.grid(drawn.len().div_ceil(2).max(1), 2);
    for ((population, column), place) in drawn.into_iter().zip(places) {
        membrane(traced, (population, column), canvas, place);
    }
}

fn membrane(traced: &TracedText, (population, column): (&PopulationTrace, usize), canvas: &mut Canvas, area: Area) {
    let at = population.chosen[column];
    let theta = f64::from(population.theta);
    let values: Vec<f64> = potentials(population, column).map(|v| f64::from(v) / theta).collect();
    let train: Vec<i8> = population.train(traced.trace.tokens, at).collect();
    let thresholds: &[f64] = match traced.origin.signed {
        true => &[-0.5, 0.5],
        // Below 0 an unsigned neuron takes back a spike.
        false if train.contains(&-1) => &[0.0, 1.0],
        false => &[1.0],
    };
    let finite = || values.iter().copied().filter(|v| v.is_finite()).chain(thresholds.iter().copied());
    let (low, high) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
    let space = (high - low) * 0.2;
    let equilibrium = population.equilibrium[at.0 * population.width + at.1];
    let caption = format!(
        "{}, {}, neuron {}: theta {:.3}, equilibrium rate {equilibrium:.3}",
        population.name,
        printable(traced.token_text(at.0), 16),
        at.1,
        population.theta
    );
    let steps = traced.trace.time_steps;
    let theme = Theme::PAPER;
    let axes = [step_axis(f64::from(steps), 8), Axis::linear("", low - space..high + space, 5)];
    let mut plot = Plot::new(canvas, area, (&caption, &theme), axes);
    let start = if steps > 1 { 0.0 } else { 0.5 };
    for &threshold in thresholds {
        let ends = [(start, threshold), (f64::from(steps).max(1.5), threshold)];
        plot.line(ends, Stroke::new(theme.faint, 1.5).dashed(5.0, 4.0));
    }
    let drawn = drawn_steps(steps);
    let line: Vec<(f64, f64)> = drawn.iter().map(|&t| (f64::from(t), values[t as usize - 1])).collect();
    if steps < 8 {
        for &(t, value) in line.iter().filter(|(_, value)| value.is_finite()) {
            let (x, y) = plot.at(t, value);
            let dot = Area { x: x - 1.5, y: y - 1.5, width: 3.0, height: 3.0 };
            plot.canvas.rectangle(dot, Paint::Full(theme.ink));
        }
    }
    plot.line(line, Stroke::new(theme.ink, 1.0));
    let edge = |sign: i8| if sign > 0 { high + space / 2.0 } else { low - space / 2.0 };
    for (t, sign) in drawn.into_iter().map(|t| (t, train[t as usize - 1])).filter(|(_, sign)| *sign != 0) {
        draw_spike(&mut plot, (f64::from(t), edge(sign)), sign, if steps > 128 { 2.5 } else { 4.5 });
    }
}

/// The neurons of the raster: the most active of `[CLS]` in the last population, by their rate at equilibrium.
fn raster_neurons(traced: &TracedText) -> Option<(&PopulationTrace, Vec<usize>)> {
    let population = traced.trace.populations.last()?;
    let tokens = traced.trace.tokens;
    let count = |neuron: usize| population.train(tokens, (0, neuron)).filter(|&spike| spike != 0).count();
    let counts: Vec<usize> = (0..population.width).map(count).collect();
    let mut neurons: Vec<usize> = (0..population.width).collect();
    neurons.sort_by_key(|&neuron| std::cmp::Reverse(counts[neuron]));
    neurons.truncate(RASTER_NEURONS);
    neurons.sort_by(|&a, &b| population.equilibrium[a].total_cmp(&population.equilibrium[b]).then(a.cmp(&b)));
    Some((population, neurons))
}

fn raster_steps(traced: &TracedText) -> u32 {
    traced.trace.time_steps.min(RASTER_STEPS)
}

pub(super) fn raster_explanation(traced: &TracedText) -> String {
    let Some((population, neurons)) = raster_neurons(traced) else { return "no populations".into() };
    let (steps, all) = (raster_steps(traced), traced.trace.time_steps);
    let part = if steps < all { format!(", the first {steps} of {all} steps") } else { String::new() };
    let minus = minus_legend(traced, neurons.iter().map(|&neuron| (population, (0, neuron))));
    let (count, name) = (neurons.len(), &population.name);
    format!("{name} at [CLS]: its {count} most active neurons by equilibrium rate{part}; triangles +1{minus}")
}

pub(super) fn raster_height(traced: &TracedText) -> f64 {
    let neurons = raster_neurons(traced).map_or(0, |(_, neurons)| neurons.len());
    75.0 + neurons as f64 * 9.0
}

/// A row a neuron, the highest rate on top, a mark a spike.
pub(super) fn raster(traced: &TracedText, canvas: &mut Canvas, area: Area) {
    let Some((population, neurons)) = raster_neurons(traced) else { return };
    let steps = raster_steps(traced);
    let rows = 0.0..neurons.len() as f64 + 1.0;
    let axes = [step_axis(f64::from(steps) + 0.5, 16), Axis::linear("neuron, by rate", rows, 8)];
    let mut plot = Plot::new(canvas, area, ("", &Theme::PAPER), axes);
    // Marks of half a step's width leave spikes of neighbouring steps apart.
    let size = (area.width / (4.0 * f64::from(steps))).clamp(1.5, 4.0);
    for (row, &neuron) in (1u32..).zip(&neurons) {
        let train = population.train(traced.trace.tokens, (0, neuron)).take(steps as usize);
        for (t, sign) in (1u32..).zip(train).filter(|(_, sign)| *sign != 0) {
            draw_spike(&mut plot, (f64::from(t), f64::from(row)), sign, size);
        }
    }
}

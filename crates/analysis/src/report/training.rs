//! How a run went, as far as its folder can be read.

use std::path::Path;

use bitspike::config::population_names;
use bitspike::quantize::WeightBits;
use bitspike_run::progress::{Event, read_events};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{Description, RunFolder};
use serde::Serialize;

use super::log::TrainingLog;
use crate::chart::{Bars, Chart, Lines, Series};
use crate::error::{Error, Result};

/// Points of a line at most; more steps than that are averaged in equal parts.
const POINTS: usize = 400;

/// Bins of a histogram of weights, and its ends in scales.
const BINS: usize = 81;
const REACH: f32 = 4.0;

/// A run's folder.
#[derive(Debug, Clone, Serialize)]
pub struct Training {
    /// What was distilled.
    pub description: Option<Description>,
    /// By which recipe.
    pub recipe: Option<Recipe>,
    /// How it went.
    pub log: TrainingLog,
    /// Losses, metric, rates, weights.
    #[serde(skip)]
    pub charts: Vec<Chart>,
}

impl Training {
    /// Reads the folder; `missing` receives what could not be read.
    ///
    /// # Errors
    /// If there is no such folder, or nothing in it is of a run.
    pub fn read(path: &Path, missing: &mut Vec<String>) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::unusable(path, "expected the folder of a run, found none"));
        }
        // A run that was cut short has something to show, too.
        let folder = RunFolder::unchecked(path);
        let mut note = |what: &str, error: &dyn std::fmt::Display| missing.push(format!("{what}: {error}"));
        let description = folder.description().map_err(|e| note("what the student is", &e)).ok();
        let recipe = folder.recipe().map_err(|e| note("the recipe", &e)).ok();
        let (events, bad) = match read_events(folder.metrics()) {
            Ok(read) => read,
            Err(error) => {
                note("losses and metrics over time", &error);
                (Vec::new(), None)
            }
        };
        if let Some(line) = bad {
            missing.push(format!("events of metrics.jsonl that cannot be read, the first in line {line}"));
        }
        if description.is_none() && recipe.is_none() && events.is_empty() {
            return Err(Error::unusable(path, format!("nothing of a run is in this folder ({})", missing.join("; "))));
        }
        let log = TrainingLog::new(&events);
        let mut charts: Vec<Chart> = losses(&events).into_iter().chain(evaluations(&log)).collect();
        charts.extend(rates(&events, &log));
        match description.as_ref().map(|description| weights(&folder, description)) {
            Some(Ok(chart)) => charts.extend(chart),
            Some(Err(error)) => missing.push(format!("the weights: {error}")),
            None => {}
        }
        Ok(Self { description, recipe, log, charts })
    }
}

/// Means of at most [`POINTS`] equal parts, each at the step of its middle. What is not finite stays so.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let part = points.len().div_ceil(POINTS).max(1);
    let mean = |part: &[(f64, f64)]| {
        let sum: f64 = part.iter().map(|point| point.1).sum();
        (part[part.len() / 2].0, sum / part.len() as f64)
    };
    points.chunks(part).map(mean).collect()
}

fn losses(events: &[Event]) -> Option<Chart> {
    let mut found: [(&str, Vec<(f64, f64)>); 4] = [
        ("total", Vec::new()),
        ("hidden states", Vec::new()),
        ("attention x 0.1", Vec::new()),
        ("prediction", Vec::new()),
    ];
    for event in events {
        if let Event::Step { step, loss, hidden, attention, prediction, .. } = event {
            let values = [Some(*loss), *hidden, attention.map(|loss| 0.1 * loss), *prediction];
            for ((_, points), value) in found.iter_mut().zip(values) {
                points.extend(value.map(|value| (*step as f64, value)));
            }
        }
    }
    let series = found.into_iter().filter(|(_, points)| !points.is_empty());
    let series = series.map(|(name, points)| Series { name: name.into(), points: thinned(&points) });
    Lines { title: "Losses".into(), x: "step".into(), y: "loss".into(), series: series.collect(), log_x: false }.draw()
}

fn evaluations(log: &TrainingLog) -> Option<Chart> {
    let points = log.evaluations.iter().map(|&(step, value)| (step as f64, value)).collect();
    let series = vec![Series { name: format!("{} on dev", log.primary), points }];
    Lines {
        title: "Score on dev during training".into(),
        x: "step".into(),
        y: log.primary.clone(),
        series,
        log_x: false,
    }
    .draw()
}

/// The mean rate over the run, and that of each population at the last evaluation.
fn rates(events: &[Event], log: &TrainingLog) -> Vec<Chart> {
    let points: Vec<(f64, f64)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Step { step, rate: Some(rate), .. } => Some((*step as f64, *rate)),
            _ => None,
        })
        .collect();
    let series = vec![Series { name: "mean of all populations".into(), points: thinned(&points) }];
    let over_time = Lines {
        title: "Firing rate during training".into(),
        x: "step".into(),
        y: "spikes a neuron and step".into(),
        series,
        log_x: false,
    };
    // In the order of computation; the map is in that of the alphabet.
    let names = population_names(log.rates.len().saturating_sub(1) / 6);
    let known = names.into_iter().filter_map(|name| log.rates.get(&name).map(|&rate| (name, vec![rate])));
    let of_each = Bars {
        title: "Firing rate of each population".into(),
        unit: "spikes a neuron and step".into(),
        parts: vec!["rate".into()],
        rows: known.collect(),
    };
    over_time.draw().into_iter().chain(of_each.draw()).collect()
}

/// Latent weights of the encoder in units of what they are rounded by, kind by kind.
fn weights(folder: &RunFolder, description: &Description) -> Result<Option<Chart>> {
    let student = &description.student;
    if student.weight_bits == WeightBits::Full {
        return Ok(None);
    }
    let weights = folder.weights()?;
    let kinds = ["query", "key", "value", "attention_output", "intermediate", "output"];
    let mut series = Vec::new();
    for kind in kinds {
        let mut bins = vec![0u64; BINS];
        for layer in 0..student.layers {
            let Some(array) = weights.get(&format!("layers.{layer}.{kind}.weight")) else { continue };
            let values = &array.values;
            let count = values.len().max(1) as f32;
            // The scale of the whole matrix, also where rows have their own: one picture for all rows.
            let mean = values.iter().sum::<f32>() / count;
            let centre = if student.weight_bits == WeightBits::Binary { mean } else { 0.0 };
            let scale = values.iter().map(|w| (w - centre).abs()).sum::<f32>() / count;
            for w in values {
                let place = ((w - centre) / scale.max(f32::MIN_POSITIVE) + REACH) / (2.0 * REACH);
                bins[((place * BINS as f32) as usize).min(BINS - 1)] += 1;
            }
        }
        let all: u64 = bins.iter().sum();
        let width = f64::from(2.0 * REACH) / BINS as f64;
        let point = |(i, n): (usize, u64)| ((i as f64 + 0.5) * width - f64::from(REACH), n as f64 / all as f64 / width);
        if all > 0 {
            series.push(Series {
                name: kind.replace('_', " "),
                points: bins.into_iter().enumerate().map(point).collect(),
            });
        }
    }
    let lines = Lines {
        title: "Latent weights before rounding".into(),
        x: "weight / mean magnitude of its matrix".into(),
        y: "density".into(),
        series,
        log_x: false,
    };
    Ok(lines.draw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_thinned_to_means() {
        let points: Vec<(f64, f64)> = (1..=10_000).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS);
        assert!(thin.iter().all(|(_, y)| (y - 0.5).abs() < 0.05));
        assert_eq!(thinned(&points[..7]), points[..7]);
        assert!(thinned(&[]).is_empty());
        assert!(thinned(&[(1.0, f64::NAN)])[0].1.is_nan());
    }
}

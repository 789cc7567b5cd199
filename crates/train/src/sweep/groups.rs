//! What a sweep found: a line a combination of values, with its seeds put together.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::figures::{CellFigures, QUANTITIES};
use super::grid::Cell;
use super::journal::{Journal, Status};

/// Mean and spread of a quantity over the seeds of a combination.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Sample standard deviation; 0 of a single value.
    pub deviation: f64,
}

/// A combination of values with the finished cells of its seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Its values, as in the names of cells; empty where seeds alone vary.
    pub name: String,
    /// Its value on each axis.
    pub labels: Vec<String>,
    /// Name of the metric.
    pub metric: String,
    /// Seeds that are finished.
    pub seeds: usize,
    /// Whether one of them never spikes. Such a student costs nothing and says nothing; means that it is part of mean nothing.
    pub silent: bool,
    /// What was measured, by column of `results.csv`.
    pub figures: BTreeMap<&'static str, Spread>,
}

impl Spread {
    /// Of `values`; none of none.
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        (count > 0).then_some(Self { count, mean, deviation })
    }
}

impl Group {
    /// The quantity of that column.
    pub fn get(&self, name: &str) -> Option<Spread> {
        self.figures.get(name).copied()
    }
}

/// The combinations with at least one finished cell, in the order of the grid.
pub(super) fn groups(cells: &[Cell], journal: &Journal) -> Vec<Group> {
    let mut order: Vec<(&Cell, Vec<&CellFigures>)> = Vec::new();
    let mut places = HashMap::new();
    for (cell, record) in cells.iter().zip(&journal.cells) {
        let Some(measured) = record.measured.as_ref().filter(|_| record.status == Status::Finished) else { continue };
        let place = *places.entry(cell.group.as_str()).or_insert_with(|| {
            order.push((cell, Vec::new()));
            order.len() - 1
        });
        order[place].1.push(measured);
    }
    let group = |(cell, all): (&Cell, Vec<&CellFigures>)| Group {
        name: cell.group.clone(),
        labels: cell.labels.clone(),
        metric: all[0].metric.clone(),
        seeds: all.len(),
        silent: all.iter().any(|measured| measured.spikes_per_token == 0.0),
        figures: QUANTITIES
            .iter()
            .filter_map(|q| Some((q.name, Spread::of(&all.iter().filter_map(|m| (q.of)(m)).collect::<Vec<_>>())?)))
            .collect(),
    };
    order.into_iter().map(group).collect()
}

//! How far a sweep is, and what it found, as values.

use std::path::PathBuf;

use serde::Serialize;

use super::fronts::marks;
use super::groups::Group;
use super::journal::Status;
use super::tables::table;

/// The axes, the cells, what is done, how long the rest takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outline {
    /// Folder of the sweep.
    pub folder: PathBuf,
    /// Its axes.
    pub axes: Vec<AxisOutline>,
    /// Seeds that every combination of values is trained with.
    pub seeds: Vec<u64>,
    /// The cells in the order in which they run.
    pub cells: Vec<CellOutline>,
    /// Seconds that the rest takes; none before the first cell is finished.
    pub seconds_left: Option<f64>,
}

/// An axis with its values as people write them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AxisOutline {
    /// Dotted key of the recipe.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
}

/// How far a cell is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellOutline {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: Status,
    /// Steps of its training.
    pub steps: u64,
    /// Seconds that it still takes, as far as finished cells tell.
    pub seconds_left: Option<f64>,
}

impl Outline {
    /// Cells of a status.
    pub fn count(&self, status: Status) -> usize {
        self.cells.iter().filter(|cell| cell.status == status).count()
    }
}

/// What a sweep found so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Folder of the sweep.
    pub folder: PathBuf,
    /// Cells in all.
    pub cells: usize,
    /// Cells that are trained and measured.
    pub finished: usize,
    /// Names of the cells that failed.
    pub failed: Vec<String>,
    /// What varies, by short names.
    pub keys: Vec<String>,
    /// A line a combination of values.
    pub combinations: Vec<Combination>,
}

/// What was found of a combination of values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Combination {
    /// Its figures over its seeds.
    #[serde(flatten)]
    pub group: Group,
    /// The fronts that it is on, as words.
    pub fronts: String,
}

impl Findings {
    /// The fronts of `groups`, and the groups.
    pub(super) fn combinations(groups: Vec<Group>) -> Vec<Combination> {
        let fronts = marks(&groups);
        groups.into_iter().zip(fronts).map(|(group, fronts)| Combination { group, fronts }).collect()
    }

    /// The combinations as a table of text; empty without any.
    pub fn table(&self) -> String {
        table(
            &self.combinations.iter().map(|found| (&found.group, found.fronts.as_str())).collect::<Vec<_>>(),
            &self.keys,
        )
    }
}

//! A grid: axes and seeds, and the cells that they make.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use bitspike_run::recipe::Recipe;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::axis::Axis;
use crate::error::{Error, Result};

/// More cells than anyone trains: a grid of so many is a mistake.
const MOST: usize = 10_000;

/// Longest name of a cell made of its values; many file systems end at 255 bytes.
const LONGEST: usize = 150;

/// Axes and seeds.
///
/// ```
/// # use bitspike_run::recipe::Recipe;
/// # use bitspike_train::sweep::Grid;
/// let base = Recipe::default();
/// let grid = Grid::new(None, &["bits=1,1.58".into(), "epochs=1,2,3".into()], &[1, 2], &base)?;
/// let cells = grid.cells(&base)?;
/// assert_eq!((cells.len(), cells[0].name.as_str()), (12, "weight_bits=1,epochs=1,seed=1"));
/// # Ok::<(), bitspike_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Seeds that every combination of values is trained with.
    pub seeds: Vec<u64>,
    /// The axes; the last varies fastest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axis: Vec<Axis>,
}

/// One student to distil.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Name of its folder, made of its values.
    pub name: String,
    /// The name without the seed: what cells that differ in their seed alone share.
    pub group: String,
    /// Its value on each axis.
    pub labels: Vec<String>,
    /// Its seed.
    pub seed: u64,
    /// The recipe that they make.
    pub recipe: Recipe,
}

/// A grid in a file: seeds, and lists of values by dotted key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GridFile {
    #[serde(default)]
    seeds: Vec<u64>,
    #[serde(default)]
    over: Table,
}

impl Grid {
    /// The grid of flags and of a file, which add up; without seeds, the one of `base`.
    ///
    /// # Errors
    /// If the file is no grid, two axes set the same key, seeds are given twice, or nothing varies.
    pub fn new(file: Option<&Path>, over: &[String], seeds: &[u64], base: &Recipe) -> Result<Self> {
        let mut grid = Self { seeds: seeds.to_vec(), axis: Vec::new() };
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|e| Error::io("read grid", path, e))?;
            let file: GridFile = toml::from_str(&text)
                .map_err(|source| Error::GridFile { path: path.into(), source: Box::new(source) })?;
            if !seeds.is_empty() && !file.seeds.is_empty() {
                return wrong(format!("seeds are given in {} and with --seeds; leave one out", path.display()));
            }
            grid.seeds.extend(file.seeds);
            let flat = flatten("", file.over, &mut grid.axis);
            flat.map_err(|e| e.during(format!("grid {}: over", path.display())))?;
        }
        for text in over {
            grid.axis.push(Axis::parse(text)?);
        }
        if grid.axis.is_empty() && grid.seeds.is_empty() {
            return wrong("nothing to sweep over: give --over KEY=VALUE,VALUE, --seeds N,N or --grid FILE".into());
        }
        if grid.seeds.is_empty() {
            grid.seeds.push(base.seed);
        }
        grid.check()?;
        Ok(grid)
    }

    /// Refuses what [`Grid::cells`] could not name or hold.
    ///
    /// # Errors
    /// If a seed comes twice, two axes set the same key, or there are too many cells.
    pub(super) fn check(&self) -> Result<()> {
        let mut seen = HashSet::new();
        if let Some(seed) = self.seeds.iter().find(|seed| !seen.insert(**seed)) {
            return wrong(format!("seed {seed} is given twice"));
        }
        // TOML, in which recipes and grids are kept, has no larger integer.
        if let Some(seed) = self.seeds.iter().find(|&&seed| i64::try_from(seed).is_err()) {
            return wrong(format!("seeds: expected 0 to {}, found {seed}", i64::MAX));
        }
        for (i, axis) in self.axis.iter().enumerate() {
            if let Some(other) = self.axis[..i].iter().find(|other| other.overlaps(axis)) {
                return wrong(format!("`{}` and `{}` set the same key; leave one out", other.key, axis.key));
            }
        }
        let mut sizes = self.axis.iter().map(|axis| axis.values.len());
        let cells = sizes.try_fold(self.seeds.len(), usize::checked_mul);
        let most = format!("expected at most {MOST}: take values or seeds out");
        match cells {
            Some(1..=MOST) => Ok(()),
            Some(0) => wrong("the grid has no cells".into()),
            Some(cells) => wrong(format!("the grid has {cells} cells; {most}")),
            None => wrong(format!("the grid has more cells than can be counted; {most}")),
        }
    }

    /// The cells in the order in which they run: all combinations of values with the first seed, then with the next, so that a
    /// sweep that is cut short has seen most combinations.
    ///
    /// # Errors
    /// If the values of a cell make no valid recipe, or two cells have the same one.
    pub fn cells(&self, base: &Recipe) -> Result<Vec<Cell>> {
        let combinations: usize = self.axis.iter().map(|axis| axis.values.len()).product();
        let keys = self.short_keys();
        let (mut cells, mut names, mut recipes) = (Vec::new(), HashSet::new(), HashMap::new());
        for &seed in &self.seeds {
            for combination in 0..combinations {
                let mut rest = combination;
                let mut at: Vec<usize> = vec![0; self.axis.len()];
                for (place, axis) in at.iter_mut().zip(&self.axis).rev() {
                    *place = rest % axis.values.len();
                    rest /= axis.values.len();
                }
                let labels: Vec<String> = self.axis.iter().zip(&at).map(|(axis, &i)| axis.label(i)).collect();
                let parts = keys.iter().zip(&labels).map(|(key, label)| format!("{key}={}", clean(label)));
                let group = parts.collect::<Vec<_>>().join(",");
                let said = if group.is_empty() { format!("seed={seed}") } else { format!("{group},seed={seed}") };
                let assignments =
                    self.axis.iter().zip(&at).flat_map(|(axis, &i)| axis.assignments(i, base.stage.len()));
                let assignments: Vec<String> = assignments.chain([format!("seed={seed}")]).collect();
                let recipe = base.with(&assignments).map_err(|e| Error::from(e).during(format!("cell {said}")))?;
                if let Some(other) = recipes.insert(recipe.to_toml(), said.clone()) {
                    return wrong(format!("cells {other} and {said} are the same; leave one of the values out"));
                }
                let mut name = said;
                if name.len() > LONGEST || !names.insert(name.to_lowercase()) {
                    name = format!("cell-{combination:04},seed={seed}");
                    names.insert(name.clone());
                }
                let group = name.strip_suffix(&format!("seed={seed}")).unwrap_or_default();
                let group = group.trim_end_matches(',').to_owned();
                cells.push(Cell { group, name, labels, seed, recipe });
            }
        }
        Ok(cells)
    }

    /// The last part of each axis' key, or all of it where several end alike.
    pub fn short_keys(&self) -> Vec<String> {
        let last = |axis: &Axis| axis.key.rsplit('.').next().unwrap_or_default().to_owned();
        let alike = |short: &String| self.axis.iter().filter(|axis| last(axis) == *short).count() > 1;
        let short = |axis: &Axis| Some(last(axis)).filter(|short| !alike(short)).unwrap_or_else(|| clean(&axis.key));
        self.axis.iter().map(short).collect()
    }
}

fn wrong<T>(message: String) -> Result<T> {
    Err(Error::Grid(message))
}

/// Lists of values by dotted key, from tables within tables.
fn flatten(prefix: &str, table: Table, axes: &mut Vec<Axis>) -> Result<()> {
    for (key, value) in table {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(table) => flatten(&key, table, axes)?,
            Value::Array(values) => axes.push(Axis::new(&key, values)?),
            other => return wrong(format!("`{key}`: expected a list of values, found {other}")),
        }
    }
    Ok(())
}

/// A value as part of the name of a folder on any system.
fn clean(label: &str) -> String {
    label.chars().map(|c| if c.is_ascii_alphanumeric() || "._-+".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests;

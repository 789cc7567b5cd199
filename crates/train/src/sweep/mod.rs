//! Sweeps: a student for every cell of a grid over the recipe, measured alike, one after another.
//!
//! * `axis` and `grid` say which cells there are; `settings` keeps that, with what they are distilled from, in `sweep.toml`.
//! * `journal` keeps what became of each cell in `sweep.json`; `budget` estimates times and picks the next cell.
//! * `runner` trains a cell as `bitspike distil` does; `measure` packs and measures it.
//! * `results` makes `results.csv` and the table, seeds put together; `fronts` finds the Pareto
//!   fronts, `picture` draws them.

pub(crate) mod axis;
pub(crate) mod budget;
pub(crate) mod fronts;
pub(crate) mod grid;
pub(crate) mod journal;
mod measure;
mod picture;
pub(crate) mod results;
pub(crate) mod runner;
pub(crate) mod settings;

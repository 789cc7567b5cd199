//! Sweeps: a student for every cell of a grid over the recipe, measured alike, one after another.
//!
//! * `axis` and `grid` say which cells there are; `plan` keeps that, with what they are distilled from, in `sweep.toml`.
//! * `checked` loads what they are distilled from and checks every cell before the first one runs.
//! * `journal` keeps what became of each cell in `sweep.json`; `budget` estimates times and picks the next cell.
//! * `cell` trains a cell as any distillation, for `sweep` or apart from it; `measure` packs and measures it; `figures` are what it is measured for.
//! * `groups` puts seeds together; `fronts` finds the Pareto fronts; `tables` and `picture` write them.
//! * `outline` is how far a sweep is and what it found, as values; `observer` is who follows it.

mod axis;
mod budget;
mod cell;
mod checked;
mod figures;
mod fronts;
mod grid;
mod groups;
mod journal;
mod measure;
mod observer;
mod outline;
mod picture;
mod plan;
#[expect(clippy::module_inception, reason = "the sweep itself, beside its parts")]
mod sweep;
mod tables;

pub use axis::Axis;
pub use cell::train_apart;
pub use figures::{CellFigures, PackedStudent};
pub use grid::{Cell, Grid};
pub use groups::{Group, Spread};
pub use journal::Status;
pub use observer::{CellStart, SweepObserver};
pub use outline::{AxisOutline, CellOutline, Combination, Findings, Outline};
pub use plan::{Paths, SweepPlan};
pub use sweep::{Bounds, Request, Sweep, vacant};

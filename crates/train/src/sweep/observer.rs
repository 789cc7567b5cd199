//! Who follows a sweep.

use bitspike_run::progress::{Observer, Silent};

use super::outline::Outline;
use crate::error::Error;

/// Someone who follows a sweep: its cells, and the training within each as an [`Observer`].
pub trait SweepObserver: Observer {
    /// The sweep has its folder and begins, or goes on.
    fn begins(&mut self, _outline: &Outline) {}

    /// A cell is run now.
    fn cell(&mut self, _cell: &CellStart<'_>) {}

    /// A cell has failed, which is recorded, and the next one follows.
    fn failed(&mut self, _name: &str, _error: &Error) {}
}

impl SweepObserver for Silent {}

/// A cell that is run now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellStart<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number from 1, of so many.
    pub number: usize,
    /// See `number`.
    pub of: usize,
    /// Whether it was begun before.
    pub goes_on: bool,
    /// Seconds that it takes, as far as finished cells tell.
    pub seconds: Option<f64>,
    /// Seconds that it and all others still take.
    pub rest: f64,
}

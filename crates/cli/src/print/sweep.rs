//! A sweep on the terminal: its plan, its cells, its table.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bitspike::error::explain;
use bitspike_analysis::number::duration;
use bitspike_run::progress::{About, Event, Observer};
use bitspike_train::Error;
use bitspike_train::sweep::{CellStart, Outline, Status, SweepObserver};

use crate::live::Follower;
use crate::output::{say, warn};

/// Follows a sweep on standard error.
pub(crate) struct SweepView {
    /// What shows the training within a cell.
    pub(crate) follower: Follower,
    /// Whether failures alone are said.
    pub(crate) quiet: bool,
    /// The time that the sweep has, for its plan.
    pub(crate) max_time: Option<Duration>,
}

impl Observer for SweepView {
    fn on_run(&mut self, about: &About<'_>) -> io::Result<()> {
        self.follower.on_run(about)
    }

    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        self.follower.on_event(event)
    }
}

impl SweepObserver for SweepView {
    fn begins(&mut self, outline: &Outline) {
        if !self.quiet {
            say(plan(outline, false, self.max_time).trim_end());
        }
    }

    fn cell(&mut self, cell: &CellStart<'_>) {
        self.follower.close();
        if self.quiet {
            return;
        }
        let verb = if cell.goes_on { "going on with cell" } else { "cell" };
        let mut line = format!("sweep: {verb} {} of {}, {}", cell.number, cell.of, cell.name);
        if let Some(seconds) = cell.seconds {
            let _ = write!(line, ": about {}, all that is left about {}", duration(seconds), duration(cell.rest));
        }
        say(line);
    }

    fn failed(&mut self, name: &str, error: &Error) {
        self.follower.close();
        warn(format_args!("bitspike: cell {name} failed: {}", explain(error)));
    }
}

/// The plan: axes, cells (each of them if `list`), what is done, how long the rest takes.
pub(crate) fn plan(outline: &Outline, list: bool, max_time: Option<Duration>) -> String {
    let mut text = String::new();
    let sizes = outline.axes.iter().map(|axis| axis.values.len().to_string());
    let seeds = outline.seeds.len();
    let sizes = sizes.chain([format!("{seeds} {}", if seeds == 1 { "seed" } else { "seeds" })]);
    let product = sizes.collect::<Vec<_>>().join(" x ");
    let cells = outline.cells.len();
    let noun = if cells == 1 { "cell" } else { "cells" };
    let _ = writeln!(text, "{}: {cells} {noun} ({product})", outline.folder.display());
    for axis in &outline.axes {
        let _ = writeln!(text, "  {}: {}", axis.key, axis.values.join(", "));
    }
    let seeds: Vec<String> = outline.seeds.iter().map(u64::to_string).collect();
    let _ = writeln!(text, "  seeds: {}", seeds.join(", "));
    if list {
        let width = outline.cells.iter().map(|cell| cell.name.len()).max().unwrap_or(0);
        let _ = writeln!(text, "\n{:<width$} {:>9} {:>8} {:>10}", "cell", "status", "steps", "time left");
        for cell in &outline.cells {
            let time = cell.seconds_left.map_or_else(|| "?".to_owned(), duration);
            let _ = writeln!(text, "{:<width$} {:>9} {:>8} {time:>10}", cell.name, cell.status.name(), cell.steps);
        }
        text.push('\n');
    }
    let _ = write!(text, "{} of {cells} done", outline.count(Status::Finished));
    let failed = outline.count(Status::Failed);
    if failed > 0 {
        let _ = write!(text, ", {failed} failed (--retry-failed tries again)");
    }
    let _ = match outline.seconds_left {
        Some(rest) if rest > 0.0 => writeln!(text, "; about {} left", duration(rest)),
        Some(_) => writeln!(text),
        None => {
            let steps: u64 = outline.cells.iter().map(|cell| cell.steps).sum();
            writeln!(text, "; {steps} steps in all; times are known after the first cell")
        }
    };
    if let (Some(rest), Some(limit)) = (outline.seconds_left, max_time.map(|limit| limit.as_secs_f64()))
        && rest > limit
    {
        let _ = writeln!(text, "{} is enough for a part; --resume goes on with the rest", duration(limit));
    }
    text
}

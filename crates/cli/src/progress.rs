//! How far something is: one line on standard error that is written over until it is done.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use bitspike_analysis::number::{bytes, duration, grouped};

use crate::output::is_quiet;

/// Least time between two drawings.
const FRAME: Duration = Duration::from_millis(100);

/// Cells of the bar.
const BAR: usize = 24;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things of this name.
    Things(&'static str),
    /// Bytes, with their rate.
    Bytes,
}

/// A line that says how far something is and how long the rest takes; nothing where standard error is no terminal.
pub(crate) struct ProgressLine {
    label: String,
    unit: Unit,
    total: Option<u64>,
    /// Done before the clock began: it counts as done and not towards the rate.
    first: u64,
    done: u64,
    began: Instant,
    /// When it was last drawn; none where it is never drawn.
    drawn: Option<Instant>,
}

impl ProgressLine {
    /// A line about `total` of `unit`, or about an amount that is not known.
    pub(crate) fn new(label: impl Into<String>, unit: Unit, total: Option<u64>) -> Self {
        let drawn = (std::io::stderr().is_terminal() && !is_quiet()).then(|| Instant::now() - FRAME);
        Self { label: label.into(), unit, total, first: 0, done: 0, began: Instant::now(), drawn }
    }

    /// Whether anybody sees it.
    #[cfg(feature = "download")]
    pub(crate) fn is_shown(&self) -> bool {
        self.drawn.is_some()
    }

    /// Starts the clock anew with `done` that were there before.
    #[cfg(feature = "download")]
    pub(crate) fn restart(&mut self, done: u64) {
        (self.first, self.done, self.began) = (done, done, Instant::now());
    }

    /// So many are done, under a new label.
    pub(crate) fn label(&mut self, label: impl Into<String>, done: u64) {
        self.label = label.into();
        self.set(done);
    }

    /// So many are done.
    pub(crate) fn set(&mut self, done: u64) {
        self.done = done;
        if self.drawn.is_some_and(|drawn| drawn.elapsed() >= FRAME) {
            self.drawn = Some(Instant::now());
            let text = self.text();
            // A terminal that takes nothing more is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
        }
    }

    /// Says something on a line of its own and goes on.
    #[cfg(feature = "download")]
    pub(crate) fn note(&self, text: &str) {
        self.clear();
        crate::output::say(text);
    }

    fn clear(&self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }

    /// Seconds since the clock began.
    pub(crate) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// How far it is.
    pub(crate) fn text(&self) -> String {
        self.text_after(self.seconds())
    }

    fn text_after(&self, seconds: f64) -> String {
        let amount = |n: u64| if self.unit == Unit::Bytes { bytes(n) } else { grouped(n) };
        let rate = (self.done - self.first.min(self.done)) as f64 / seconds.max(1e-3);
        let mut text = self.label.clone();
        if let Some(total) = self.total {
            let filled = (BAR as u64 * self.done.min(total)).checked_div(total).unwrap_or(BAR as u64) as usize;
            text += &format!(" [{}{}] {}/", "#".repeat(filled), "-".repeat(BAR - filled), amount(self.done));
            text += &amount(total);
        } else {
            text += &format!(" {}", amount(self.done));
        }
        match self.unit {
            Unit::Things(name) => text += &format!(" {name}"),
            Unit::Bytes => text += &format!("  {}/s", bytes(rate as u64)),
        }
        match self.total {
            Some(total) if rate > 0.0 => {
                text += &format!(", {} left", duration(total.saturating_sub(self.done) as f64 / rate));
            }
            Some(_) => {}
            None => text += &format!("  {}", duration(seconds)),
        }
        text
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests;

//! How far a fetch is: bars on a terminal, lines elsewhere. All of it goes to standard error, so that standard output holds
//! nothing but the result.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two lines of a file where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// One file's line on a terminal.
const BAR: &str =
    "{wide_msg} {bar:14} {decimal_bytes:>9}/{decimal_total_bytes} {decimal_bytes_per_sec:>11} {eta:>4} left";

/// Where progress is shown.
pub(crate) struct Progress {
    terminal: bool,
}

impl Progress {
    /// Bars if standard error is a terminal, lines if not.
    pub(crate) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    /// One line about the whole fetch.
    pub(crate) fn note(&self, text: &str) {
        line(text);
    }

    /// Starts showing one file of `size` bytes, of which `have` are here from an earlier fetch.
    pub(super) fn file(&self, name: &str, size: u64, have: u64) -> FileProgress {
        let bar = self.terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr()).with_position(have);
            if let Ok(style) = ProgressStyle::with_template(BAR) {
                bar.set_style(style);
            }
            bar.set_message(name.to_owned());
            bar.reset_eta();
            bar
        });
        if bar.is_none() {
            let rest = if have > 0 { format!(", of which {} are here", bytes(have)) } else { String::new() };
            line(&format!("fetching {name}, {}{rest}", bytes(size)));
        }
        let now = Instant::now();
        FileProgress { bar, name: name.to_owned(), size, first: have, have, begun: now, shown: now }
    }
}

/// One file's progress.
pub(super) struct FileProgress {
    bar: Option<ProgressBar>,
    name: String,
    size: u64,
    /// Bytes that were here before; they do not count towards the rate.
    first: u64,
    have: u64,
    begun: Instant,
    shown: Instant,
}

impl FileProgress {
    /// `have` bytes are here now.
    pub(super) fn set(&mut self, have: u64) {
        self.have = have;
        match &self.bar {
            Some(bar) => bar.set_position(have),
            None if self.shown.elapsed() >= LINE_INTERVAL => {
                self.shown = Instant::now();
                line(&progress_line(&self.name, have, self.size, self.rate()));
            }
            None => {}
        }
    }

    /// Says something about this file and goes on.
    pub(super) fn note(&self, text: &str) {
        let text = format!("{}: {text}", self.name);
        match &self.bar {
            Some(bar) => bar.suspend(|| line(&text)),
            None => line(&text),
        }
    }

    /// The file starts from its first byte again.
    pub(super) fn restart(&mut self, text: &str) {
        self.note(text);
        (self.first, self.begun) = (0, Instant::now());
        self.set(0);
    }

    /// The file is complete.
    pub(super) fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        line(&format!("fetched {}, {} in {seconds:.1} s", self.name, bytes(self.size)));
    }

    fn rate(&self) -> f64 {
        self.have.saturating_sub(self.first) as f64 / self.begun.elapsed().as_secs_f64().max(1e-3)
    }
}

/// A number of bytes for people: `1.2 MB` is 1,200,000, as networks and shops count.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

fn progress_line(name: &str, have: u64, size: u64, rate: f64) -> String {
    let percent = 100.0 * have as f64 / size.max(1) as f64;
    let left = (size.saturating_sub(have)) as f64 / rate.max(1.0);
    format!("{name}: {percent:.0} % of {}, {}/s, {left:.0} s left", bytes(size), bytes(rate as u64))
}

/// A closed standard error is no reason to stop a fetch.
fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_a_template_that_indicatif_knows() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }

    #[test]
    fn numbers_for_people() {
        for (count, text) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (3_110_000, "3.1 MB"), (90_868_376_000, "90.87 GB")]
        {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(progress_line("m", 25_000_000, 100_000_000, 5e6), "m: 25 % of 100.0 MB, 5.0 MB/s, 15 s left");
        assert_eq!(progress_line("m", 0, 0, 0.0), "m: 0 % of 0 B, 0 B/s, 0 s left");
    }
}

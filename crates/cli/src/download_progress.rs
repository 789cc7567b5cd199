//! How far a fetch is: bars on a terminal, lines elsewhere. All of it goes to standard error, so that standard output holds
//! nothing but the result.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use bitspike_hub::Progress;
use bitspike_hub::fetch::bytes;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two lines of a file where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// One file's line on a terminal.
const BAR: &str =
    "{wide_msg} {bar:14} {decimal_bytes:>9}/{decimal_total_bytes} {decimal_bytes_per_sec:>11} {eta:>4} left";

/// Shows a fetch, one file at a time.
pub(crate) struct DownloadProgress {
    terminal: bool,
    file: RefCell<FileProgress>,
}

/// The file that is being fetched.
struct FileProgress {
    bar: Option<ProgressBar>,
    /// Bytes that were here before; they do not count towards the rate.
    first: u64,
    begun: Instant,
    shown: Instant,
}

impl DownloadProgress {
    /// Bars if standard error is a terminal, lines if not.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let file = FileProgress { bar: None, first: 0, begun: now, shown: now };
        Self { terminal: std::io::stderr().is_terminal(), file: file.into() }
    }

    /// Shows what happened.
    pub(crate) fn show(&self, progress: Progress<'_>) {
        let mut state = self.file.borrow_mut();
        match progress {
            Progress::Begin { file, size, have } => {
                let now = Instant::now();
                let bar = self.terminal.then(|| bar(file, size, have));
                if bar.is_none() {
                    let rest = if have > 0 { format!(", of which {} are here", bytes(have)) } else { String::new() };
                    line(&format!("fetching {file}, {}{rest}", bytes(size)));
                }
                *state = FileProgress { bar, first: have, begun: now, shown: now };
            }
            Progress::Have { file, size, have } => match &state.bar {
                Some(bar) => bar.set_position(have),
                None if state.shown.elapsed() >= LINE_INTERVAL => {
                    state.shown = Instant::now();
                    let seconds = state.begun.elapsed().as_secs_f64().max(1e-3);
                    line(&progress_line(file, have, size, have.saturating_sub(state.first) as f64 / seconds));
                }
                None => {}
            },
            Progress::Again { file, why } => {
                state.note(&format!("{file}: {why}"));
                (state.first, state.begun) = (0, Instant::now());
                state.bar.iter().for_each(|bar| bar.set_position(0));
            }
            Progress::Note { file, text } => {
                state.note(&file.map_or_else(|| text.to_owned(), |file| format!("{file}: {text}")));
            }
            Progress::End { file, size } => {
                state.bar.take().iter().for_each(ProgressBar::finish_and_clear);
                let seconds = state.begun.elapsed().as_secs_f64();
                line(&format!("fetched {file}, {} in {seconds:.1} s", bytes(size)));
            }
        }
    }
}

impl FileProgress {
    /// Says something and goes on.
    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| line(text)),
            None => line(text),
        }
    }
}

fn bar(file: &str, size: u64, have: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr()).with_position(have);
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    bar.set_message(file.to_owned());
    bar.reset_eta();
    bar
}

fn progress_line(name: &str, have: u64, size: u64, rate: f64) -> String {
    let percent = 100.0 * have as f64 / size.max(1) as f64;
    let left = (size.saturating_sub(have)) as f64 / rate.max(1.0);
    format!("{name}: {percent:.0} % of {}, {}/s, {left:.0} s left", bytes(size), bytes(rate as u64))
}

/// A closed standard error is no reason to stop a fetch.
pub(crate) fn line(text: &str) {
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
        assert_eq!(progress_line("m", 25_000_000, 100_000_000, 5e6), "m: 25 % of 100.0 MB, 5.0 MB/s, 15 s left");
        assert_eq!(progress_line("m", 0, 0, 0.0), "m: 0 % of 0 B, 0 B/s, 0 s left");
    }
}

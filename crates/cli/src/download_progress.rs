//! How far a fetch is: one line on a terminal, lines now and then elsewhere. All of it goes to standard error, so that standard
//! output holds nothing but the result.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use bitspike_analysis::number::bytes;
use bitspike_hub::Progress;

use crate::output::say;
use crate::progress::{ProgressLine, Unit};

/// Time between two lines of a file where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows a fetch, one file at a time.
pub(crate) struct DownloadProgress {
    file: RefCell<Option<FileProgress>>,
}

/// The file that is being fetched.
struct FileProgress {
    line: ProgressLine,
    /// When a line was written where there is no terminal.
    written: Instant,
}

impl DownloadProgress {
    pub(crate) fn new() -> Self {
        Self { file: RefCell::default() }
    }

    /// Shows what happened.
    pub(crate) fn show(&self, progress: Progress<'_>) {
        let mut state = self.file.borrow_mut();
        match progress {
            Progress::Begin { file, size, have } => {
                let mut shown = ProgressLine::new(file, Unit::Bytes, Some(size));
                shown.restart(have);
                if !shown.is_shown() {
                    let rest = if have > 0 { format!(", of which {} are here", bytes(have)) } else { String::new() };
                    say(format_args!("fetching {file}, {}{rest}", bytes(size)));
                }
                *state = Some(FileProgress { line: shown, written: Instant::now() });
            }
            Progress::Have { have, .. } => {
                let Some(FileProgress { line: shown, written }) = state.as_mut() else { return };
                shown.set(have);
                if !shown.is_shown() && written.elapsed() >= LINE_INTERVAL {
                    *written = Instant::now();
                    say(shown.text());
                }
            }
            Progress::Again { file, why } => {
                note(state.as_ref(), &format!("{file}: {why}"));
                state.iter_mut().for_each(|file| file.line.restart(0));
            }
            Progress::End { file, size } => {
                let seconds = state.take().map_or(0.0, |file| file.line.seconds());
                say(format_args!("fetched {file}, {} in {seconds:.1} s", bytes(size)));
            }
            Progress::Note { file: Some(file), text } => note(state.as_ref(), &format!("{file}: {text}")),
            Progress::Note { file: None, text } => note(state.as_ref(), text),
        }
    }
}

fn note(file: Option<&FileProgress>, text: &str) {
    match file {
        Some(file) => file.line.note(text),
        None => say(text),
    }
}

//! What a training run shows while it runs: a live view on a terminal, plain lines elsewhere.
//!
//! Both follow the events of [`bitspike_run::progress`] and write to standard error, which leaves standard output to
//! results. Neither ever stops a run: what cannot be shown is dropped.
//!
//! * `board` folds events into what is known of the run; `view` draws it; `screen` holds the terminal and puts it back.
//! * `follower` gives each of several runs its display.
//! * `plain` turns events into lines, also into the summary that stays on the terminal after a live view.

mod board;
mod chart;
mod follower;
mod plain;
#[cfg(test)]
mod sample;
mod screen;
mod theme;
mod thread;
mod view;

use std::io::{self, IsTerminal};
use std::sync::atomic::AtomicBool;

use bitspike_run::progress::{Event, Observer};

use crate::output;
pub(crate) use follower::Follower;
use plain::Plain;
pub(crate) use screen::restore_terminal;

/// How a run shows its progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Display {
    /// The live view if standard error is a terminal that can show it, plain lines otherwise.
    #[default]
    Auto,
    /// The live view.
    Live,
    /// Plain lines.
    Plain,
    /// Warnings and errors alone.
    Quiet,
}

/// What a display needs beside the events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// The recipe in one line, such as `ternary, 6 layers, T=16, signed, batch 32`.
    pub(crate) summary: String,
    /// What it runs on, such as `cpu, 2 threads`.
    pub(crate) device: String,
    /// Steps between plain lines; `None` for a fiftieth of the run. A line follows after 10 s at the latest.
    pub(crate) every: Option<u64>,
    /// Earlier events of a resumed run, from which the live view starts.
    pub(crate) history: Vec<Event>,
    /// Set by the handler of signals; the live view then says that the run is about to stop.
    pub(crate) interrupted: Option<&'static AtomicBool>,
}

/// The display for `choice`.
///
/// A live view holds the screen until [`Event::End`], or until it is dropped, and then leaves a summary in plain lines.
/// It leaves Ctrl-C to the process: the terminal is not put in raw mode. Where there is no terminal fit for it,
/// [`Display::Live`] falls back to plain lines and says why.
pub(crate) fn observer(choice: Display, setup: Setup) -> Box<dyn Observer> {
    let plain = |quiet: bool| Plain::new(io::stderr(), colour(), quiet, &setup);
    let unfit = match if output::is_quiet() { Display::Quiet } else { choice } {
        Display::Quiet => return Box::new(plain(true)),
        Display::Plain => return Box::new(plain(false)),
        Display::Auto | Display::Live => screen::unfit(),
    };
    let reason = match unfit {
        Some(reason) => reason,
        None => match thread::LiveView::start(setup.clone(), theme::Theme { colour: colour(), unicode: unicode() }) {
            Ok(view) => return Box::new(view),
            Err(error) => error.to_string(),
        },
    };
    let mut plain = plain(false);
    if choice == Display::Live {
        plain.line(&format!("warning: no live view: {reason}; progress follows line by line"));
    }
    Box::new(plain)
}

/// Whether to use colour on standard error: on a terminal, unless `NO_COLOR` is set to anything (no-color.org).
fn colour() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !set("NO_COLOR") && !dumb()
}

/// Whether the terminal says of itself that it understands no control sequences.
fn dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether the terminal shows characters beyond ASCII, by the first locale variable that is set. The Linux console
/// does, but has no Braille in its font.
fn unicode() -> bool {
    let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default().to_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    cfg!(windows) || (utf8 && value("TERM").is_none_or(|term| term != "linux"))
}

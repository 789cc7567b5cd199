//! What is printed: results on standard output, everything else on standard error.
//!
//! A reader that goes away, such as `head`, ends a command without a word; it is no failure of ours. A closed standard error
//! ends nothing.

use std::fmt::Display;
use std::io::{ErrorKind, Result, Write};
use std::sync::atomic::{AtomicBool, AtomicI8, Ordering};

use serde::Serialize;

static CLOSED: AtomicBool = AtomicBool::new(false);
static LEVEL: AtomicI8 = AtomicI8::new(0);

/// Standard output, which remembers that its reader has left.
#[derive(Debug)]
pub(crate) struct Stdout;

impl Stdout {
    /// Whether the reader of standard output has left.
    pub(crate) fn is_closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }
}

fn noted<T>(result: Result<T>) -> Result<T> {
    if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        CLOSED.store(true, Ordering::Relaxed);
    }
    result
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        noted(std::io::stdout().write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        noted(std::io::stdout().flush())
    }
}

/// Prints `value` as JSON for programs, or lets `print` write it for people.
///
/// # Errors
/// If standard output takes no more.
pub(crate) fn show<T: Serialize>(
    value: &T,
    json: bool,
    print: impl FnOnce(&T, &mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut text = Vec::new();
    if json {
        writeln!(text, "{}", serde_json::to_string_pretty(value)?)?;
    } else {
        print(value, &mut text)?;
    }
    Ok(put(&text)?)
}

/// Prints `text` as it is.
///
/// # Errors
/// If standard output takes no more.
pub(crate) fn put(text: &[u8]) -> Result<()> {
    let mut out = Stdout;
    out.write_all(text)?;
    out.flush()
}

/// How much is said beside results: -1 for warnings and errors alone, 1 for what was chosen and found too.
pub(crate) fn set_level(level: i8) {
    LEVEL.store(level, Ordering::Relaxed);
}

/// Whether nothing but warnings and errors is to be said.
pub(crate) fn is_quiet() -> bool {
    LEVEL.load(Ordering::Relaxed) < 0
}

/// Says a warning or an error.
pub(crate) fn warn(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says something that `--quiet` leaves out.
pub(crate) fn say(line: impl Display) {
    if !is_quiet() {
        warn(line);
    }
}

/// Says something that only `--verbose` brings.
pub(crate) fn detail(line: impl Display) {
    if LEVEL.load(Ordering::Relaxed) > 0 {
        warn(line);
    }
}

/// Warns that a student never spikes: what it costs then means nothing.
pub(crate) fn warn_silent(what: &impl Display) {
    warn(format_args!(
        "warning: {what} is silent: no neuron sent a spike, so that every answer is the same; its thresholds are too high for its \
         weights"
    ));
}

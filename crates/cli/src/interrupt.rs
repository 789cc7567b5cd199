//! Ctrl-C, termination and hang-up: the first asks the running training to save and stop, a later one ends the process at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// A terminal that closes sends its hang-up twice, from the shell and from the system, and a service manager a hang-up behind its
/// termination: what follows this soon is the same request.
const SAME: Duration = Duration::from_secs(1);

/// Starts listening and returns the flag that an interrupt sets.
///
/// # Errors
/// If the operating system refuses a handler.
pub(crate) fn listen() -> anyhow::Result<&'static AtomicBool> {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    ctrlc::set_handler(|| {
        let first = *FIRST.get_or_init(Instant::now);
        if REQUESTED.swap(true, Ordering::SeqCst) && first.elapsed() > SAME {
            #[cfg(feature = "train")]
            crate::live::restore_terminal();
            std::process::exit(130);
        }
    })?;
    Ok(&REQUESTED)
}

/// The flag that an interrupt sets.
pub(crate) fn flag() -> &'static AtomicBool {
    &REQUESTED
}

/// Whether the user asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

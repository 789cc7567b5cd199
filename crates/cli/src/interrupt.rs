//! Ctrl-C and termination: the first asks the running training to save and stop, the second ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Starts listening and returns the flag that an interrupt sets.
///
/// # Errors
/// If the operating system refuses a handler.
pub(crate) fn listen() -> anyhow::Result<&'static AtomicBool> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
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

//! The terminal as the live view holds it, and how it is put back whatever happens.
//!
//! The view is on the alternate screen, so that what was on the terminal comes back afterwards. Typed keys are not
//! echoed, which would write into the view; apart from that the terminal stays in its usual mode, so that Ctrl-C and
//! Ctrl-Z reach the process as signals, and other keys do nothing. What was typed is thrown away when the screen is
//! given back, lest the shell take it for a command.

use std::io::{self, BufWriter, IsTerminal, Stderr, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::terminal::{
    self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

/// Time between two complete redraws, which repair what another process wrote over the view.
const REPAIR: Duration = Duration::from_secs(10);

/// How long giving the screen back waits for a frame that is being drawn.
const PATIENCE: Duration = Duration::from_millis(100);

/// The screen that is held now, for the panic hook and [`restore_terminal`].
static HELD: Mutex<Option<Arc<Guard>>> = Mutex::new(None);

/// Why standard error cannot show a live view; `None` if it can.
pub(super) fn unfit() -> Option<String> {
    if !io::stderr().is_terminal() {
        return Some("standard error is not a terminal".to_owned());
    }
    match std::env::var_os("TERM") {
        None if cfg!(unix) => return Some("TERM is not set".to_owned()),
        Some(term) if term == "dumb" => return Some("TERM is dumb".to_owned()),
        _ => {}
    }
    if !mode::foreground() {
        return Some("the process runs in the background".to_owned());
    }
    match terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => None,
        Ok(_) => Some("the terminal has no size".to_owned()),
        Err(error) => Some(format!("the size of the terminal is unknown: {error}")),
    }
}

/// Gives the terminal back if a live view holds it: for a caller about to end the process without unwinding.
pub(crate) fn restore_terminal() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(guard) = held {
        guard.leave();
    }
}

/// What it takes to give the screen back, shared with the panic hook.
struct Guard {
    active: AtomicBool,
    /// Held while a frame is drawn.
    drawing: Mutex<()>,
    mode: mode::Saved,
}

impl Guard {
    /// Gives the screen back, once. A panic inside of drawing comes here too, so this may not wait for the frame.
    fn leave(&self) {
        if !self.active.swap(false, Ordering::SeqCst) {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let _frame = loop {
            match self.drawing.try_lock() {
                Ok(frame) => break Some(frame),
                Err(TryLockError::Poisoned(frame)) => break Some(frame.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => break None,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
            }
        };
        // The terminal may be gone; there is nobody left to tell.
        let _ = execute!(io::stderr(), EndSynchronizedUpdate, Show, LeaveAlternateScreen);
        self.mode.restore();
    }
}

/// The terminal while the live view holds it; dropping it gives it back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stderr>>>,
    guard: Arc<Guard>,
    repaired: Instant,
    foreground: bool,
}

impl Screen {
    /// Takes the screen.
    ///
    /// # Errors
    /// When the terminal refuses; it is as before then.
    pub(super) fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let next = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore_terminal();
                next(panic);
            }));
        });
        let guard = Guard { active: AtomicBool::new(true), drawing: Mutex::new(()), mode: mode::Saved::silence()? };
        let guard = Arc::new(guard);
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard.clone());
        let taken = execute!(io::stderr(), EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stderr()))));
        match taken {
            Ok(terminal) => Ok(Self { terminal, guard, repaired: Instant::now(), foreground: true }),
            Err(error) => {
                restore_terminal();
                Err(error)
            }
        }
    }

    /// Draws a frame, unless the screen has been given back meanwhile or belongs to another job now.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        let _frame = self.guard.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        let returned = !self.foreground;
        self.foreground = mode::foreground();
        if !self.guard.active.load(Ordering::SeqCst) || !self.foreground {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        if returned {
            queue!(self.terminal.backend_mut(), EnterAlternateScreen, Hide)?;
            self.guard.mode.silence_again();
        }
        if returned || self.repaired.elapsed() >= REPAIR {
            self.repaired = Instant::now();
            // Unlike `clear`, this does not ask the terminal for its cursor, whose answer nobody would read.
            let size = self.terminal.size()?;
            self.terminal.resize(Rect::from((ratatui::layout::Position::ORIGIN, size)))?;
        }
        self.terminal.draw(render)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // What a failed frame left in the buffer must not follow on the normal screen; where the terminal still takes
        // it, it goes to the alternate one.
        let _ = self.terminal.backend_mut().flush();
        self.guard.leave();
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, &self.guard)) {
            *held = None;
        }
    }
}

#[cfg(unix)]
mod mode {
    //! Echo, and who owns the terminal.

    use std::io;

    use rustix::process::getpgrp;
    use rustix::stdio::stderr;
    use rustix::termios::{self, LocalModes, OptionalActions, Termios};

    /// Whether the process belongs to the job that the terminal is with. One in the background would be stopped by the
    /// kernel for changing the terminal's mode.
    pub(super) fn foreground() -> bool {
        termios::tcgetpgrp(stderr()).is_ok_and(|owner| owner == getpgrp())
    }

    /// The mode before the view.
    pub(super) struct Saved(Termios);

    impl Saved {
        /// Turns echo off.
        pub(super) fn silence() -> io::Result<Self> {
            let saved = Self(termios::tcgetattr(stderr())?);
            saved.set_silent()?;
            Ok(saved)
        }

        /// The same after a shell had the terminal in between. Echo would be ugly, but not worth failing.
        pub(super) fn silence_again(&self) {
            let _ = self.set_silent();
        }

        fn set_silent(&self) -> io::Result<()> {
            let mut silent = self.0.clone();
            silent.local_modes -= LocalModes::ECHO;
            Ok(termios::tcsetattr(stderr(), OptionalActions::Now, &silent)?)
        }

        /// Restores the mode and throws away what was typed.
        pub(super) fn restore(&self) {
            if foreground() {
                let _ = termios::tcsetattr(stderr(), OptionalActions::Flush, &self.0);
            }
        }
    }
}

#[cfg(not(unix))]
mod mode {
    //! Elsewhere the mode is left alone and every process may draw.

    pub(super) fn foreground() -> bool {
        true
    }

    pub(super) struct Saved;

    impl Saved {
        pub(super) fn silence() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn silence_again(&self) {}

        pub(super) fn restore(&self) {}
    }
}

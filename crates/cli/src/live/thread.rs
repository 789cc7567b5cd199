//! The thread that draws the live view.
//!
//! The training thread only copies each event into a queue; folding and drawing happen here, so a slow or stopped
//! terminal never holds training up.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use bitspike_run::progress::{Event, Observer};

use super::Setup;
use super::board::{Board, printable};
use super::plain::{Plain, farewell};
use super::screen::Screen;
use super::theme::Theme;
use super::view::{Context, draw};

/// Least time between two frames.
const FRAME: Duration = Duration::from_millis(200);

/// Time after which a frame is drawn without news, for the clocks and the size of the terminal.
const IDLE: Duration = Duration::from_secs(1);

/// Shows a run on the whole terminal until its end.
pub(super) struct LiveView {
    /// The drawing thread, until the screen has been given back.
    drawing: Option<(Sender<Event>, JoinHandle<()>)>,
    /// For what happens after that.
    after: Plain<io::Stderr>,
}

impl LiveView {
    /// Takes the screen and starts to draw.
    ///
    /// # Errors
    /// When the terminal or the thread is refused.
    pub(super) fn start(setup: Setup, theme: Theme) -> io::Result<Self> {
        let after = Plain::new(io::stderr(), theme.colour, false, &Setup::default());
        let screen = Screen::enter()?;
        let (sender, events) = channel();
        let thread = Builder::new().name("live view".to_owned()).spawn(move || run(screen, &events, &setup, theme))?;
        Ok(Self { drawing: Some((sender, thread)), after })
    }

    /// Gives the screen back, with the summary on it when this returns.
    fn close(&mut self) {
        if let Some((sender, thread)) = self.drawing.take() {
            drop(sender);
            // A panic of the drawing thread has been reported by the hook, and is no reason to lose the run.
            let _ = thread.join();
        }
    }
}

impl Observer for LiveView {
    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        let Some((sender, _)) = &self.drawing else { return self.after.on_event(event) };
        // If the thread is gone, the run goes on unseen until its end.
        let unseen = sender.send(event.clone()).is_err();
        if unseen || matches!(event, Event::End { .. }) {
            self.close();
        }
        if unseen { self.after.on_event(event) } else { Ok(()) }
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.close();
    }
}

/// Folds and draws until the events end, then leaves the summary.
fn run(mut screen: Screen, events: &Receiver<Event>, setup: &Setup, theme: Theme) {
    let mut board = Board::default();
    setup.history.iter().for_each(|event| board.fold(event));
    let mut context = Context {
        summary: printable(&setup.summary),
        device: printable(&setup.device),
        since: 0.0,
        interrupted: false,
    };
    let (mut changed, mut drawn) = (Instant::now(), None::<Instant>);
    let mut news = true;
    loop {
        let next = drawn.map_or(Instant::now(), |drawn| drawn + if news { FRAME } else { IDLE });
        // Never long: nothing but the flag says that a run is about to stop.
        match events.recv_timeout(next.saturating_duration_since(Instant::now()).min(FRAME)) {
            Ok(event) => {
                board.fold(&event);
                (changed, news) = (Instant::now(), true);
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let interrupted = setup.interrupted.is_some_and(|flag| flag.load(Ordering::Relaxed));
        if interrupted == context.interrupted && Instant::now() < next {
            continue;
        }
        context.since = changed.elapsed().as_secs_f64();
        context.interrupted = interrupted;
        // A terminal that refuses a frame may take the next one.
        let _ = screen.draw(|frame| draw(frame, &board, &context, theme));
        (drawn, news) = (Some(Instant::now()), false);
    }
    drop(screen);
    let text: String = farewell(&board, theme.colour).iter().map(|line| format!("{line}\n")).collect();
    // As for every display, what cannot be shown is dropped.
    let _ = io::stderr().write_all(text.as_bytes());
}

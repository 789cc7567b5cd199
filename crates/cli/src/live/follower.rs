//! One display for several runs, one after another.

use std::io;

use bitspike_run::progress::{About, Event, Observer};

use super::{Display, Setup, observer};

/// Shows each run that it hears of in a display of its own.
pub(crate) struct Follower {
    choice: Display,
    device: String,
    shown: Option<Box<dyn Observer>>,
}

impl Follower {
    /// Shows runs as `choice` says; `device` is what they run on.
    pub(crate) fn new(choice: Display, device: impl Into<String>) -> Self {
        Self { choice, device: device.into(), shown: None }
    }

    /// On all threads of the processor.
    pub(crate) fn on_cpu(choice: Display) -> Self {
        Self::new(choice, format!("CPU, {} threads", rayon::current_num_threads()))
    }

    /// Gives the screen back.
    pub(crate) fn close(&mut self) {
        self.shown = None;
    }
}

impl Observer for Follower {
    fn on_run(&mut self, about: &About<'_>) -> io::Result<()> {
        // The display before is closed first: two do not share a screen.
        self.close();
        let (summary, history) = (about.summary.to_owned(), about.history.to_vec());
        let (device, interrupted) = (self.device.clone(), Some(crate::interrupt::flag()));
        let setup = Setup { summary, history, device, interrupted, ..Setup::default() };
        self.shown = Some(observer(self.choice, setup));
        Ok(())
    }

    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        self.shown.as_mut().map_or(Ok(()), |shown| shown.on_event(event))
    }
}

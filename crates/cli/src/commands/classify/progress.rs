//! How far a stream is, for a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use bitspike_data::answers::Progress;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on standard error; none where that is not a terminal.
pub(super) struct ProgressLine {
    bar: Option<ProgressBar>,
}

impl ProgressLine {
    /// Shows the progress of an input of `size` bytes; of one whose size is not known only how many texts are done.
    pub(super) fn new(wanted: bool, size: Option<u64>) -> Self {
        let bar = (wanted && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
            let template = match size {
                Some(_) => "{bar:24} {percent:>3} %  {msg} texts  {elapsed}, {eta} left",
                None => "{spinner} {msg} texts  {elapsed}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { bar }
    }

    /// Shows how many texts are done and, where the size of the input is known, up to which byte it is read.
    pub(super) fn show(&self, progress: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_message(HumanCount(progress.texts).to_string());
            if bar.length().is_some() {
                bar.set_position(progress.position);
            }
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

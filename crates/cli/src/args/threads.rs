//! `--threads`

use anyhow::{Context, Result};

/// How many threads a command computes with.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Threads {
    /// Threads to compute with, up to 1024; 0 takes all cores
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
}

impl Threads {
    /// Starts them, once for the process.
    ///
    /// # Errors
    /// If the system has none to give.
    pub(crate) fn start(self) -> Result<()> {
        if self.threads == 0 {
            // The pool starts with all cores when it is first needed.
            return Ok(());
        }
        rayon::ThreadPoolBuilder::new().num_threads(self.threads.into()).build_global().context("start the threads")
    }
}

/// One of several numbers of threads to measure with; 0 takes all cores.
pub(crate) fn number(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Ok(std::thread::available_parallelism().map_or(1, Into::into)),
        Ok(number) if number <= 1024 => Ok(number),
        _ => Err("expected 0 to 1024".to_owned()),
    }
}

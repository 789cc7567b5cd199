//! `--threads`

use anyhow::{Context, Result, bail};

/// How many threads a command computes with.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Threads {
    /// Threads to compute with; 0 takes all cores
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
}

impl Threads {
    /// Starts them, once for the process.
    ///
    /// # Errors
    /// If there are too many, or the system has none to give.
    pub(crate) fn start(self) -> Result<()> {
        if self.threads > 1024 {
            bail!("--threads: expected 0 to 1024, found {}", self.threads);
        }
        rayon::ThreadPoolBuilder::new().num_threads(self.threads).build_global().context("start the threads")
    }
}

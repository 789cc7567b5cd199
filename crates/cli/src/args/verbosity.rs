//! `--quiet`, `--verbose`

use crate::output;

/// How much is said beside results.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Verbosity {
    /// Say nothing but warnings and errors on standard error
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = "Everywhere", display_order = 1000)]
    quiet: bool,
    /// Say what was chosen and found: program, kernels, threads, model, time
    #[arg(long, short, global = true, help_heading = "Everywhere", display_order = 1001)]
    verbose: bool,
}

impl Verbosity {
    /// Says no more and no less from here on.
    pub(crate) fn apply(self) {
        output::set_level(i8::from(self.verbose) - i8::from(self.quiet));
    }
}

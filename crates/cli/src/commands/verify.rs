//! `bitspike verify`

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike_analysis::shipped::verify;

use crate::args::{CheckpointArgs, Threads};
use crate::output::show;
use crate::print::verify::print;

/// Compute a shipped model's figures again and compare
///
/// They are compared with the model's `metrics.json`. Hashes, scores, firing rates and every count of spikes and operations must be the same; what differs is listed, and the exit code
/// is then 1. The data may be in another form than the one that was measured, as long as it holds the same examples.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike verify sst2-tiny --data SST-2\n  \
    bitspike verify models/sst2-ternary --data SST-2 --json")]
pub(crate) struct VerifyArgs {
    /// The model: a name, its folder or its file
    model: PathBuf,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: VerifyArgs) -> Result<()> {
    args.threads.start()?;
    let subject = CheckpointArgs::default().resolve(&args.model)?;
    let Some(model) = subject.packed() else {
        bail!("{subject}: expected a shipped model, found a run or a teacher, which have no figures to compare with");
    };
    let verified = verify(model, &args.data)?;
    show(&verified, args.json, print)?;
    match verified.failure() {
        Some(failure) => bail!(failure),
        None => Ok(()),
    }
}

//! `bitspike inspect`

use std::path::PathBuf;

use anyhow::Result;
use bitspike_analysis::inspect::inspect;

use crate::args::CheckpointArgs;
use crate::output::show;
use crate::print::inspect::print;

/// Show what a packed model is and what it takes
///
/// Prints the configuration, precision, scales and zeros of every tensor, and sizes beside f32.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bitspike inspect sst2.safetensors")]
pub(crate) struct InspectArgs {
    /// The model: a name (see `bitspike models`), a packed file, or the folder of a run, whose student is packed in memory
    model: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: InspectArgs) -> Result<()> {
    let subject = args.checkpoint.resolve(&args.model)?;
    let contents = inspect(&subject.to_string(), &subject.open()?);
    show(&contents, args.json, |contents, out| {
        print(contents, out)?;
        Ok(())
    })
}

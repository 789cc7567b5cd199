//! `bitspike inspect`

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::models::find;
use crate::packed::{Contents, print};

/// Show what a packed model is and what it takes: configuration, precision, scales and zeros of every tensor, sizes beside f32.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bitspike inspect sst2.safetensors")]
pub(crate) struct InspectArgs {
    /// The packed model: a name (see `bitspike models`) or a file
    model: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: InspectArgs) -> Result<()> {
    let found = find(&args.model)?;
    let contents = Contents::new(&found.to_string(), &found.open()?);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&contents)?)?;
    } else {
        print(&contents, &mut out)?;
    }
    Ok(out.flush()?)
}

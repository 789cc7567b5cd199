//! `bitspike data`: what tasks there are, what a folder of data holds, and how to get it.

mod check;
#[cfg(feature = "download")]
mod fetch;
mod list;

use std::io::{ErrorKind, Write};

use anyhow::Result;

/// List tasks, check data, fetch tasks and models.
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DataCommand {
    /// List the tasks that are known by name
    List(list::ListArgs),
    /// Inspect a folder of data: counts, labels, lengths, the first bad line
    Check(check::CheckArgs),
    #[cfg(feature = "download")]
    /// Fetch a GLUE task or a model from the Hugging Face hub, and print its folder
    Fetch(fetch::FetchArgs),
}

/// Runs `bitspike data`.
///
/// # Errors
/// If a folder or the hub does not hold what is asked for, or a split cannot be used; see the subcommands.
pub(crate) fn run(args: DataArgs) -> Result<()> {
    match args.command {
        DataCommand::List(args) => list::run(&args),
        DataCommand::Check(args) => check::run(&args),
        #[cfg(feature = "download")]
        DataCommand::Fetch(args) => fetch::run(&args),
    }
}

/// Writes to standard output; a reader that has left (`| head`) is no error.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

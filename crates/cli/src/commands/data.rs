//! `bitspike data`: what tasks there are, what a folder of data holds, and how to get it.

mod check;
#[cfg(feature = "download")]
mod fetch;
mod list;

use anyhow::Result;

/// List tasks, check data, fetch tasks and models
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DataCommand {
    List(list::ListArgs),
    Check(check::CheckArgs),
    #[cfg(feature = "download")]
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

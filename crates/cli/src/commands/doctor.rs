//! `bitspike doctor`

use anyhow::Result;
use bitspike_analysis::doctor::Machine;

use crate::output::show;
use crate::print::doctor::print;

/// Show this machine: devices, kernels, threads, memory, caches, and what is slow about it
///
/// Measures the kernels on one core too, which takes about a second.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bitspike doctor --json")]
pub(crate) struct DoctorArgs {
    /// Leave out the rates of the kernels
    #[arg(long)]
    no_kernels: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: DoctorArgs) -> Result<()> {
    show(&Machine::look(!args.no_kernels), args.json, print)
}

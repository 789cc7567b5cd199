//! `bitspike quickstart`: the whole path on a corpus made on the spot.

use std::path::PathBuf;

use anyhow::Result;
use bitspike_train::quickstart::Quickstart;

use crate::args::Threads;
use crate::live::{self, Follower};
use crate::output::show;
use crate::print::quickstart::print;

/// Everything in one go, without a download: write a corpus of sentences whose sentiment depends on word order, train a small
/// teacher on it, distil students at 32, 1.58 and 1 bit, and print one table.
///
/// Takes under 150 seconds on two cores.
#[derive(Debug, clap::Args)]
pub(crate) struct QuickstartArgs {
    /// Folder for the corpus, the teacher and the students; an earlier quickstart in it is replaced
    #[arg(long, value_name = "DIR", default_value = "runs/quickstart")]
    out: PathBuf,
    /// Seed of corpus, teacher and students
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Print the table as JSON on standard output
    #[arg(long)]
    json: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t)]
    display: live::Display,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: QuickstartArgs) -> Result<()> {
    args.threads.start()?;
    let stop = crate::interrupt::listen()?;
    let quickstart = Quickstart { out: &args.out, seed: args.seed, train: 10_000, dev: 1_000, stop };
    match quickstart.run(&mut Follower::new(args.display, "CPU"))? {
        Some(found) => show(&found, args.json, |found, out| print(found, &args.out, out)),
        None => Ok(()),
    }
}

//! `bitspike quickstart`: the whole path on a corpus made on the spot.

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike_train::quickstart::Quickstart;

use crate::args::Threads;
use crate::live::{self, Follower};
use crate::output::show;
use crate::print::quickstart::print;

/// Everything in one go, without a download: corpus, teacher, three students, one table
///
/// Writes a corpus of sentences whose sentiment depends on word order, trains a small teacher on it, distils students at 32, 1.58
/// and 1 bit, and prints one table. Takes under 150 seconds on two cores.
#[derive(Debug, clap::Args)]
pub(crate) struct QuickstartArgs {
    /// Folder for the corpus, the teacher and the students; unless given, `runs/quickstart`, where an earlier quickstart is
    /// replaced
    #[arg(long, alias = "output", short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier quickstart in the folder of --out; nothing else is replaced
    #[arg(long)]
    force: bool,
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
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("runs/quickstart"));
    if args.out.is_some() && !args.force && out.join("quickstart.json").exists() {
        bail!("--out {}: holds an earlier quickstart; give --force to replace it, or another folder", out.display());
    }
    let quickstart = Quickstart { out: &out, seed: args.seed, train: 10_000, dev: 1_000, stop };
    match quickstart.run(&mut Follower::new(args.display, "CPU"))? {
        Some(found) => show(&found, args.json, |found, to| print(found, &out, to)),
        None => Ok(()),
    }
}

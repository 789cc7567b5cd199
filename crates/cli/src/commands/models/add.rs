//! `bitspike models add`: from a finished run to a folder to ship.

use std::path::PathBuf;

use anyhow::Result;
use bitspike_analysis::shipped::{AddOptions, Addition};
use bitspike_hub::{MODEL, is_name};

use crate::args::{CheckpointName, ClassArgs, PackingArgs};
use crate::output::{say, show};
use crate::trained::ScoredTeacher;

/// Make a folder to ship of a finished run: packed, measured, with its card
///
/// Packs the student, scores it with the engine, counts its spikes, times it, and writes
/// `model.safetensors`, `recipe.toml`, `metrics.json` and the card `README.md`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    bitspike models add runs/sst2 --name sst2-ternary --data SST-2 --origins models/cards.toml --teacher teachers/sst2 \\\n    \
    --trits --seeds-of runs/sst2-43 runs/sst2-44")]
pub(super) struct AddArgs {
    /// Folder of the run
    run: PathBuf,
    /// What the model is called; its folder gets the name
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: String,
    /// Folder (or file) with the task's data, whose dev set is scored
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// TOML file that says whose data and teacher it is of, and what its limits are
    #[arg(long, value_name = "FILE")]
    origins: PathBuf,
    /// Folder of the teacher, to be scored on the same dev set
    #[arg(long, value_name = "DIR")]
    teacher: Option<PathBuf>,
    #[command(flatten)]
    classes: ClassArgs,
    /// Runs of the same recipe with other seeds, for mean and deviation
    #[arg(long, value_name = "RUN", num_args = 1..)]
    seeds_of: Vec<PathBuf>,
    /// Folder that holds the models
    #[arg(long = "out", alias = "output", short, value_name = "DIR", default_value = "models")]
    output: PathBuf,
    /// Which student of the run; the last one, unless given, as the best was chosen by the figures that the card shows
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = CheckpointName::Last)]
    checkpoint: CheckpointName,
    #[command(flatten)]
    packing: PackingArgs,
    /// Do not time it
    #[arg(long)]
    no_latency: bool,
    /// Replace a model of that name
    #[arg(long)]
    force: bool,
    /// Print its `metrics.json`
    #[arg(long)]
    json: bool,
}

fn name(text: &str) -> Result<String, String> {
    let expected = || "expected letters, digits, `-`, `_` and `.`, such as sst2-ternary".to_owned();
    is_name(text).then(|| text.to_owned()).ok_or_else(expected)
}

pub(super) fn run(args: AddArgs) -> Result<()> {
    let addition = Addition::begin(AddOptions {
        run: args.run,
        name: args.name,
        data: args.data.clone(),
        origins: args.origins,
        seeds_of: args.seeds_of,
        output: args.output,
        checkpoint: args.checkpoint.into(),
        packing: args.packing.into(),
        latency: !args.no_latency,
        force: args.force,
    })?;
    let teacher = args.teacher.as_deref();
    let teacher = teacher
        .map(|folder| ScoredTeacher::on_dev(folder, addition.header(), &args.data, None, args.classes.map.as_ref()))
        .transpose()?;
    if let (Some(note), Some(folder)) = (teacher.as_ref().and_then(ScoredTeacher::note), &args.teacher) {
        say(format_args!("--teacher {}: {note}", folder.display()));
    }
    let metrics = addition.ship(teacher.as_ref().map(ScoredTeacher::answers).as_ref())?;
    let bytes: u64 = metrics.measured.files.get(MODEL).map_or(0, |file| file.bytes);
    show(&metrics, args.json, |metrics, out| {
        let (folder, metric) = (addition.folder().display(), &metrics.measured.primary);
        Ok(writeln!(out, "{folder}: {metric} {:.4}, {bytes} bytes", metrics.score())?)
    })
}

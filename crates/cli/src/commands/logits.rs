//! `bitspike logits`

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike::Options;
use bitspike_analysis::predict::predict;
use bitspike_data::{Labels, Predictions, TaskSpec, encode, load_with};
use bitspike_train::soft;
use bitspike_train::trained::Trained;

use crate::args::limit::at_most;
use crate::args::{CheckpointArgs, ClassArgs, SplitName, TaskArgs, Threads, vacant};
use crate::output::{say, warn};

/// Write what a teacher says of every example, for students to learn from
///
/// A row an example: `digest`, the SHA-256 of its texts, and `logit_CLASS` for each class of the task, or `score`. `bitspike distil
/// --soft-labels` learns from such a table, whoever made it: another framework, a far larger model, the mean of several.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike logits teachers/sst2 --task sst2 --data SST-2 --out soft.parquet\n  \
    bitspike distil --recipe sst2 --task sst2 --data SST-2 --teacher minilm --soft-labels soft.parquet --out runs/sst2")]
pub(crate) struct LogitsArgs {
    /// The teacher: a folder, or a name on the hub's cache; a run or a packed model will do
    model: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    classes: ClassArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Split whose examples are answered
    #[arg(long, value_enum, value_name = "SPLIT", default_value = "train")]
    split: SplitName,
    /// The table: .csv, .tsv, .jsonl or .parquet
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Replace it if it is there
    #[arg(long)]
    force: bool,
    /// Tokens kept of an example; unless given, what the model was trained with (teachers: 128)
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// Use at most N examples, the first ones of the split; 0 takes all
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: &LogitsArgs) -> Result<()> {
    args.threads.start()?;
    vacant("--out", &args.out, args.force)?;
    let subject = args.checkpoint.resolve(&args.model)?;
    let task = match (args.task.is_given(), subject.task()?) {
        (false, Some(task)) => task,
        _ => args.task.resolve(&args.data)?,
    };
    if task.target.is_embedding() {
        bail!("{subject}: task {} is of vectors, which have no logits; `bitspike embed` writes vectors", task.name);
    }
    let mut dataset = load_with(&task, &args.data, args.split.into(), Labels::Optional)?;
    dataset.examples.truncate(at_most(args.limit));
    dataset.notes.iter().for_each(|note| say(format_args!("note: {note}")));
    let max_length = subject.max_length(args.max_length)?;
    let predictions: Predictions =
        match Trained::open(&subject, &task, args.classes.map.as_ref(), &mut |note| say(note))? {
            Some(trained) => {
                trained.notes().iter().for_each(|note| warn(format_args!("note: {note}")));
                trained.predict(&encode(&dataset, trained.tokenizer(), max_length))?.0
            }
            None => {
                let model = subject.model(&Options::new())?;
                let map = args.classes.said_of(&subject, &TaskSpec::of_model(model.task())?, &task)?;
                let model = if map.is_identity() { model } else { model.in_class_order(map.outputs())? };
                predict(&model, &encode(&dataset, model.tokenizer(), max_length))?
            }
        };
    if let Some(logit) = predictions.logits.iter().flatten().find(|logit| !logit.is_finite()) {
        bail!("{subject}: expected finite logits, found {logit}");
    }
    soft::write(&args.out, &task, &dataset, &predictions)?;
    say(format_args!("wrote {} ({} examples)", args.out.display(), dataset.examples.len()));
    Ok(())
}

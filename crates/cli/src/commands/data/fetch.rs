//! `bitspike data fetch`: a task or a model from the Hugging Face hub.

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike_data::GlueTask;

use crate::hub::{Hub, Listing, Progress, RepoKind, Repository, Settings, place};
use crate::models::{CARD, METRICS, MODEL, RECIPE, TOKENIZER};

/// The data set that holds GLUE as Parquet files, one folder a task.
const GLUE: &str = "nyu-mll/glue";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The cache and the hub are chosen by the variables that the hub's own tools use: HF_HUB_CACHE, HF_HOME, \
                        HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE."
)]
pub(super) struct FetchArgs {
    /// GLUE task: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte, wnli
    #[arg(value_name = "TASK", required_unless_present = "model", conflicts_with = "model")]
    task: Option<String>,
    /// Model, such as sentence-transformers/all-MiniLM-L6-v2
    #[arg(long, value_name = "OWNER/NAME")]
    model: Option<String>,
    /// Branch, tag or commit; a full commit hash that is in the cache needs no network
    #[arg(long, value_name = "REVISION", default_value = "main")]
    revision: String,
    /// Also copy the files into this folder; without it they stay in the cache
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace files in --out that have another content
    #[arg(long, requires = "out")]
    force: bool,
}

/// Fetches, and prints the folder alone on standard output, so that a script can use it.
pub(super) fn run(args: &FetchArgs) -> Result<()> {
    let progress = Progress::new();
    let (fetched, folder, next) = match (&args.model, &args.task) {
        (Some(model), _) => {
            let repository = Repository::new(RepoKind::Model, model)?;
            let hub = Hub::new(Settings::from_env()?, &progress)?;
            let fetched = hub.fetch(&repository, &args.revision, &model_files)?;
            let folder = fetched.folder.clone();
            (fetched, folder, String::new())
        }
        (None, Some(task)) => {
            let task = GlueTask::parse(task)?.name();
            let repository = Repository::new(RepoKind::Dataset, GLUE)?;
            let hub = Hub::new(Settings::from_env()?, &progress)?;
            let fetched = hub.fetch(&repository, &args.revision, &|listing| task_files(listing, task))?;
            let folder = fetched.folder.join(task);
            (fetched, folder, format!("; see what it holds: bitspike data check --task {task} DIR"))
        }
        (None, None) => bail!("give the name of a task, or --model OWNER/NAME"),
    };
    let folder = match &args.out {
        Some(out) => {
            place(&fetched, out, args.force)?;
            out.clone()
        }
        None => folder,
    };
    progress.note(&format!("{} files at commit {}{next}", fetched.files.len(), fetched.commit));
    super::print(&format!("{}\n", folder.display()))
}

/// The Parquet files of one task.
fn task_files(listing: &Listing, task: &str) -> Result<Vec<String>> {
    let prefix = format!("{task}/");
    let is_task = |path: &&str| path.starts_with(&prefix) && path.ends_with(".parquet");
    let files: Vec<String> = listing.paths().filter(is_task).map(str::to_owned).collect();
    let has = |split: &str| files.iter().any(|file| file[prefix.len()..].starts_with(split));
    for split in ["train", "validation"] {
        if !has(split) {
            bail!("dataset `{GLUE}` has no {prefix}{split}*.parquet at this revision; try --revision main");
        }
    }
    Ok(files)
}

/// What a BERT checkpoint needs: configuration, tokeniser, weights (safetensors rather than PyTorch's pickle, if there are
/// both). Of a model that bitspike packed, which has figures instead of a configuration, everything.
fn model_files(listing: &Listing) -> Result<Vec<String>> {
    let has = |name: &&str| listing.paths().any(|path| path == *name);
    if [MODEL, TOKENIZER, METRICS].iter().all(has) && !has(&"config.json") {
        let files = [MODEL, TOKENIZER, METRICS, RECIPE, CARD].into_iter().filter(has);
        return Ok(files.map(str::to_owned).collect());
    }
    let mut files: Vec<&str> = ["tokenizer.json", "vocab.txt"].into_iter().filter(has).collect();
    if files.is_empty() {
        bail!("the model has neither tokenizer.json nor vocab.txt; bitspike reads BERT-family checkpoints only");
    }
    if !has(&"config.json") {
        bail!(
            "the model has no config.json; bitspike reads checkpoints in the layout of Hugging Face transformers only"
        );
    }
    files.push("config.json");
    files.extend(["tokenizer_config.json", "special_tokens_map.json"].into_iter().filter(has));
    match ["model.safetensors", "pytorch_model.bin"].into_iter().find(has) {
        Some(weights) => files.push(weights),
        None if has(&"model.safetensors.index.json") => {
            bail!(
                "the model's weights are split over several files, which bitspike does not read; it is too large for it"
            )
        }
        None => bail!("the model has neither model.safetensors nor pytorch_model.bin"),
    }
    Ok(files.into_iter().map(str::to_owned).collect())
}

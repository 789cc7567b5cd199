//! `bitspike data fetch`: a task or a model from the Hugging Face hub.

use std::path::PathBuf;

use anyhow::Result;
use bitspike_data::GlueTask;
use bitspike_hub::{Hub, HubConfig};

use crate::args::{usage, wrong_value};
use crate::download_progress::DownloadProgress;
use crate::output::{put, say};

/// Fetch a GLUE task or a model from the Hugging Face hub, and print its folder
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
    #[arg(long, alias = "output", short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace files in --out that have another content
    #[arg(long, requires = "out")]
    force: bool,
}

/// Fetches, and prints the folder alone on standard output, so that a script can use it.
pub(super) fn run(args: &FetchArgs) -> Result<()> {
    let progress = DownloadProgress::new();
    let observe = |happened: bitspike_hub::Progress<'_>| progress.show(happened);
    let hub = || Ok::<_, bitspike_hub::Error>(Hub::new(HubConfig::from_env()?, &observe));
    let (fetched, next) = match (&args.model, &args.task) {
        (Some(model), _) => (hub()?.model(model, &args.revision)?, String::new()),
        (None, Some(task)) => {
            let task = GlueTask::parse(task).map_err(|error| wrong_value("TASK", &error))?;
            let next = format!("; see what it holds: bitspike data check --task {} DIR", task.name());
            (hub()?.task(task, &args.revision)?, next)
        }
        (None, None) => return Err(usage("give the name of a task, or --model OWNER/NAME")),
    };
    let folder = match &args.out {
        Some(out) => {
            fetched.copy_to(out, args.force)?;
            out
        }
        None => &fetched.folder,
    };
    say(format_args!("{} files at commit {}{next}", fetched.files.len(), fetched.commit));
    Ok(put(format!("{}\n", folder.display()).as_bytes())?)
}

//! `bitspike models`

mod add;

use anyhow::{Result, bail};
use bitspike_analysis::shipped::list;
use bitspike_hub::Registry;

use crate::output::show;
use crate::print::models::{markdown, print};

/// List the models that can be named, or make one of a run
///
/// Models are looked for in `models/` of the working folder and of its repository, beside the program, in the folders of the variable
/// BITSPIKE_MODELS, in the hub's cache, and in the program itself. Latencies are those that the models were shipped with.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  bitspike models\n  \
        bitspike models add runs/sst2 --name sst2-ternary --data SST-2 --origins models/cards.toml --teacher teachers/sst2"
)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a table in Markdown, beside teachers and what others report
    #[arg(long)]
    markdown: bool,
}

#[derive(Debug, clap::Subcommand)]
enum ModelsCommand {
    Add(Box<add::AddArgs>),
}

pub(crate) fn run(args: ModelsArgs) -> Result<()> {
    if let Some(ModelsCommand::Add(args)) = args.command {
        return add::run(*args);
    }
    let models = list(&Registry::from_env());
    show(&models, args.json, |models, out| {
        match (args.markdown, models.is_empty()) {
            (true, _) => markdown(models, out)?,
            (false, true) => writeln!(out, "no models; `bitspike models --help` says where they are looked for")?,
            (false, false) => print(models, out)?,
        }
        Ok(())
    })?;
    let errors: Vec<&str> = models.iter().filter_map(|model| model.error.as_deref()).collect();
    if !errors.is_empty() {
        bail!("{}", errors.join("; "));
    }
    Ok(())
}

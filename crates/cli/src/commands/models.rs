//! `bitspike models`

mod add;

use std::io::Write;

use anyhow::{Result, bail};

use crate::models::{Row, all, markdown, print};

/// List the models that can be named, or make one of a run.
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
    /// Make a folder to ship of a finished run: packed, measured, with its card
    Add(Box<add::AddArgs>),
}

pub(crate) fn run(args: ModelsArgs) -> Result<()> {
    if let Some(ModelsCommand::Add(args)) = args.command {
        return add::run(*args);
    }
    let rows: Vec<Row> = all().iter().map(Row::new).collect();
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
    } else if args.markdown {
        markdown(&rows, &mut out)?;
    } else if rows.is_empty() {
        writeln!(out, "no models; `bitspike models --help` says where they are looked for")?;
    } else {
        print(&rows, &mut out)?;
    }
    out.flush()?;
    let errors: Vec<&str> = rows.iter().filter_map(|row| row.error.as_deref()).collect();
    if !errors.is_empty() {
        bail!("{}", errors.join("; "));
    }
    Ok(())
}

//! `bitspike sweep`

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use bitspike::error::explain;
use bitspike_train::Error;
use bitspike_train::sweep::{Bounds, Grid, Paths, Request, Sweep, SweepPlan, vacant};

use super::distil::{Overrides, assignment};
use crate::args::{ClassArgs, TaskArgs, Threads, usage};
use crate::live::{Display, Follower};
use crate::output::{is_quiet, say, show};
use crate::print::sweep::{SweepView, plan};

/// Distil a student for every cell of a grid over the recipe, and compare them
///
/// All are measured alike, and the Pareto fronts drawn. Cells run one after another, each in its own run folder, all combinations with the first seed, then with the next. Whatever
/// ends a sweep, the same command with --resume goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike sweep --recipe sst2 --task sst2 --data SST-2 --teacher minilm-l6-sst2 --out sweeps/bits \\\n      \
    --over bits=1,1.58,32 --over rate_penalty=0,0.1,0.3 --seeds 1,2,3 --max-hours 3\n  \
    bitspike sweep --resume --out sweeps/bits\n  \
    bitspike sweep --grid grid.toml --recipe sst2 --task sst2 --data SST-2 --teacher minilm-l6-sst2 \\\n      \
    --from runs/sst2 --out sweeps/penalty --dry-run")]
pub(crate) struct SweepArgs {
    /// Recipe that the cells vary: a TOML file, or the name of one that is compiled in, such as `sst2`
    #[arg(long, value_name = "NAME|FILE")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    classes: ClassArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// Teacher: a Hugging Face BERT folder, fine-tuned on the task
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    teacher: Option<PathBuf>,
    /// Plain text for `general` stages, a paragraph a line
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// Learn from the answers of this table instead of the teacher's own: `bitspike logits` writes one, and others may (docs/distil.md).
    /// The teacher then need not know the task, and is not run where its hidden states and attention are not compared
    #[arg(long, value_name = "FILE")]
    soft_labels: Option<PathBuf>,
    /// Start every cell from the weights of this run's student, of the same shape, instead of the teacher's; of another task all but
    /// the classifier
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// Folder of the sweep
    #[arg(long, alias = "output", short, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    grid: GridArgs,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    bounds: BoundArgs,
    /// Go on with the sweep in the output folder; needs nothing else, and what else is given must be what it was started with
    #[arg(long)]
    resume: bool,
    /// With --resume, try cells again that have failed
    #[arg(long, requires = "resume")]
    retry_failed: bool,
    /// Check everything and print the plan, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the plan or what was found as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// What varies.
#[derive(Debug, clap::Args)]
struct GridArgs {
    /// A key of the recipe and its values: `--over student.weight_bits=1,1.58,32`, `--over stage.0.rate_penalty=0,0.1`. Every
    /// stage: `stage.*.epochs`. Short: bits, embedding_bits, granularity, layers, T, signed, batch_size, max_length, limit, epochs,
    /// learning_rate, rate_penalty
    #[arg(long, help_heading = "Grid", value_name = "KEY=V,V,..", value_parser = assignment)]
    over: Vec<String>,
    /// A grid in a file: `seeds = [1, 2]` and a table `[over]` with a list of values a key
    #[arg(long, help_heading = "Grid", value_name = "FILE")]
    grid: Option<PathBuf>,
    /// Seeds that every combination is trained with
    #[arg(long, help_heading = "Grid", value_name = "N,N,..", value_delimiter = ',')]
    seeds: Vec<u64>,
}

/// Limits and display.
#[derive(Debug, clap::Args)]
struct BoundArgs {
    /// Stop cleanly after this many hours; a cell in work keeps its checkpoint for --resume
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    max_hours: Option<f64>,
    /// End each cell after this many minutes of training and measure what it has
    #[arg(long, value_name = "MINUTES", value_parser = super::training::minutes)]
    cell_minutes: Option<f64>,
    /// Keep `last.safetensors` of finished cells: three times the size of the student
    #[arg(long)]
    keep_checkpoints: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t)]
    display: Display,
    #[command(flatten)]
    threads: Threads,
}

fn hours(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("expected a number of hours, found `{text}`"))?;
    if value > 0.0 && value <= 1e5 { Ok(value) } else { Err("expected more than 0 hours".to_owned()) }
}

impl GridArgs {
    fn is_given(&self) -> bool {
        !self.over.is_empty() || self.grid.is_some() || !self.seeds.is_empty()
    }
}

pub(crate) fn run(args: SweepArgs) -> Result<()> {
    args.bounds.threads.start()?;
    let stop = crate::interrupt::listen()?;
    let max_time = args.bounds.max_hours.map(|hours| Duration::from_secs_f64(hours * 3600.0));
    let cell_time = args.bounds.cell_minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let bounds = Bounds { max_time, cell_time, keep_checkpoints: args.bounds.keep_checkpoints };
    let mut sweep = if args.resume { resumed(&args)? } else { new(&args)? };
    if args.dry_run {
        return show(&sweep.outline(), args.json, |outline, out| Ok(write!(out, "{}", plan(outline, true, max_time))?));
    }
    let quiet = is_quiet() || args.bounds.display == Display::Quiet;
    let mut view = SweepView { follower: Follower::on_cpu(args.bounds.display), quiet, max_time };
    sweep.run(&bounds, stop, &mut view)?;
    drop(view);
    let found = sweep.findings();
    show(&found, args.json, |found, out| Ok(write!(out, "{}", found.table())?))?;
    let place = found.folder.display();
    if !quiet {
        let (done, total) = (found.finished, found.cells);
        say(format_args!("{done} of {total} cells done; results in {place}/results.csv, fronts in {place}/pareto.svg"));
        if done + found.failed.len() < total {
            say(format_args!("go on with `bitspike sweep --resume --out {place}`"));
        }
    }
    if !found.failed.is_empty() {
        let (count, total) = (found.failed.len(), found.cells);
        let names: Vec<&str> = found.failed.iter().map(String::as_str).take(3).collect();
        let more = if count > names.len() { ", .." } else { "" };
        bail!("{count} of {total} cells failed ({}{more}): see `error` in {place}/results.csv", names.join("; "));
    }
    Ok(())
}

/// A sweep as the command describes it.
fn new(args: &SweepArgs) -> Result<Sweep> {
    vacant(&args.out)?;
    let (Some(data), Some(teacher)) = (args.data.clone(), args.teacher.clone()) else {
        return Err(usage("give --data and --teacher, or --resume"));
    };
    let recipe = args.overrides.recipe(args.recipe.as_deref())?;
    let GridArgs { over, grid, seeds } = &args.grid;
    let from_file = grid.is_some();
    let grid = Grid::new(grid.as_deref(), over, seeds, &recipe).map_err(|error| misused(error, from_file))?;
    let fixed = args.overrides.assignments(recipe.stage.len());
    let task = args.task.resolve(&data)?;
    let inputs = Paths {
        teacher,
        data,
        corpus: args.corpus.clone(),
        soft_labels: args.soft_labels.clone(),
        from: args.from.clone(),
        map: args.classes.map.clone(),
    };
    Sweep::new(&args.out, Request { recipe, grid, inputs, task }, &fixed).map_err(|error| misused(error, from_file))
}

/// What is wrong with a grid is wrong usage where the command line alone says it.
fn misused(error: Error, from_file: bool) -> anyhow::Error {
    if matches!(error, Error::Grid(_)) && !from_file { usage(explain(&error)) } else { error.into() }
}

/// The sweep in the output folder. What the command does not say is as the folder says.
fn resumed(args: &SweepArgs) -> Result<Sweep> {
    let plan = SweepPlan::read(&args.out)?;
    let recipe = match &args.recipe {
        Some(path) => args.overrides.recipe(Some(path))?,
        None => plan.recipe.with(&args.overrides.assignments(plan.recipe.stage.len()))?,
    };
    let GridArgs { over, grid, seeds } = &args.grid;
    let grid = match args.grid.is_given() {
        true => Grid::new(grid.as_deref(), over, seeds, &recipe)?,
        false => plan.grid,
    };
    let inputs = Paths {
        teacher: args.teacher.clone().unwrap_or(plan.inputs.teacher),
        data: args.data.clone().unwrap_or(plan.inputs.data),
        corpus: args.corpus.clone().or(plan.inputs.corpus),
        soft_labels: args.soft_labels.clone().or(plan.inputs.soft_labels),
        from: args.from.clone().or(plan.inputs.from),
        map: args.classes.map.clone().or(plan.inputs.map),
    };
    let task = if args.task.is_given() { args.task.resolve(&inputs.data)? } else { plan.task };
    Ok(Sweep::resume(&args.out, Request { recipe, grid, inputs, task }, args.retry_failed)?)
}

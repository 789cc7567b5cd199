//! `bitspike sweep`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bitspike::format::Header;
use bitspike_data::TaskSpec;
use bitspike_train::distill::{Texts, same_shape};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{RunFolder, claim};

use super::distil::Overrides;
use super::task_args::TaskArgs;
use super::threads::Threads;
use crate::distillation::Inputs;
use crate::live::Display;
use crate::sweep::axis::no_contradiction;
use crate::sweep::budget::Effort;
use crate::sweep::grid::{Cell, Grid};
use crate::sweep::journal::{Journal, Status};
use crate::sweep::runner::{Bounds, Sweep, vacant};
use crate::sweep::settings::{FORMAT, Paths, Settings};
use crate::sweep::{fronts, results};

/// Distil a student for every cell of a grid over the recipe, measure them alike and draw the Pareto fronts.
///
/// Cells run one after another, each in its own run folder, all combinations with the first seed, then with the next. Whatever
/// ends a sweep, the same command with --resume goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike sweep --recipe recipes/sst2.toml --task sst2 --data SST-2 --teacher minilm-l6-sst2 --out sweeps/bits \\\n      \
    --over bits=1,1.58,32 --over rate_penalty=0,0.1,0.3 --seeds 1,2,3 --max-hours 3\n  \
    bitspike sweep --resume --out sweeps/bits\n  \
    bitspike sweep --grid grid.toml --recipe recipes/sst2.toml --task sst2 --data SST-2 --teacher minilm-l6-sst2 \\\n      \
    --from runs/sst2 --out sweeps/penalty --dry-run")]
pub(crate) struct SweepArgs {
    /// Recipe (TOML) that the cells vary; see the folder `recipes`
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    task: TaskArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    data: Option<PathBuf>,
    /// Teacher: a Hugging Face BERT folder, fine-tuned on the task
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    teacher: Option<PathBuf>,
    /// Plain text for `general` stages, a paragraph a line
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// Start every cell from the weights of this run's student, of the same shape, instead of the teacher's; of another task all but
    /// the classifier
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// Folder of the sweep
    #[arg(long, value_name = "DIR")]
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
}

/// What varies.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Grid")]
struct GridArgs {
    /// A key of the recipe and its values: `--over student.weight_bits=1,1.58,32`, `--over stage.0.rate_penalty=0,0.1`. Every
    /// stage: `stage.*.epochs`. Short: bits, embedding_bits, granularity, layers, T, signed, batch_size, max_length, limit, epochs,
    /// learning_rate, rate_penalty
    #[arg(long, value_name = "KEY=V,V,..")]
    over: Vec<String>,
    /// A grid in a file: `seeds = [1, 2]` and a table `[over]` with a list of values a key
    #[arg(long, value_name = "FILE")]
    grid: Option<PathBuf>,
    /// Seeds that every combination is trained with
    #[arg(long, value_name = "N,N,..", value_delimiter = ',')]
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
    let bounds = &args.bounds;
    bounds.threads.start()?;
    crate::interrupt::listen()?;
    let bounds = Bounds {
        max_time: bounds.max_hours.map(|hours| Duration::from_secs_f64(hours * 3600.0)),
        cell_minutes: bounds.cell_minutes,
        display: bounds.display,
        keep_checkpoints: bounds.keep_checkpoints,
    };
    let mut sweep = if args.resume { resumed(&args)? } else { new(&args)? };
    if args.dry_run {
        return Ok(write!(std::io::stdout().lock(), "{}", sweep.plan(true, bounds))?);
    }
    let _lock = claim(&sweep.folder)?;
    if !args.resume {
        // Looked at again, now that no other process can be about to do the same.
        vacant(&sweep.folder)?;
        sweep.settings.write(&sweep.folder)?;
    }
    sweep.journal.write(&sweep.folder)?;
    if bounds.display != Display::Quiet {
        eprint!("{}", sweep.plan(false, bounds));
    }
    sweep.run(bounds)?;
    finish(&sweep, bounds)
}

/// A sweep as the command describes it, checked.
fn new(args: &SweepArgs) -> Result<Sweep> {
    vacant(&args.out)?;
    let (Some(data), Some(teacher)) = (&args.data, &args.teacher) else {
        bail!("give --data and --teacher, or --resume");
    };
    let recipe = args.overrides.recipe(args.recipe.as_deref())?;
    let grid = Grid::new(args.grid.grid.as_deref(), &args.grid.over, &args.grid.seeds, &recipe)?;
    no_contradiction(&grid.axis, &args.overrides.assignments(recipe.stage.len()))?;
    let cells = grid.cells(&recipe)?;
    let paths =
        Paths { teacher: teacher.clone(), data: data.clone(), corpus: args.corpus.clone(), from: args.from.clone() };
    let checked = Checked::new(&paths, args.task.resolve(data)?, &cells)?;
    let settings = Settings {
        format: FORMAT.into(),
        inputs: paths.absolute()?,
        digest: checked.digest,
        task: checked.inputs.task.clone(),
        grid,
        recipe,
    };
    let journal = Journal::new(&cells, &steps(&checked.efforts));
    let Checked { inputs, efforts, .. } = checked;
    Ok(Sweep { folder: args.out.clone(), settings, inputs, from: paths.from, cells, efforts, journal })
}

/// The sweep in the output folder, once it is found to be the one that the command describes.
fn resumed(args: &SweepArgs) -> Result<Sweep> {
    let folder = &args.out;
    let settings = Settings::read(folder)?;
    let place = folder.display();
    let stages = settings.recipe.stage.len();
    let recipe = match &args.recipe {
        Some(path) => args.overrides.recipe(Some(path))?,
        None => settings.recipe.with(&args.overrides.assignments(stages))?,
    };
    if recipe != settings.recipe {
        bail!(
            "--resume goes on with the recipe in {place}, and this command asks for another; leave the changes out, or \
               start a new sweep in another --out"
        );
    }
    let grid = &args.grid;
    if grid.is_given() && Grid::new(grid.grid.as_deref(), &grid.over, &grid.seeds, &recipe)? != settings.grid {
        bail!(
            "--resume goes on with the grid in {place}, and this command asks for another; leave --over, --grid and --seeds \
               out, or start a new sweep in another --out"
        );
    }
    // What is given may lie elsewhere by now; that it is the same is checked below.
    let known = settings.inputs.clone();
    let paths = Paths {
        teacher: args.teacher.clone().unwrap_or(known.teacher),
        data: args.data.clone().unwrap_or(known.data),
        corpus: args.corpus.clone().or(known.corpus),
        from: args.from.clone().or(known.from),
    };
    if paths.corpus.is_some() != settings.inputs.corpus.is_some()
        || paths.from.is_some() != settings.inputs.from.is_some()
    {
        bail!("the sweep in {place} was started without the --corpus or --from that this command names; leave it out");
    }
    if args.task.is_given() && args.task.resolve(&paths.data)? != settings.task {
        bail!("--resume goes on with task {}, and this command names another", settings.task.name);
    }
    let cells = settings.grid.cells(&settings.recipe)?;
    let checked = Checked::new(&paths, settings.task.clone(), &cells)?;
    if checked.digest != settings.digest {
        bail!(
            "{} or {} (or the corpus, or the run to start from) does not hold what the sweep in {place} was started with; \
             give the same teacher and data, or start a new sweep in another --out",
            paths.teacher.display(),
            paths.data.display()
        );
    }
    let mut journal = Journal::read(folder, &cells, &steps(&checked.efforts))?;
    if args.retry_failed {
        for record in journal.cells.iter_mut().filter(|record| record.status == Status::Failed) {
            (record.status, record.error) = (Status::Pending, None);
        }
    }
    let Checked { inputs, efforts, .. } = checked;
    Ok(Sweep { folder: folder.clone(), settings, inputs, from: paths.from, cells, efforts, journal })
}

fn steps(efforts: &[Effort]) -> Vec<u64> {
    efforts.iter().map(|effort| effort.steps).collect()
}

/// What a sweep stands on, loaded and found to fit every cell.
struct Checked {
    inputs: Inputs,
    digest: String,
    efforts: Vec<Effort>,
}

impl Checked {
    fn new(paths: &Paths, task: TaskSpec, cells: &[Cell]) -> Result<Self> {
        let from = paths.from.as_deref().map(start).transpose()?;
        let inputs = Inputs::load(&paths.teacher, &paths.data, paths.corpus.as_deref(), task)?;
        let (mut efforts, mut texts, mut digest) = (Vec::new(), None, None);
        for cell in cells {
            let effort = Self::cell(&inputs, cell, &mut texts, from.as_ref());
            efforts.push(effort.with_context(|| format!("cell {}", cell.name))?);
            if let (None, Some((_, texts))) = (&digest, &texts) {
                digest = Some(paths.digest(texts)?);
            }
        }
        Ok(Self { inputs, digest: digest.context("the grid has no cells")?, efforts })
    }

    /// Checks one cell; `texts` are those of the cell before with their length.
    fn cell(
        inputs: &Inputs,
        cell: &Cell,
        texts: &mut Option<(usize, Texts)>,
        from: Option<&RunFolder>,
    ) -> Result<Effort> {
        let length = cell.recipe.data.max_length;
        if texts.as_ref().is_none_or(|(read, _)| *read != length) {
            let whole = Recipe {
                data: bitspike_run::recipe::DataRecipe { limit: 0, ..cell.recipe.data.clone() },
                ..cell.recipe.clone()
            };
            *texts = Some((length, inputs.texts(&whole)?));
        }
        let (_, texts) = texts.as_ref().expect("read above");
        let config = inputs.check(&cell.recipe, texts)?;
        if texts.dev.is_empty() {
            bail!("the dev split has no examples to score on");
        }
        if let Some(from) = from {
            same_shape(from, &config)?;
        }
        if config.feedback.is_none() {
            let (student, task) = (config.clone(), inputs.task.clone());
            Header { student, task, max_length: length }.validate().context("the student could not be packed")?;
        }
        Ok(Effort::new(&cell.recipe, &config, texts))
    }
}

/// The run to start from, with a checkpoint.
fn start(path: &Path) -> Result<RunFolder> {
    let run = RunFolder::open(path)?;
    if !run.best().exists() && !run.last().exists() {
        bail!("{}: the run to start from has written no checkpoint yet", path.display());
    }
    Ok(run)
}

/// The table, and what remains to do.
fn finish(sweep: &Sweep, bounds: Bounds) -> Result<()> {
    sweep.publish()?;
    let groups = results::groups(&sweep.cells, &sweep.journal);
    let mut out = std::io::stdout().lock();
    if !groups.is_empty() {
        let keys = sweep.settings.grid.short_keys();
        write!(out, "{}", results::table(&groups, &keys, &fronts::marks(&groups)))?;
    }
    out.flush()?;
    let count = |status| sweep.journal.count(status);
    let (total, finished, failed) = (sweep.cells.len(), count(Status::Finished), count(Status::Failed));
    let place = sweep.folder.display();
    if bounds.display != Display::Quiet {
        eprintln!("{finished} of {total} cells done; results in {place}/results.csv, fronts in {place}/pareto.svg");
        if finished + failed < total {
            eprintln!("go on with `bitspike sweep --resume --out {place}`");
        }
    }
    if failed > 0 {
        let names: Vec<&str> = sweep
            .journal
            .cells
            .iter()
            .filter(|record| record.status == Status::Failed)
            .map(|record| record.name.as_str())
            .take(3)
            .collect();
        let more = if failed > names.len() { ", .." } else { "" };
        bail!("{failed} of {total} cells failed ({}{more}): see `error` in {place}/results.csv", names.join("; "));
    }
    Ok(())
}

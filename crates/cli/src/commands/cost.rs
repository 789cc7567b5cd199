//! `bitspike cost`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bitspike::config::BertConfig;
use bitspike::forward::{Dynamics, Simulation};
use bitspike_analysis::energy::Profile;
use bitspike::model::{Model, Options};
use bitspike::format::{Packed, Packing};
use bitspike_data::{self, Split};
use bitspike::count::DenseShape;
use bitspike_data::encode;
use bitspike_run::run::{Checkpoint, RunFolder};
use serde::Serialize;

use super::task_args::TaskArgs;
use super::threads::Threads;
use crate::cost::{Cost, Request, measure, print};
use crate::models::find;
use crate::packed::FromRun;

/// Count what a student computes on a dev set, and what that costs in energy beside its teacher and a quantised network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike cost sst2-ternary --data SST-2\n  \
    bitspike cost runs/sst2 --data SST-2 --dynamics accumulated --timesteps 16 --profile 45nm-integer\n  \
    bitspike cost sst2-ternary --data SST-2 --profile my-chip.toml --json\n\n\
    docs/energy.md defines every figure.")]
pub(crate) struct CostArgs {
    /// The model: a name, a packed file, or the folder of a run
    model: PathBuf,
    #[command(flatten)]
    task: TaskArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The dynamics: `phased`, `accumulated` or `instantaneous`
    #[arg(long, value_name = "D", default_value = "phased")]
    dynamics: Dynamics,
    /// Time steps, instead of those that the model was trained with
    #[arg(long, value_name = "T")]
    timesteps: Option<u32>,
    /// Constants: 45nm, 45nm-integer, neuromorphic, or a TOML file of one's own
    #[arg(long, value_name = "NAME|FILE", default_value = "45nm")]
    profile: String,
    /// Folder of the teacher, which is then the baseline; unless given, a BERT of the student's own shape is
    #[arg(long, value_name = "DIR")]
    teacher: Option<PathBuf>,
    /// Count the first N examples only
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct Printed {
    task: String,
    split: &'static str,
    metrics: BTreeMap<String, f64>,
    #[serde(flatten)]
    cost: Cost,
}

pub(crate) fn run(args: CostArgs) -> Result<()> {
    args.threads.start()?;
    let profile = profile(&args.profile)?;
    let teacher = args.teacher.as_deref().map(shape).transpose()?;
    let (name, model) = open(&args)?;
    let header = model.header();
    let task = if args.task.is_given() { args.task.resolve(&args.data)? } else { header.task.clone() };
    if task.num_outputs() != header.student.num_labels {
        bail!("{name} has {} outputs, task {} has {}", header.student.num_labels, task.name, task.num_outputs());
    }
    let dataset = bitspike_data::load(&task, &args.data, Split::Dev)?;
    let labelled = dataset.is_labelled();
    let mut examples = encode(&dataset, model.tokenizer(), header.max_length);
    examples.truncate(args.limit.unwrap_or(examples.len()));
    if examples.is_empty() {
        bail!("{}: no examples to count", args.data.display());
    }
    let teacher = teacher.map(|teacher| DenseShape { num_labels: header.student.num_labels, ..teacher });
    let request = Request { model: &model, name: &name, examples: &examples, profile: &profile, teacher };
    let (cost, predictions) = measure(&request)?;
    let metrics = if labelled { predictions.score(&task, &examples)? } else { BTreeMap::new() };
    let mut out = std::io::stdout().lock();
    if args.json {
        let printed = Printed { task: task.name.clone(), split: Split::Dev.name(), metrics, cost };
        writeln!(out, "{}", serde_json::to_string_pretty(&printed)?)?;
    } else {
        print(&cost, &mut out)?;
        for (metric, value) in metrics {
            writeln!(out, "{metric} {value:.4} on {} {}", task.name, Split::Dev.name())?;
        }
    }
    Ok(out.flush()?)
}

/// The profile of that name, or of that file.
pub(crate) fn profile(name: &str) -> Result<Profile> {
    let path = Path::new(name);
    let is_file = path.extension().is_some() || path.components().count() > 1;
    Ok(if is_file { Profile::load(path)? } else { Profile::named(name)? })
}

/// What the folder of a BERT says of its shape.
///
/// # Errors
/// If its `config.json` is missing or bad.
pub(crate) fn shape(folder: &Path) -> Result<DenseShape> {
    let config = BertConfig::load(folder)?;
    Ok(DenseShape {
        hidden: config.hidden_size,
        intermediate: config.intermediate_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        num_labels: 2,
    })
}

/// The model with the simulation asked for, and what to call it.
fn open(args: &CostArgs) -> Result<(String, Model)> {
    let simulation = |time_steps| Simulation::new(args.dynamics, args.timesteps.unwrap_or(time_steps));
    let options = |time_steps| Options { simulation: Some(simulation(time_steps)), ..Options::default() };
    if args.model.join("model.json").exists() {
        let folder = RunFolder::open(&args.model)?;
        let FromRun { file, tokenizer, header, .. } = FromRun::pack(&folder, Checkpoint::Best, Packing::default())?;
        let model = Model::of(Packed::from_bytes(file)?, tokenizer, &options(header.student.time_steps))?;
        return Ok((args.model.display().to_string(), model));
    }
    let found = find(&args.model)?;
    let time_steps = found.open()?.header().student.time_steps;
    Ok((found.name().to_owned(), found.load(&options(time_steps))?))
}

//! `bitspike cost`

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike::Options;
use bitspike::config::BertConfig;
use bitspike::error::explain;
use bitspike::forward::{Dynamics, ExitRule};
use bitspike::neuron::Code;
use bitspike_analysis::cost::{CostOptions, measure};
use bitspike_analysis::examples::{EncodedSplit, dev_share};
use bitspike_analysis::teacher::shape;
use bitspike_data::TaskSpec;

use crate::args::limit::at_most;
use crate::args::simulation::{parse_rule, time_steps};
use crate::args::{CheckpointArgs, ClassArgs, TaskArgs, Threads, profile};
use crate::output::{say, show, warn_silent};
use crate::print::cost::{NeuroBenchResults, print, print_neurobench};
use crate::trained::int8_products;

/// Count what a student computes and what it costs in energy, beside its teacher
///
/// Operations are counted on a dev set, and priced beside the teacher and a quantised network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike cost sst2-ternary --data SST-2\n  \
    bitspike cost runs/sst2 --data SST-2 --dynamics accumulated --timesteps 16 --profile 45nm-integer\n  \
    bitspike cost sst2-ternary --data SST-2 --profile my-chip.toml --json\n  \
    bitspike cost sst2-ternary --data SST-2 --as neurobench\n\n\
    docs/energy.md defines every figure.")]
pub(crate) struct CostArgs {
    /// The model: a name, a packed file, or the folder of a run
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
    /// The dynamics: `phased`, `accumulated` or `instantaneous`
    #[arg(long, value_name = "D", default_value = "phased")]
    dynamics: Dynamics,
    /// Time steps, instead of those that the model was trained with
    #[arg(long, alias = "time-steps", value_name = "T", value_parser = time_steps())]
    timesteps: Option<u32>,
    /// Stop a sentence when its answer is settled (accumulated, instantaneous), and count it to there:
    /// `margin=2,change=0.5,patience=2,min=3`, each part optional
    #[arg(long, value_name = "RULE", value_parser = parse_rule)]
    exit: Option<ExitRule>,
    /// How counts are handed on (phased): `unary`, `digits` or `naf`; `single` of a student whose counts are powers of two. Unless
    /// given, as the student was trained to
    #[arg(long, value_name = "CODE")]
    code: Option<Code>,
    /// Constants: 45nm, 45nm-integer, neuromorphic, or your own TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "45nm")]
    profile: String,
    /// Folder of the teacher, which is then the baseline; unless given, a BERT of the student's own shape is
    #[arg(long, value_name = "DIR")]
    teacher: Option<PathBuf>,
    /// Use at most N examples, the first ones of the split; 0 takes all
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    /// Print what another counter would: `neurobench`, of the encoder's matrices as linear layers that receive spikes step by step
    #[arg(long = "as", value_name = "COUNTER")]
    counter: Option<OtherCounter>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

/// Programs that count operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OtherCounter {
    /// NeuroBench
    Neurobench,
}

pub(crate) fn run(args: CostArgs) -> Result<()> {
    args.threads.start()?;
    let profile = profile(&args.profile)?;
    let teacher = args.teacher.as_deref().map(BertConfig::load).transpose()?.map(|config| shape(&config));
    let subject = args.checkpoint.resolve(&args.model)?;
    let mut options = Options::new().dynamics(args.dynamics);
    if let Some(code) = args.code {
        options = options.code(code);
    }
    if let Some(time_steps) = args.timesteps {
        options = options.time_steps(time_steps);
    }
    if let Some(rule) = args.exit {
        options = options.exit(rule);
    }
    let model = subject.model(&options)?;
    let own = TaskSpec::of_model(model.task())?;
    let task = match args.task.is_given() {
        true => args.task.resolve(&args.data)?,
        false => own.clone(),
    };
    // Nothing is scored, but another task's texts are not what the model was made to count on.
    args.classes.said_of(&subject, &own, &task)?;
    let mut split = EncodedSplit::dev(&model, &task, &args.data, dev_share(&subject, &args.data)?)?;
    split.truncate(at_most(args.limit));
    if split.examples.is_empty() {
        bail!("{}: no examples to count", args.data.display());
    }
    let int8 = args.teacher.as_deref().and_then(|folder| {
        let found = int8_products(folder, &split.examples);
        found
            .map_err(|error| {
                say(format_args!(
                    "note: the teacher's zeros are not counted: {}",
                    explain(anyhow::Error::from(error).as_ref())
                ))
            })
            .ok()
    });
    let priced = CostOptions { profile: &profile, teacher, int8, codes: args.counter.is_none() };
    let (cost, _) = measure(&model, &subject.name(), &split, &priced)?;
    if cost.is_silent() {
        warn_silent(&subject);
    }
    match args.counter {
        Some(OtherCounter::Neurobench) => show(&NeuroBenchResults::of(&cost.neurobench), args.json, print_neurobench),
        None => show(&cost, args.json, print),
    }
}

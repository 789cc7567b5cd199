//! `bitspike eval`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bitspike::model;
use bitspike::format::{Packed, Packing};
use bitspike_data::{self, Split, TaskSpec, write_predictions, write_submission};
use bitspike::count::Operations;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::encode;
use bitspike_train::evaluate::{Predictions, predict_student, predict_teacher};
use bitspike_train::feedback::LoopSummary;
use bitspike_train::parity::{Parity, compare, predict_packed};
use bitspike_run::run::RunFolder;
use bitspike_train::teacher::Teacher;
use burn::tensor::Device;
use serde::Serialize;

use super::eval_in_time::{self, InTimeArgs, TimeScore};
use super::pack::CheckpointName;
use super::task_args::TaskArgs;
use super::threads::Threads;
use crate::cost::{Counts, NeuroBench, print_operations};
use crate::models::{MODEL, find};
use crate::packed::FromRun;

/// Score a student (a run's folder), a packed model (a name or a file) or a teacher (a Hugging Face folder) on a task.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike eval runs/sst2 --data SST-2\n  \
    bitspike eval runs/rte --data RTE --split test --submission .\n  \
    bitspike eval sst2/model.safetensors --data SST-2 --against runs/sst2\n  \
    bitspike eval runs/sst2 --data SST-2 --dynamics phased,accumulated --timesteps 1,2,4,8,16,32,64,128\n  \
    bitspike eval runs/sst2 --data SST-2 --dynamics accumulated --timesteps 32 --exit margin=2,patience=2")]
pub(crate) struct EvalArgs {
    /// Folder of the run, packed model by its name or file, or folder of a teacher
    run: PathBuf,
    /// Which student of a run
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    checkpoint: CheckpointName,
    /// Compare a packed model with the run that it was packed from: every spike count, logit and label
    #[arg(long, value_name = "RUN")]
    against: Option<PathBuf>,
    #[command(flatten)]
    task: TaskArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Splits to score; unless given, dev (both halves for MNLI)
    #[arg(long, value_enum, value_name = "SPLIT")]
    split: Vec<SplitName>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write `index<TAB>prediction` for every example to this file
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Write the GLUE server's file for a test split, to this file or into this folder under its official name
    #[arg(long, value_name = "PATH")]
    submission: Option<PathBuf>,
    /// Tokens kept of an example; unless given, what the run was trained with (teachers: 128)
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// Count the operations of the student in `phased`: spikes, accumulates, everything else (docs/energy.md)
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    in_time: InTimeArgs,
    /// Score the first N examples of a split only
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    threads: Threads,
}

/// A split on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SplitName {
    Train,
    Dev,
    DevMismatched,
    Test,
    TestMismatched,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Dev => Self::Dev,
            SplitName::DevMismatched => Self::DevMismatched,
            SplitName::Test => Self::Test,
            SplitName::TestMismatched => Self::TestMismatched,
        }
    }
}

/// The score of one split, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Score {
    model: String,
    task: String,
    split: &'static str,
    examples: usize,
    /// Empty where the split has no labels.
    metrics: BTreeMap<String, f64>,
    /// Mean firing rate over the populations; none for a teacher.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_rate: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rates: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_step: Option<u64>,
    seconds: f64,
    /// How the fixed points of a student with feedback were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<LoopSummary>,
    /// A packed model beside its run, with `--against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    parity: Option<Parity>,
    /// With `--count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted: Option<Counted>,
    /// Along simulations, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dynamics: Vec<TimeScore>,
}

/// What was counted, over all examples and as NeuroBench has it.
#[derive(Debug, Serialize)]
struct Counted {
    neurobench: NeuroBench,
    total: Operations,
}

impl From<&Counts> for Counted {
    fn from(counts: &Counts) -> Self {
        Self { neurobench: counts.neurobench(), total: counts.total }
    }
}

/// Whatever is scored.
enum Model {
    Student { student: Box<bitspike_train::student::Student>, best_step: Option<u64> },
    Teacher(Box<Teacher>),
    Packed(Box<engine::Model>),
}

impl Model {
    fn predict(&self, examples: &[bitspike_data::Encoded], device: &Device) -> Result<Predictions> {
        Ok(match self {
            Self::Student { student, .. } => predict_student(student, examples, device),
            Self::Teacher(teacher) => predict_teacher(teacher, examples, device)?,
            Self::Packed(model) => predict_packed(model, examples)?,
        })
    }

    fn outputs(&self) -> Option<usize> {
        match self {
            Self::Student { student, .. } => Some(student.config.num_labels),
            Self::Teacher(teacher) => teacher.num_outputs(),
            Self::Packed(model) => Some(model.header().student.num_labels),
        }
    }
}

pub(crate) fn run(args: EvalArgs) -> Result<()> {
    args.threads.start()?;
    let device = Device::flex();
    let (model, task, tokenizer, max_length) = open(&args, &device)?;
    if let Some(outputs) = model.outputs().filter(|&outputs| outputs != task.num_outputs()) {
        bail!("{} has {outputs} outputs, task {} has {}", args.run.display(), task.name, task.num_outputs());
    }
    if args.in_time.is_given() && !matches!(model, Model::Student { .. }) {
        let what =
            if matches!(model, Model::Teacher(_)) { "a teacher has no spikes" } else { "this is a packed model" };
        bail!("{}: {what}; --dynamics needs the folder of a run", args.run.display());
    }
    let original = match (&args.against, &model) {
        (Some(run), Model::Packed(_)) => Some(RunFolder::open(run)?.student_of(args.checkpoint.into(), &device)?.0),
        (Some(_), _) => {
            bail!("--against compares a packed model with its run; {} is no packed model", args.run.display())
        }
        (None, _) => None,
    };
    // Operations are the engine's; a run is packed for it in memory.
    let packed = match &model {
        Model::Student { .. } if args.count => {
            let FromRun { file, tokenizer, .. } =
                FromRun::pack(&RunFolder::open(&args.run)?, args.checkpoint.into(), Packing::default())?;
            Some(engine::Model::of(Packed::from_bytes(file)?, tokenizer, &engine::Options::default())?)
        }
        Model::Teacher(_) if args.count => {
            bail!("--count: a teacher has no spikes; `bitspike cost` reckons it beside its student")
        }
        _ => None,
    };
    let splits = chosen_splits(&args, &task);
    if splits.len() > 1 && args.predictions.is_some() {
        bail!("--predictions writes one file: give one --split");
    }
    let mut scores = Vec::new();
    for split in splits {
        let started = std::time::Instant::now();
        let dataset = bitspike_data::load(&task, &args.data, split)?;
        let labelled = dataset.is_labelled();
        let mut examples = encode(&dataset, &tokenizer, max_length);
        examples.truncate(args.limit.unwrap_or(examples.len()));
        if examples.is_empty() {
            bail!("{}: no examples to score", split.name());
        }
        let counts = match (&model, &packed) {
            (Model::Packed(model), _) if args.count => Some(Counts::new(model, &examples)?),
            (_, Some(model)) => Some(Counts::new(model, &examples)?),
            _ => None,
        };
        let counted = counts.as_ref().map(Counted::from);
        let predictions = match (&model, counts) {
            // Counted in the run that answers.
            (Model::Packed(_), Some(counts)) => counts.predictions,
            _ => model.predict(&examples, &device)?,
        };
        let metrics = if labelled { predictions.score(&task, &examples)? } else { BTreeMap::new() };
        let ids: Vec<String> = examples.iter().map(|example| example.id.clone()).collect();
        let answers = predictions.answers(&task);
        if let Some(path) = &args.predictions {
            write_predictions(&task, &ids, &answers, path)?;
        }
        if let Some(path) = &args.submission {
            let written = write_submission(&task, split, &ids, &answers, path)?;
            eprintln!("wrote {}", written.display());
        }
        let seconds = started.elapsed().as_secs_f64();
        let parity = match (&model, &original) {
            (Model::Packed(model), Some(student)) => Some(compare(model, student, &examples, &device)?),
            _ => None,
        };
        let dynamics = match &model {
            Model::Student { student, .. } if args.in_time.is_given() => {
                args.in_time.score(student, &task, &examples, &predictions, &device)?
            }
            _ => Vec::new(),
        };
        let rates = predictions.rates.clone();
        scores.push(Score {
            model: args.run.display().to_string(),
            task: task.name.clone(),
            split: split.name(),
            examples: examples.len(),
            metrics,
            mean_rate: (!rates.is_empty()).then(|| rates.values().sum::<f64>() / rates.len() as f64),
            rates,
            best_step: match &model {
                Model::Student { best_step, .. } => *best_step,
                Model::Teacher(_) | Model::Packed(_) => None,
            },
            seconds,
            parity,
            feedback: predictions.feedback,
            counted,
            dynamics,
        });
    }
    print(&scores, &task.primary().to_string(), args.json)?;
    if scores.iter().any(|score| score.parity.is_some_and(|parity| !parity.holds())) {
        bail!("the packed model does not answer as its run does");
    }
    Ok(())
}

fn open(args: &EvalArgs, device: &Device) -> Result<(Model, TaskSpec, Tokenizer, usize)> {
    let folder_of_another = ["model.json", "config.json"].iter().any(|file| args.run.join(file).exists());
    if !folder_of_another && (!args.run.is_dir() || args.run.join(MODEL).is_file()) {
        let model = find(&args.run)?.load(&engine::Options::default())?;
        let header = model.header();
        let task = if args.task.is_given() { args.task.resolve(&args.data)? } else { header.task.clone() };
        let max_length = args.max_length.unwrap_or(header.max_length);
        if !(3..=header.student.max_positions).contains(&max_length) {
            bail!("--max-length: expected 3 to {}, found {max_length}", header.student.max_positions);
        }
        let tokenizer = model.tokenizer().clone();
        return Ok((Model::Packed(Box::new(model)), task, tokenizer, max_length));
    }
    if args.run.join("model.json").exists() {
        let folder = RunFolder::open(&args.run)?;
        let description = folder.description()?;
        let task = match args.task.is_given() {
            true => args.task.resolve(&args.data)?,
            false => description.task,
        };
        let (student, counters) = folder.student_of(args.checkpoint.into(), device)?;
        let max_length = args.max_length.unwrap_or(description.max_length);
        if !(3..=student.config.max_positions).contains(&max_length) {
            bail!("--max-length: expected 3 to {}, found {max_length}", student.config.max_positions);
        }
        let best_step = counters.best_step.filter(|_| args.checkpoint == CheckpointName::Best);
        let model = Model::Student { student: Box::new(student), best_step };
        return Ok((model, task, folder.tokenizer()?, max_length));
    }
    if !args.run.join("config.json").exists() {
        bail!(
            "{}: neither a packed model, nor a run of `bitspike distil` (model.json), nor a Hugging Face BERT folder (config.json)",
            args.run.display()
        );
    }
    let teacher = Teacher::load(&args.run, device)?;
    let max_length = args.max_length.unwrap_or(128.min(teacher.config.max_position_embeddings));
    if !(3..=teacher.config.max_position_embeddings).contains(&max_length) {
        bail!("--max-length: expected 3 to {}, found {max_length}", teacher.config.max_position_embeddings);
    }
    let tokenizer = Tokenizer::load(&args.run)?;
    tokenizer.check_vocab(teacher.config.vocab_size)?;
    Ok((Model::Teacher(Box::new(teacher)), args.task.resolve(&args.data)?, tokenizer, max_length))
}

fn chosen_splits(args: &EvalArgs, task: &TaskSpec) -> Vec<Split> {
    if !args.split.is_empty() {
        return args.split.iter().map(|&name| name.into()).collect();
    }
    let dev = |split: &Split| matches!(split, Split::Dev | Split::DevMismatched);
    task.splits().iter().copied().filter(dev).collect()
}

fn print(scores: &[Score], primary: &str, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(scores)?)?);
    }
    for score in scores {
        let name = Path::new(&score.model).display();
        writeln!(out, "{name}  {} {}  {} examples  {:.1} s", score.task, score.split, score.examples, score.seconds)?;
        for (metric, value) in &score.metrics {
            writeln!(out, "  {metric:<12} {value:.4}")?;
        }
        if score.metrics.is_empty() {
            writeln!(out, "  no labels: nothing to score (see --predictions and --submission)")?;
        }
        if let Some(rate) = score.mean_rate {
            writeln!(out, "  {:<12} {rate:.4}", "firing rate")?;
        }
        if let Some(loops) = &score.feedback {
            let mean = loops.iterations as f64 / loops.batches.max(1) as f64;
            write!(
                out,
                "  fixed points: {mean:.1} evaluations each, relative residual up to {:.1e}",
                loops.worst_residual
            )?;
            writeln!(out, ", {} of {} batches not converged", loops.unconverged, loops.batches)?;
            if let Some(radius) = loops.spectral_radius {
                let meaning = if radius < 1.0 { "unique nearby" } else { "not assured to be unique" };
                writeln!(
                    out,
                    "  spectral radius of the loop's Jacobian about {radius:.2}: the fixed point is {meaning}"
                )?;
            }
        }
        if let Some(parity) = &score.parity {
            let Parity { counts, different_counts, worst_logit, different_labels } = parity;
            writeln!(
                out,
                "  against the run: {different_counts} of {counts} spike counts differ, {different_labels} labels,"
            )?;
            writeln!(out, "    logits by up to {worst_logit:.1e}")?;
        }
        if let Some(Counted { neurobench, total }) = &score.counted {
            print_operations(neurobench, total, score.examples, &mut out)?;
        }
        if !score.dynamics.is_empty() {
            eval_in_time::print(&score.dynamics, primary, &mut out)?;
        }
    }
    Ok(())
}

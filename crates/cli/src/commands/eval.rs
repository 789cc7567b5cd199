//! `bitspike eval`

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike::{Model, Options};
use bitspike_analysis::counts::Counts;
use bitspike_analysis::examples::{EncodedSplit, dev_share};
use bitspike_analysis::in_time::{self, InTimeOptions, TimeScore};
use bitspike_analysis::score::{Score, score};
use bitspike_data::{
    DevShare, Predictions, Split, TaskSpec, encode, load, load_dev, submission_path, write_predictions,
    write_submission,
};
use bitspike_hub::Subject;

use crate::args::limit::at_most;
use crate::args::simulation::InTimeArgs;
use crate::args::{CheckpointArgs, CheckpointName, ClassArgs, SplitName, TaskArgs, Threads, usage, vacant};
use crate::output::{say, show, warn, warn_silent};
use crate::print::eval::{Scored, print};
use crate::progress::{ProgressLine, Unit};
use crate::trained::{Original, Trained};

/// Score a student, a packed model or a teacher
///
/// A student is the folder of its run, a packed model a name or a file, and a teacher a folder in the layout of Hugging Face.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike eval runs/sst2 --data SST-2\n  \
    bitspike eval runs/rte --data RTE --split test --submission .\n  \
    bitspike eval sst2/model.safetensors --data SST-2 --against runs/sst2\n  \
    bitspike eval runs/sst2 --data SST-2 --dynamics phased,accumulated --timesteps 1,2,4,8,16,32,64,128\n  \
    bitspike eval runs/sst2 --data SST-2 --dynamics accumulated --timesteps 32 --exit margin=2,patience=2")]
pub(crate) struct EvalArgs {
    /// Folder of the run, packed model by its name or file, or folder of a teacher
    model: PathBuf,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Compare a packed model with the run that it was packed from: every spike count, logit and label
    #[arg(long, value_name = "RUN")]
    against: Option<PathBuf>,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    classes: ClassArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Splits to score; unless given, dev (both halves for MNLI)
    #[arg(long, value_enum, value_name = "SPLIT")]
    split: Vec<SplitName>,
    /// The part of the examples that training kept as the dev split of data that has none; unless given, what the run says, if this
    /// is its data
    #[arg(long, value_name = "X")]
    dev_share: Option<f64>,
    /// Seed that chose the dev share
    #[arg(long, default_value_t = 42, value_name = "N", requires = "dev_share")]
    dev_seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write `index<TAB>prediction` for every example to this file
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Write the GLUE server's file for a test split, to this file or into this folder under its official name
    #[arg(long, value_name = "PATH")]
    submission: Option<PathBuf>,
    /// Replace files that --predictions and --submission name
    #[arg(long)]
    force: bool,
    /// Tokens kept of an example; unless given, what the run was trained with (teachers: 128)
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// Count the operations of what is run: `phased` at the T of training or, with --dynamics, every line of its table by itself;
    /// spikes, accumulates, everything else (docs/energy.md)
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    in_time: InTimeArgs,
    /// Number the examples from 0, instead of taking the ids of the file
    #[arg(long)]
    number_ids: bool,
    /// Use at most N examples, the first ones of the split; 0 takes all
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    #[command(flatten)]
    threads: Threads,
}

impl EvalArgs {
    /// Whether the operations of the answers themselves are counted: with `--dynamics` it is those of its simulations.
    fn count_alone(&self) -> bool {
        self.count && self.in_time.options(false).is_none()
    }
}

pub(crate) fn run(args: EvalArgs) -> Result<()> {
    args.in_time.check()?;
    args.threads.start()?;
    if let Some(path) = &args.predictions {
        vacant("--predictions", path, args.force)?;
    }
    let subject = args.checkpoint.resolve(&args.model)?;
    check_teacher(&subject, &args)?;
    let task = match (args.task.is_given(), subject.task()?) {
        (false, Some(task)) => task,
        _ => args.task.resolve(&args.data)?,
    };
    let network = Network::open(&subject, &task, &args)?;
    let original = match (&args.against, &network) {
        (Some(run), Network { trained: None, .. }) => {
            Some(Original::open(run, args.checkpoint.checkpoint.into(), network.order.as_deref())?)
        }
        (Some(_), _) => bail!("--against compares a packed model with its run; {subject} is no packed model"),
        (None, _) => None,
    };
    let splits = chosen_splits(&args, &task);
    if splits.len() > 1 && args.predictions.is_some() {
        return Err(usage("--predictions writes one file: give one --split"));
    }
    if let Some(path) = &args.submission {
        if splits.len() > 1 && !path.is_dir() {
            let message = "several splits need a folder, where each gets a file of its own";
            return Err(usage(format!("--submission {}: {message}", path.display())));
        }
        if args.limit > 0 {
            return Err(usage("--submission: the server takes every example of a split; leave --limit out"));
        }
        for &split in &splits {
            vacant("--submission", &submission_path(&task, split, path)?, args.force)?;
        }
    }
    let share = match args.dev_share {
        Some(share) if splits.contains(&Split::Dev) => Some(DevShare { share, seed: args.dev_seed }),
        Some(_) => return Err(usage("--dev-share: a share is set aside as the dev split; leave --split out")),
        None => dev_share(&subject, &args.data)?,
    };
    let max_length = subject.max_length(args.max_length)?;
    let mut scores = Vec::new();
    for split in splits {
        let started = std::time::Instant::now();
        let mut examples = network.read(&task, &args, (split, share), max_length)?;
        examples.truncate(at_most(args.limit));
        if examples.examples.is_empty() {
            bail!("{}: no examples to score", split.name());
        }
        let mut scored = network.score(&subject, &examples, &args)?;
        write_answers(&args, &examples, &scored.predictions)?;
        say_undefined(&examples, &scored.predictions);
        scored.score.seconds = started.elapsed().as_secs_f64();
        if let (Some(original), Some(model)) = (&original, &network.model) {
            scored.parity = Some(original.compare(model, &examples.examples)?);
        }
        if let (Some(options), Some(model)) = (args.in_time.options(args.count), &network.model) {
            scored.score.dynamics = network.in_time(model, &examples, &scored.predictions, &options)?;
        }
        let silent = scored.score.mean_rate == Some(0.0);
        if silent || scored.score.dynamics.iter().any(|score| score.mean_rate == 0.0) {
            warn_silent(&subject);
        }
        scores.push(scored);
    }
    let primary = task.primary().to_string();
    show(&scores, args.json, |scores, out| print(scores, &primary, out))?;
    if scores.iter().any(|score| score.parity.is_some_and(|parity| !parity.holds())) {
        bail!("the packed model does not answer as its run does");
    }
    Ok(())
}

/// What is scored.
struct Network {
    /// The model as the engine runs it: a packed one, or a run's student where something needs it.
    model: Option<Model>,
    /// A student or teacher in the arithmetic of training, which then answers.
    trained: Option<Trained>,
    /// The order of the classes of `model`, where it is not its own.
    order: Option<Vec<usize>>,
}

/// Refuses to ask of a teacher what takes spikes.
fn check_teacher(subject: &Subject, args: &EvalArgs) -> Result<()> {
    if subject.teacher().is_some() && args.in_time.options(args.count).is_some() {
        bail!("{subject}: a teacher has no spikes; --dynamics needs a student");
    }
    if subject.teacher().is_some() && args.count {
        bail!("--count: a teacher has no spikes; `bitspike cost` counts it beside its student");
    }
    Ok(())
}

impl Network {
    /// What answers, in the order of the classes of `task`.
    fn open(subject: &Subject, task: &TaskSpec, args: &EvalArgs) -> Result<Self> {
        let trained = Trained::open(subject, task, args.classes.map.as_ref(), &mut |note| say(note))?;
        trained.iter().flat_map(Trained::notes).for_each(|note| warn(format_args!("note: {note}")));
        if trained.is_some() && args.in_time.options(args.count).is_none() && !args.count {
            return Ok(Self { model: None, trained, order: None });
        }
        let options = args.in_time.code.map_or(Options::new(), |code| Options::new().code(code));
        let model = subject.model(&options)?;
        let own = TaskSpec::of_model(model.task())?;
        let map = match &trained {
            // What there is to say was said.
            Some(_) => args.classes.of(subject, &own, task)?,
            None => args.classes.said_of(subject, &own, task)?,
        };
        let order = (!map.is_identity()).then(|| map.outputs().to_vec());
        let model = match &order {
            Some(order) => model.in_class_order(order)?,
            None => model,
        };
        Ok(Self { model: Some(model), trained, order })
    }

    /// The examples of `split`; `share` is dev where the data has no dev split.
    fn read(
        &self,
        task: &TaskSpec,
        args: &EvalArgs,
        (split, share): (Split, Option<DevShare>),
        max_length: usize,
    ) -> Result<EncodedSplit> {
        let mut dataset = match split {
            Split::Dev => load_dev(task, &args.data, share)?,
            split => load(task, &args.data, split)?,
        };
        dataset.notes.iter().for_each(|note| say(format_args!("note: {}: {note}", split.name())));
        if args.number_ids {
            dataset.number();
        } else if let Some(ids) = &dataset.repeated_ids {
            let repeated = super::repeated(ids);
            if args.submission.is_some() {
                bail!(
                    "{repeated}; a submission needs ids that differ: give --number-ids to number the examples from 0"
                );
            }
            say(format_args!("note: {repeated}; --number-ids numbers the examples from 0"));
        }
        let examples = match (&self.trained, &self.model) {
            (Some(trained), _) => encode(&dataset, trained.tokenizer(), max_length),
            (None, Some(model)) => encode(&dataset, model.tokenizer(), max_length),
            (None, None) => Vec::new(),
        };
        Ok(EncodedSplit { task: task.clone(), dataset, examples })
    }

    /// Scores the network; operations are counted by the engine.
    fn score(&self, subject: &Subject, split: &EncodedSplit, args: &EvalArgs) -> Result<Scored> {
        let name = args.model.display().to_string();
        let Some(trained) = &self.trained else {
            let Some(model) = &self.model else { bail!("{subject}: nothing answers") };
            let (score, predictions) = score(model, &name, split, args.count_alone())?;
            return Ok(Scored { score, predictions, feedback: None, parity: None });
        };
        let (predictions, feedback) = trained.predict(&split.examples)?;
        let mut score = Score::of(&name, split, &predictions)?;
        score.best_step = trained.best_step().filter(|_| args.checkpoint.checkpoint == CheckpointName::Best);
        if let (true, Some(model)) = (args.count_alone(), &self.model) {
            score.counted = Some(Counts::new(model, &split.examples)?.counted(model.simulation()));
        }
        Ok(Scored { score, predictions, feedback, parity: None })
    }

    /// Scores along simulations, with the counts of training beside those of `phased` at its own `T`.
    fn in_time(
        &self,
        model: &Model,
        split: &EncodedSplit,
        equilibrium: &Predictions,
        options: &InTimeOptions,
    ) -> Result<Vec<TimeScore>> {
        let mut shown = None;
        let mut scores = in_time::score(model, split, equilibrium, options, |at| {
            let simulation = (at.dynamics, at.time_steps);
            let (_, line) = match shown.take().filter(|(known, _)| *known == simulation) {
                Some(line) => shown.insert(line),
                None => {
                    let label = format!("{}, T = {}", at.dynamics, at.time_steps);
                    let line = ProgressLine::new(label, Unit::Things("examples"), Some(at.examples as u64));
                    shown.insert((simulation, line))
                }
            };
            line.set(at.done as u64);
        })?;
        if let Some(trained) = &self.trained {
            let time_steps = model.header().student.time_steps;
            let exact = options.is_exact();
            for score in scores.iter_mut().filter(|score| exact && score.is_equilibrium(time_steps)) {
                score.counts = trained.compare_counts(&split.examples)?;
            }
        }
        Ok(scores)
    }
}

/// Says which metrics are undefined for these answers, and why.
fn say_undefined(split: &EncodedSplit, predictions: &Predictions) {
    let targets: Option<Vec<f32>> = split.dataset.examples.iter().map(|example| example.target).collect();
    let Some(targets) = targets else { return };
    let answers = predictions.answers(&split.task);
    for metric in &split.task.metrics {
        if let Some(why) = metric.undefined(&answers, &targets) {
            say(format_args!("{}: {metric} is undefined: {why}; 0 stands for it", split.dataset.split.name()));
        }
    }
}

/// Writes the files that were asked for.
fn write_answers(args: &EvalArgs, split: &EncodedSplit, predictions: &Predictions) -> Result<()> {
    let EncodedSplit { task, dataset, .. } = split;
    let ids: Vec<String> = dataset.examples.iter().map(|example| example.id.clone()).collect();
    let answers = predictions.answers(task);
    if let Some(path) = &args.predictions {
        write_predictions(task, &ids, &answers, path)?;
    }
    if let Some(path) = &args.submission {
        let written = write_submission(task, dataset.split, &ids, &answers, path)?;
        say(format_args!("wrote {}", written.display()));
    }
    Ok(())
}

fn chosen_splits(args: &EvalArgs, task: &TaskSpec) -> Vec<Split> {
    if !args.split.is_empty() {
        return args.split.iter().map(|&name| name.into()).collect();
    }
    let dev = |split: &Split| matches!(split, Split::Dev | Split::DevMismatched);
    task.splits().iter().copied().filter(dev).collect()
}

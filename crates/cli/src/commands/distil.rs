//! `bitspike distil`

use std::path::PathBuf;

use anyhow::Result;
use bitspike_data::TaskSpec;
use bitspike_run::Error;
use bitspike_run::recipe::{Recipe, RecipeError};
use bitspike_run::run::RunFolder;
use bitspike_train::distill::{Inputs, Job, settle};

use super::training::RunArgs;
use crate::args::simulation::time_steps;
use crate::args::{ClassArgs, TaskArgs, usage};
use crate::live::Follower;
use crate::output::warn;
use crate::teacher_folder::teacher_folder;

/// Distil a teacher into a spiking student
///
/// The recipe decides everything about student and stages; flags and `--set` override its values.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike distil --recipe sst2 --task sst2 --data SST-2 --teacher minilm-l6-sst2 --out runs/sst2\n  \
    bitspike distil --recipe sst2 --task sst2 --data SST-2 --teacher minilm-l6-sst2 --out runs/binary --bits 1\n  \
    bitspike distil --recipe sst2 --task sst2 --data SST-2 --teacher minilm-l6-sst2 --out runs/sst2 --resume\n  \
    bitspike distil --recipe embed --task embed --corpus QQP MNLI/train.tsv --data STS-B --teacher all-MiniLM-L6-v2 --out runs/embed")]
pub(crate) struct DistilArgs {
    /// Recipe: a TOML file, or the name of one that is compiled in, such as `sst2`
    #[arg(long, value_name = "NAME|FILE")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    classes: ClassArgs,
    /// Folder (or file) with the task's data; for `--task embed` the scored pairs of STS-B, whose dev split chooses the best student
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Teacher: a Hugging Face BERT, fine-tuned on the task; its folder, or OWNER/NAME on the hub
    #[arg(long, value_name = "MODEL")]
    teacher: PathBuf,
    /// Texts without labels: for `general` stages plain text, a paragraph a line; for `--task embed` any number of files or folders, of
    /// plain text or tables
    #[arg(long, value_name = "FILE", num_args = 1..)]
    corpus: Vec<PathBuf>,
    /// Columns of texts in the tables of the corpus of `--task embed`; unless given, those called `text`, `sentence1`, `question`, ..
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', requires = "corpus")]
    corpus_columns: Vec<String>,
    /// Learn from the answers of this table instead of the teacher's own: `bitspike logits` writes one, and others may (docs/distil.md).
    /// The teacher then need not know the task, and is not run where its hidden states and attention are not compared
    #[arg(long, value_name = "FILE")]
    soft_labels: Option<PathBuf>,
    /// Start from the weights of another student of the same shape, instead of the teacher's: the folder of a run, or a packed model by
    /// name or file; of another task all but the classifier
    #[arg(long, value_name = "RUN|MODEL")]
    from: Option<PathBuf>,
    /// Folder of the run
    #[arg(long, alias = "output", short, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    run: RunArgs,
}

/// Values of the recipe as flags.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Overrides {
    /// Any value, by its dotted key: `--set stage.0.warmup=0.2`
    #[arg(long, help_heading = "Recipe overrides", value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<String>,
    /// Weights of 1, 1.58 or 32 bits
    #[arg(long, help_heading = "Recipe overrides", value_name = "BITS")]
    bits: Option<String>,
    /// Embeddings of 1, 1.58, 4, 8 or 32 bits
    #[arg(long, help_heading = "Recipe overrides", value_name = "BITS")]
    embedding_bits: Option<String>,
    /// One weight scale a `matrix` or a `row`
    #[arg(long, help_heading = "Recipe overrides", value_name = "WHAT")]
    granularity: Option<String>,
    /// Encoder layers
    #[arg(long, help_heading = "Recipe overrides", value_name = "N")]
    layers: Option<usize>,
    /// Time steps T
    #[arg(long, help_heading = "Recipe overrides", alias = "time-steps", value_name = "T", value_parser = time_steps())]
    timesteps: Option<u32>,
    /// Signed neurons: true or false
    #[arg(long, help_heading = "Recipe overrides", value_name = "BOOL")]
    signed: Option<bool>,
    /// Examples a step
    #[arg(long, help_heading = "Recipe overrides", value_name = "N")]
    batch_size: Option<usize>,
    /// Tokens kept of an example
    #[arg(long, help_heading = "Recipe overrides", value_name = "N")]
    max_length: Option<usize>,
    /// Use at most N examples, drawn from the training split by the seed; 0 takes all
    #[arg(long, help_heading = "Recipe overrides", value_name = "N")]
    limit: Option<usize>,
    /// Keep this part of the training examples from training, as the dev split of data that has none (a single file): 0.1
    #[arg(long, value_name = "X")]
    dev_share: Option<f64>,
    /// Seed that chooses the dev share; 42, unless given
    #[arg(long, value_name = "N", requires = "dev_share")]
    dev_seed: Option<u64>,
    /// Seed
    #[arg(long, help_heading = "Recipe overrides", value_name = "N")]
    seed: Option<u64>,
    /// Epochs of every stage
    #[arg(long, help_heading = "Recipe overrides", value_name = "X")]
    epochs: Option<f64>,
    /// Peak learning rate of every stage
    #[arg(long, help_heading = "Recipe overrides", value_name = "X")]
    learning_rate: Option<f64>,
    /// Weight of the mean firing rate in every stage's loss
    #[arg(long, help_heading = "Recipe overrides", value_name = "X")]
    rate_penalty: Option<f64>,
}

/// Reads `KEY=VALUE`.
pub(crate) fn assignment(text: &str) -> Result<String, String> {
    let given = text.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty());
    if given { Ok(text.to_owned()) } else { Err("expected KEY=VALUE".to_owned()) }
}

impl Overrides {
    /// The assignments for a recipe of `stages` stages; `--set` comes last and wins.
    pub(crate) fn assignments(&self, stages: usize) -> Vec<String> {
        fn one(list: &mut Vec<String>, key: &str, value: Option<impl std::fmt::Display>) {
            list.extend(value.map(|value| format!("{key}={value}")));
        }
        let mut list = Vec::new();
        one(&mut list, "student.weight_bits", self.bits.as_ref());
        one(&mut list, "student.embedding_bits", self.embedding_bits.as_ref());
        one(&mut list, "student.granularity", self.granularity.as_ref());
        one(&mut list, "student.layers", self.layers);
        one(&mut list, "student.time_steps", self.timesteps);
        one(&mut list, "student.signed", self.signed);
        one(&mut list, "data.batch_size", self.batch_size);
        one(&mut list, "data.max_length", self.max_length);
        one(&mut list, "data.limit", self.limit);
        one(&mut list, "data.dev.share", self.dev_share.map(|x| format!("{x:?}")));
        one(&mut list, "data.dev.seed", self.dev_seed);
        one(&mut list, "seed", self.seed);
        for stage in 0..stages {
            one(&mut list, &format!("stage.{stage}.epochs"), self.epochs.map(|x| format!("{x:?}")));
            one(&mut list, &format!("stage.{stage}.learning_rate"), self.learning_rate.map(|x| format!("{x:?}")));
            one(&mut list, &format!("stage.{stage}.rate_penalty"), self.rate_penalty.map(|x| format!("{x:?}")));
        }
        list.extend(self.set.iter().cloned());
        list
    }

    /// The recipe of `path` (or the default one) with these values.
    pub(crate) fn recipe(&self, path: Option<&std::path::Path>) -> Result<Recipe> {
        let stages = Recipe::load(path, &[])?.stage.len();
        Recipe::load(path, &self.assignments(stages)).map_err(|error| match error {
            // The recipe itself is sound: what was set is not of it.
            Error::Recipe { source: RecipeError::Toml(_) | RecipeError::Override { .. }, .. } => {
                usage(bitspike::error::explain(&error))
            }
            error => error.into(),
        })
    }
}

pub(crate) fn run(args: DistilArgs) -> Result<()> {
    args.run.threads.start()?;
    let stop = crate::interrupt::listen()?;
    // What is wrong with the command leaves no folder behind.
    let asked = match args.run.resume {
        true => None,
        false => Some((args.overrides.recipe(args.recipe.as_deref())?, args.task.resolve(&args.data)?)),
    };
    let folder = if args.run.resume { RunFolder::open(&args.out)? } else { RunFolder::create(&args.out)? };
    let _lock = folder.lock()?;
    let (recipe, task) = match asked {
        Some(asked) => asked,
        None => resumed(&args, &folder)?,
    };
    let classes = args.classes.map.as_ref();
    let inputs = Inputs::load(&teacher_folder(&args.teacher)?, &args.data, &args.corpus, task, classes)?;
    let inputs = inputs.with_corpus_columns(args.corpus_columns.clone());
    let inputs = match &args.soft_labels {
        Some(path) => inputs.with_soft_labels(path)?,
        None => inputs,
    };
    let program = crate::version::program();
    inputs.teacher.notes.iter().for_each(|note| warn(format_args!("note: {note}")));
    let job = Job {
        from: args.from.as_deref(),
        resume: args.run.resume,
        program: &program,
        max_time: args.run.max_time(),
        stop,
        ..Job::new(&recipe, &folder)
    };
    let mut view = Follower::on_cpu(args.run.display);
    let mut done = inputs.distil(&job, &mut view)?;
    let next = format!("score it with `bitspike eval {} --data {}`", args.out.display(), args.data.display());
    args.run.report_end(&mut done.run, &mut view, &next)?;
    done.warnings().iter().for_each(|warning| warn(format_args!("bitspike: {warning}")));
    Ok(())
}

/// Recipe and task of the run in `folder`, once they are found to be what the command asks for.
fn resumed(args: &DistilArgs, folder: &RunFolder) -> Result<(Recipe, TaskSpec)> {
    let path = args.recipe.clone().unwrap_or_else(|| folder.path().join("recipe.toml"));
    let recipe = args.overrides.recipe(Some(&path))?;
    let task = args.task.is_given().then(|| args.task.resolve(&args.data)).transpose()?;
    let task = settle(folder, &recipe, task.as_ref())?;
    Ok((recipe, task))
}

//! `bitspike teacher`

use std::path::PathBuf;

use anyhow::Result;
use bitspike_data::DevShare;
use bitspike_run::recipe::{RunRecipe, Stage, StageKind};
use bitspike_train::finetune::{Job, Plan, Settings, finetune};

use super::training::RunArgs;
use crate::args::{ClassArgs, TaskArgs, usage};
use crate::live::Follower;
use crate::output::warn;
use crate::teacher_folder::teacher_folder;

/// Fine-tune a BERT teacher on a task
///
/// The encoder is written back in the Hugging Face layout.
///
/// The best model on the dev set is kept: `config.json`, `model.safetensors` (F32) and the tokeniser, as Python tools load
/// them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bitspike teacher --model all-minilm-l6-v2 --task rte --data RTE --out teachers/rte --epochs 5"
)]
pub(crate) struct TeacherArgs {
    /// Encoder to start from: a folder, or OWNER/NAME (or OWNER/NAME@REVISION) on the hub, fetched unless it is in the cache
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    task: TaskArgs,
    #[command(flatten)]
    classes: ClassArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder of the fine-tuned teacher
    #[arg(long, alias = "output", short, value_name = "DIR")]
    out: PathBuf,
    /// Passes over the training examples
    #[arg(long, default_value_t = 3.0, value_name = "X")]
    epochs: f64,
    /// Peak learning rate
    #[arg(long, default_value_t = 5e-5, value_name = "X")]
    learning_rate: f64,
    /// Part of the steps over which the learning rate rises
    #[arg(long, default_value_t = 0.1, value_name = "X")]
    warmup: f64,
    /// Decoupled weight decay
    #[arg(long, default_value_t = 0.01, value_name = "X")]
    weight_decay: f64,
    /// Examples a step
    #[arg(long, default_value_t = 32, value_name = "N")]
    batch_size: usize,
    /// Tokens kept of an example
    #[arg(long, default_value_t = 128, value_name = "N")]
    max_length: usize,
    /// Use at most N examples, drawn from the training split by the seed; 0 takes all
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// Keep this part of the training examples from training, as the dev split of data that has none (a single file): 0.1
    #[arg(long, value_name = "X")]
    dev_share: Option<f64>,
    /// Seed that chooses the dev share
    #[arg(long, default_value_t = 42, value_name = "N", requires = "dev_share")]
    dev_seed: u64,
    /// Evaluations on the dev set an epoch
    #[arg(long, default_value_t = 2.0, value_name = "X")]
    evals_per_epoch: f64,
    /// Minutes between checkpoints to resume from
    #[arg(long, default_value_t = 5.0, value_name = "MINUTES")]
    checkpoint_minutes: f64,
    /// Seed
    #[arg(long, default_value_t = 42, value_name = "N")]
    seed: u64,
    #[command(flatten)]
    run: RunArgs,
}

pub(crate) fn run(args: TeacherArgs) -> Result<()> {
    args.run.threads.start()?;
    let stop = crate::interrupt::listen()?;
    let task = args.task.resolve(&args.data)?;
    if task.target.is_embedding() {
        return Err(usage(
            "--task embed: a teacher of vectors is not fine-tuned here; `bitspike distil` takes a folder of sentence-transformers as it is",
        ));
    }
    let plan = Plan {
        model: teacher_folder(&args.model)?,
        task,
        settings: Settings {
            seed: args.seed,
            batch_size: args.batch_size,
            max_length: args.max_length,
            dev: args.dev_share.map(|share| DevShare { share, seed: args.dev_seed }),
        },
        limit: args.limit,
        stage: Stage {
            epochs: args.epochs,
            learning_rate: args.learning_rate,
            warmup: args.warmup,
            weight_decay: args.weight_decay,
            ..Stage::new(StageKind::Labels)
        },
    };
    let (evals_per_epoch, checkpoint_minutes) = (args.evals_per_epoch, args.checkpoint_minutes);
    let program = crate::version::program();
    let job = Job {
        plan: &plan,
        data: &args.data,
        out: &args.out,
        classes: args.classes.map.as_ref(),
        program: &program,
        run: RunRecipe { evals_per_epoch, checkpoint_minutes, ..RunRecipe::default() },
        resume: args.run.resume,
        max_time: args.run.max_time(),
        stop,
        note: |note| warn(format_args!("note: {note}")),
    };
    let mut view = Follower::on_cpu(args.run.display);
    let mut run = finetune(&job, &mut view)?;
    let next = format!("distil it with `bitspike distil --teacher {}`", args.out.display());
    args.run.report_end(&mut run, &mut view, &next)
}

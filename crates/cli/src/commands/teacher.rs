//! `bitspike teacher`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use bitspike_data::TaskSpec;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::choose;
use bitspike_train::distill::Texts;
use bitspike_train::finetune::{FinetuneSettings, Finetuner};
use bitspike_run::recipe::{RunRecipe, Stage, StageKind};
use bitspike_run::run::claim;
use bitspike_train::teacher::Teacher;
use bitspike_train::training::{Controls, EndReason, Sizes, train};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::task_args::TaskArgs;
use super::training::{RunArgs, report_end, splits};

/// Fine-tune a BERT encoder on a task and write it back in the Hugging Face layout.
///
/// The best model on the dev set is kept: `config.json`, `model.safetensors` (F32) and the tokeniser, as Python tools load
/// them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bitspike teacher --model all-minilm-l6-v2 --task rte --data RTE --out teachers/rte --epochs 5"
)]
pub(crate) struct TeacherArgs {
    /// Folder of the encoder to start from
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    task: TaskArgs,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder of the fine-tuned teacher
    #[arg(long, value_name = "DIR")]
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
    /// Train on so many examples, chosen by the seed; 0 means all
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
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

impl TeacherArgs {
    fn check(&self) -> Result<()> {
        let within = |ok: bool, flag: &str, expected: &str, found: String| match ok {
            true => Ok(()),
            false => bail!("--{flag}: expected {expected}, found {found}"),
        };
        within(self.epochs > 0.0 && self.epochs <= 1e4, "epochs", "a number in (0, 10000]", self.epochs.to_string())?;
        let rate = self.learning_rate;
        within(rate > 0.0 && rate < 1.0, "learning-rate", "a number in (0, 1)", rate.to_string())?;
        within((0.0..1.0).contains(&self.warmup), "warmup", "a number in [0, 1)", self.warmup.to_string())?;
        let decay = self.weight_decay;
        within((0.0..1.0).contains(&decay), "weight-decay", "a number in [0, 1)", decay.to_string())?;
        let batch = self.batch_size;
        within((1..=65_536).contains(&batch), "batch-size", "1 to 65536", batch.to_string())?;
        within(self.max_length >= 3, "max-length", "3 or more", self.max_length.to_string())?;
        let evals = self.evals_per_epoch;
        within(evals > 0.0 && evals.is_finite(), "evals-per-epoch", "a positive number", evals.to_string())?;
        let minutes = self.checkpoint_minutes;
        within(minutes >= 0.0, "checkpoint-minutes", "0 or more", minutes.to_string())
    }
}

/// How a teacher was or is to be made, in `finetune.json` beside it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    model: PathBuf,
    task: TaskSpec,
    settings: FinetuneSettings,
    limit: usize,
    stage: Stage,
}

impl Plan {
    /// Writes the plan of a new run, or checks that a resumed one has the same.
    fn settle(&self, out: &Path, resume: bool) -> Result<()> {
        let path = out.join("finetune.json");
        if !resume {
            let text = serde_json::to_string_pretty(self)?;
            return Ok(atomic_file::write(&path, |file| file.write_all(text.as_bytes()))?);
        }
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{}: no run to resume: read {}", out.display(), path.display()))?;
        let earlier: Self = serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
        if earlier != *self {
            bail!(
                "--resume goes on with what {} says, and this command asks for something else; leave the changes out, or start \
                 a new run in another --out",
                path.display()
            );
        }
        Ok(())
    }
}

pub(crate) fn run(args: TeacherArgs) -> Result<()> {
    args.check()?;
    args.run.threads.start()?;
    let stop = crate::interrupt::listen()?;
    let checkpoint = args.out.join("last.safetensors");
    if !args.run.resume && (checkpoint.exists() || args.out.join("model.safetensors").exists()) {
        bail!("{} already holds a model; go on with --resume, or choose another --out", args.out.display());
    }
    let _lock = claim(&args.out)?;
    let device = Device::flex();
    let teacher = Teacher::load(&args.model, &device.clone().autodiff())?;
    let tokenizer = Tokenizer::load(&args.model)?;
    tokenizer.check_vocab(teacher.config.vocab_size)?;
    let task = args.task.resolve(&args.data)?;
    let splits = splits(&task, &args.data, &tokenizer, args.max_length)?;
    let train_examples = choose(splits.train, args.limit, args.seed);
    let texts = Texts { train: train_examples, dev: splits.dev, corpus: Vec::new() };
    let sizes = (texts.train.len(), texts.dev.len());
    let settings = FinetuneSettings { seed: args.seed, batch_size: args.batch_size, max_length: args.max_length };
    let stage = Stage {
        epochs: args.epochs,
        learning_rate: args.learning_rate,
        warmup: args.warmup,
        weight_decay: args.weight_decay,
        ..Stage::new(StageKind::Labels)
    };
    let plan = Plan {
        model: args.model.clone(),
        task: task.clone(),
        settings: settings.clone(),
        limit: args.limit,
        stage: stage.clone(),
    };
    plan.settle(&args.out, args.run.resume)?;
    let mut finetuner = Finetuner::new((teacher, tokenizer), task.clone(), texts, settings, args.out.clone())?;
    let resume = if args.run.resume && checkpoint.exists() { Some(finetuner.restore()?) } else { None };
    let summary = format!("{}, learning rate {:e}", args.model.display(), args.learning_rate);
    let mut observer = args.run.observer(&args.out.join("metrics.jsonl"), resume.as_ref(), summary)?;
    let controls = Controls {
        name: format!("teacher {}", task.name),
        stages: vec![stage],
        batch_size: args.batch_size,
        run: RunRecipe {
            evals_per_epoch: args.evals_per_epoch,
            checkpoint_minutes: args.checkpoint_minutes,
            ..RunRecipe::default()
        },
        max_time: args.run.max_time(),
        stop,
        resume,
        sizes: Sizes { parameters: finetuner.parameters(), train: sizes.0, dev: sizes.1 },
    };
    let outcome = train(&mut finetuner, &controls, &mut observer).context("fine-tuning")?;
    if outcome.reason == EndReason::Finished {
        finetuner.finish()?;
    }
    report_end(&outcome, &mut observer, &format!("distil it with `bitspike distil --teacher {}`", args.out.display()))
}

//! `bitspike quickstart`: the whole path on a corpus made on the spot.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bitspike::config::BertConfig;
use bitspike_data::TaskSpec;
use bitspike::tokenizer::Tokenizer;
use bitspike_train::distill::{Distiller, Texts};
use bitspike_train::evaluate::{predict_student, predict_teacher};
use bitspike_train::finetune::{FinetuneSettings, Finetuner};
use bitspike_run::progress::{Fanout, MetricsLog};
use bitspike_run::recipe::{Recipe, RunRecipe, Stage, StageKind};
use bitspike_run::run::{Description, FORMAT, RunFolder};
use bitspike_train::teacher::Teacher;
use bitspike_train::training::{Controls, EndReason, Learner, Outcome, Sizes, train};
use burn::tensor::Device;
use rand::SeedableRng;
use serde::Serialize;

use super::threads::Threads;
use super::training::{Splits, splits};
use crate::live;
use crate::quickstart::bag_of_words::BagOfWords;
use crate::quickstart::corpus::{Corpus, CorpusConfig};

/// Everything in one go, without a download: write a corpus of sentences whose sentiment depends on word order, train a small
/// teacher on it, distil students at 32, 1.58 and 1 bit, and print one table.
///
/// Takes under 150 seconds on two cores.
#[derive(Debug, clap::Args)]
pub(crate) struct QuickstartArgs {
    /// Folder for the corpus, the teacher and the students; an earlier quickstart in it is replaced
    #[arg(long, value_name = "DIR", default_value = "runs/quickstart")]
    out: PathBuf,
    /// Seed of corpus, teacher and students
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Print the table as JSON on standard output
    #[arg(long)]
    json: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t)]
    display: live::Display,
    #[command(flatten)]
    threads: Threads,
}

/// Marks a folder as a quickstart's, so that only such folders are replaced.
const RESULTS: &str = "quickstart.json";

/// Sentences to train and to score on.
const SENTENCES: (usize, usize) = (10_000, 1_000);

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
struct Row {
    model: String,
    /// Bits of an encoder weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    bits: Option<f64>,
    accuracy: f64,
    /// Bytes of the model, its codes and scales packed.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Mean firing rate over the populations.
    #[serde(skip_serializing_if = "Option::is_none")]
    firing_rate: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    seed: u64,
    train: usize,
    dev: usize,
    seconds: f64,
    rows: Vec<Row>,
}

pub(crate) fn run(args: QuickstartArgs) -> Result<()> {
    args.threads.start()?;
    let started = Instant::now();
    let stop = crate::interrupt::listen()?;
    clear(&args.out)?;
    let quick = Quickstart { args: &args, stop, task: TaskSpec::glue("sst2")?, device: Device::flex() };

    let data = args.out.join("corpus");
    let config = CorpusConfig { seed: args.seed, train: SENTENCES.0, dev: SENTENCES.1, plain: false };
    let corpus = Corpus::generate(&config)?;
    corpus.write(&data)?;
    let bag = |n| BagOfWords::train(&corpus.train, n).accuracy(&corpus.dev);
    let baseline =
        |model: &str, accuracy| Row { model: model.into(), bits: None, accuracy, bytes: None, firing_rate: None };
    let mut rows = vec![baseline("bag of words", bag(1)), baseline("bag of word pairs", bag(2))];
    let tokenizer = Tokenizer::load(&data)?;
    let examples = splits(&quick.task, &data, &tokenizer, MAX_LENGTH)?;
    let Some(teacher) = quick.teacher(&tokenizer, &examples)? else { return Ok(()) };
    rows.push(quick.score_teacher(&teacher, &examples)?);
    for bits in ["32", "1.58", "1"] {
        let Some(row) = quick.student(&teacher, &tokenizer, &examples, bits)? else { return Ok(()) };
        rows.push(row);
    }
    let seconds = started.elapsed().as_secs_f64();
    let report = Report { seed: args.seed, train: SENTENCES.0, dev: SENTENCES.1, seconds, rows };
    let json = serde_json::to_string_pretty(&report)?;
    bitspike::atomic_file::write(&args.out.join(RESULTS), |file| file.write_all(json.as_bytes()))?;
    print(&report, &args, &json)
}

const MAX_LENGTH: usize = 48;

/// Removes an earlier quickstart, and nothing else.
fn clear(out: &Path) -> Result<()> {
    let Ok(mut entries) = out.read_dir() else { return Ok(()) };
    if entries.next().is_none() {
        return Ok(());
    }
    let ours = ["corpus", "teacher", "student-32", "student-1.58", "student-1", RESULTS];
    for entry in out.read_dir().with_context(|| format!("read {}", out.display()))? {
        let name = entry?.file_name();
        if !ours.iter().any(|ours| name == *ours) {
            bail!("{} holds {}, which is no quickstart's; choose another --out", out.display(), name.display());
        }
    }
    std::fs::remove_dir_all(out).with_context(|| format!("remove the earlier quickstart in {}", out.display()))
}

struct Quickstart<'a> {
    args: &'a QuickstartArgs,
    stop: &'a AtomicBool,
    task: TaskSpec,
    device: Device,
}

impl Quickstart<'_> {
    /// Trains the teacher from random weights; none if the user stopped it.
    fn teacher(&self, tokenizer: &Tokenizer, examples: &Splits) -> Result<Option<Teacher>> {
        let config = BertConfig::from_json(&format!(
            r#"{{"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                "intermediate_size": 256, "vocab_size": {}, "max_position_embeddings": {MAX_LENGTH},
                "hidden_dropout_prob": 0.0, "initializer_range": 0.05}}"#,
            tokenizer.vocab_size()
        ))?;
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(self.args.seed);
        let teacher = Teacher::random(config, &mut rng, &self.device.clone().autodiff());
        let folder = self.args.out.join("teacher");
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let settings = FinetuneSettings { seed: self.args.seed, batch_size: 64, max_length: MAX_LENGTH };
        let model = (teacher, tokenizer.clone());
        let mut finetuner = Finetuner::new(model, self.task.clone(), texts(examples), settings, folder.clone())?;
        let stage = Stage { epochs: 8.0, learning_rate: 1e-3, ..Stage::new(StageKind::Labels) };
        let parameters = finetuner.parameters();
        let outcome = self.train(&mut finetuner, "teacher", vec![stage], (&folder, examples, parameters))?;
        if outcome.reason == EndReason::Interrupted {
            return Ok(None);
        }
        finetuner.finish()?;
        Ok(Some(Teacher::load(&folder, &self.device)?))
    }

    fn score_teacher(&self, teacher: &Teacher, examples: &Splits) -> Result<Row> {
        let predictions = predict_teacher(teacher, &examples.dev, &self.device)?;
        let accuracy = predictions.score(&self.task, &examples.dev)?["accuracy"];
        let parameters = burn::module::Module::num_params(&teacher.net) + teacher.words.values.len();
        Ok(Row {
            model: "teacher (BERT)".into(),
            bits: Some(32.0),
            accuracy,
            bytes: Some(4 * parameters as u64),
            firing_rate: None,
        })
    }

    /// Distils one student; none if the user stopped it.
    fn student(&self, teacher: &Teacher, tokenizer: &Tokenizer, examples: &Splits, bits: &str) -> Result<Option<Row>> {
        let stage =
            Stage { epochs: 5.0, learning_rate: 1e-3, prediction_weight: Some(1.0), ..Stage::new(StageKind::Internal) };
        let mut recipe = Recipe { seed: self.args.seed, stage: vec![stage], ..Recipe::default() };
        recipe.student.weight_bits = bits.parse()?;
        recipe.data.max_length = MAX_LENGTH;
        recipe.run.evals_per_epoch = 1.0;
        let path = self.args.out.join(format!("student-{bits}"));
        let folder = RunFolder::create(&path)?;
        let parts = (recipe.clone(), self.task.clone());
        let mut distiller = Distiller::new(parts, teacher.clone(), texts(examples), folder.clone(), &self.device)?;
        let config = distiller.student().config.clone();
        let description = Description {
            format: FORMAT.into(),
            student: config.clone(),
            task: self.task.clone(),
            max_length: MAX_LENGTH,
        };
        folder.describe(&recipe, &description, tokenizer)?;
        let parameters = distiller.parameters();
        let name = format!("student, {bits} bit");
        let outcome = self.train(&mut distiller, &name, recipe.stage.clone(), (&path, examples, parameters))?;
        if outcome.reason == EndReason::Interrupted {
            return Ok(None);
        }
        let (student, _) = folder.student(&self.device)?;
        let predictions = predict_student(&student, &examples.dev, &self.device);
        Ok(Some(Row {
            model: name,
            bits: Some(bits.parse()?),
            accuracy: predictions.score(&self.task, &examples.dev)?["accuracy"],
            bytes: Some(config.packed_bytes()),
            firing_rate: Some(predictions.rates.values().sum::<f64>() / predictions.rates.len() as f64),
        }))
    }

    fn train<L: Learner>(
        &self,
        learner: &mut L,
        name: &str,
        stages: Vec<Stage>,
        (folder, examples, parameters): (&Path, &Splits, usize),
    ) -> Result<Outcome> {
        let controls = Controls {
            name: format!("quickstart: {name}"),
            stages,
            batch_size: 64,
            // Nothing here is worth resuming: no checkpoint but the last.
            run: RunRecipe { evals_per_epoch: 1.0, checkpoint_minutes: 60.0, ..RunRecipe::default() },
            max_time: None::<Duration>,
            stop: self.stop,
            resume: None,
            sizes: Sizes { parameters, train: examples.train.len(), dev: examples.dev.len() },
        };
        let log = MetricsLog::create(folder.join("metrics.jsonl")).context("open the log")?;
        let setup = live::Setup { summary: name.to_owned(), device: "CPU".into(), ..live::Setup::default() };
        let mut observer = Fanout(vec![Box::new(log), live::observer(self.args.display, setup)]);
        train(learner, &controls, &mut observer).with_context(|| format!("train the {name}"))
    }
}

fn texts(examples: &Splits) -> Texts {
    Texts { train: examples.train.clone(), dev: examples.dev.clone(), corpus: Vec::new() }
}

fn print(report: &Report, args: &QuickstartArgs, json: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        return Ok(writeln!(out, "{json}")?);
    }
    writeln!(out, "\n{:<20} {:>5} {:>9} {:>10} {:>12}", "model", "bits", "accuracy", "bytes", "firing rate")?;
    for row in &report.rows {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        writeln!(
            out,
            "{:<20} {:>5} {:>9.4} {:>10} {:>12}",
            row.model,
            or_dash(row.bits.map(|bits| bits.to_string())),
            row.accuracy,
            or_dash(row.bytes.map(|bytes| bytes.to_string())),
            or_dash(row.firing_rate.map(|rate| format!("{rate:.4}"))),
        )?;
    }
    writeln!(out, "\n{} sentences to train on, {} to score; {:.0} s", report.train, report.dev, report.seconds)?;
    writeln!(out, "next: bitspike eval {}/student-1.58 --data {}/corpus", args.out.display(), args.out.display())?;
    Ok(())
}

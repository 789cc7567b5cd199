//! Corpus, teacher, students, and what each is worth.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use bitspike::atomic_file;
use bitspike::config::BertConfig;
use bitspike::quantize::WeightBits;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::TaskSpec;
use bitspike_run::progress::Observer;
use bitspike_run::recipe::{Recipe, RunRecipe, Stage, StageKind};
use bitspike_run::run::{Checkpoint, RunFolder};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::bag_of_words::BagOfWords;
use super::corpus::{Corpus, CorpusConfig};
use crate::distill::{Inputs, Job};
use crate::error::{Error, Result};
use crate::evaluate::{Network, score};
use crate::finetune::{Finetuner, Settings, Setup};
use crate::student::Student;
use crate::teacher::Teacher;
use crate::texts::Texts;
use crate::training::{Controls, EndReason, Log, train_logged};

/// The comparison, and the mark of a quickstart's folder: written first, so that only such folders are replaced.
const RESULTS: &str = "quickstart.json";
const CORPUS: &str = "corpus";
const TEACHER: &str = "teacher";
const BITS: [WeightBits; 3] = [WeightBits::Full, WeightBits::Ternary, WeightBits::Binary];

/// Tokens kept of a sentence.
const MAX_LENGTH: usize = 48;
const BATCH_SIZE: usize = 64;

/// A quickstart: everything in one go, without a download.
///
/// ```
/// # use bitspike_run::progress::Silent;
/// # use bitspike_train::quickstart::Quickstart;
/// # use std::sync::atomic::AtomicBool;
/// # let folder = tempfile::tempdir().unwrap();
/// let stop = AtomicBool::new(false);
/// let small = Quickstart { out: folder.path(), seed: 1, train: 64, dev: 16, stop: &stop };
/// let found = small.run(&mut Silent)?.expect("nothing stops it");
/// assert_eq!(found.rows.len(), 6, "two yardsticks, a teacher, three students");
/// # Ok::<(), bitspike_train::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Quickstart<'a> {
    /// Folder for the corpus, the teacher and the students; an earlier quickstart in it is replaced.
    pub out: &'a Path,
    /// Seed of corpus, teacher and students.
    pub seed: u64,
    /// Sentences to train on.
    pub train: usize,
    /// Sentences to score on.
    pub dev: usize,
    /// Set to stop it.
    pub stop: &'a AtomicBool,
}

/// What a quickstart found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Its seed.
    pub seed: u64,
    /// Sentences it trained on.
    pub train: usize,
    /// Sentences it scored on.
    pub dev: usize,
    /// How long it took.
    pub seconds: f64,
    /// A line a model; none before all are there.
    pub rows: Vec<Row>,
}

/// One model of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it is.
    pub model: String,
    /// Bits of an encoder weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<f64>,
    /// Share of the dev sentences that it labels rightly.
    pub accuracy: f64,
    /// Bytes of the model, its codes and scales packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Mean firing rate over the populations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firing_rate: Option<f64>,
}

impl Quickstart<'_> {
    /// Runs all of it; none if it was stopped.
    ///
    /// # Errors
    /// If the folder holds anything but an earlier quickstart, or a part of the quickstart fails.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Option<Comparison>> {
        let started = Instant::now();
        self.clear()?;
        let Self { seed, train, dev, .. } = *self;
        let mut comparison = Comparison { seed, train, dev, seconds: 0.0, rows: Vec::new() };
        self.write(&comparison)?;
        let corpus = self.corpus()?;
        for (n, model) in [(1, "bag of words"), (2, "bag of word pairs")] {
            let accuracy = BagOfWords::train(&corpus.train, n).accuracy(&corpus.dev);
            comparison.rows.push(Row { model: model.into(), accuracy, ..Row::default() });
        }
        if self.teacher(observer)? == EndReason::Interrupted {
            return Ok(None);
        }
        let inputs = Inputs::load(&self.out.join(TEACHER), &self.data(), &[], task()?, None)?;
        comparison.rows.push(of_teacher(&inputs, &self.recipe(WeightBits::Full))?);
        for bits in BITS {
            let Some(row) = self.student(&inputs, bits, observer)? else { return Ok(None) };
            comparison.rows.push(row);
        }
        comparison.seconds = started.elapsed().as_secs_f64();
        self.write(&comparison)?;
        Ok(Some(comparison))
    }

    /// Removes an earlier quickstart, and nothing else.
    fn clear(&self) -> Result<()> {
        let out = self.out;
        let Ok(entries) = out.read_dir() else { return Ok(()) };
        let students = BITS.map(student_folder);
        let ours = |name: &str| [CORPUS, TEACHER, RESULTS].contains(&name) || students.iter().any(|ours| ours == name);
        let mut empty = true;
        for entry in entries {
            let name = entry.map_err(|e| Error::io("read", out, e))?.file_name();
            empty = false;
            if !name.to_str().is_some_and(ours) {
                let message = format!("holds {}, which is no quickstart's; choose another --out", name.display());
                return Err(Error::folder(out, message));
            }
        }
        if empty {
            return Ok(());
        }
        // Names alone decide nothing: a folder of anyone's may hold a `corpus` and a `teacher`.
        let marked =
            std::fs::read(out.join(RESULTS)).is_ok_and(|text| serde_json::from_slice::<Comparison>(&text).is_ok());
        if !marked {
            let message = format!("holds files without the {RESULTS} of a quickstart; choose another --out");
            return Err(Error::folder(out, message));
        }
        std::fs::remove_dir_all(out).map_err(|e| Error::io("remove the earlier quickstart in", out, e))
    }

    fn write(&self, comparison: &Comparison) -> Result<()> {
        std::fs::create_dir_all(self.out).map_err(|e| Error::io("create folder", self.out, e))?;
        let json = serde_json::to_string_pretty(comparison).expect("a comparison is JSON");
        Ok(atomic_file::write(&self.out.join(RESULTS), |file| file.write_all(json.as_bytes()))?)
    }

    /// Where the corpus is: training and dev examples in the layout of SST-2, and a vocabulary.
    pub fn data(&self) -> PathBuf {
        self.out.join(CORPUS)
    }

    /// Makes the corpus.
    ///
    /// # Errors
    /// If a split is to have more than 50,000 sentences, or a file cannot be written.
    pub fn corpus(&self) -> Result<Corpus> {
        let Self { seed, train, dev, .. } = *self;
        let corpus = Corpus::generate(&CorpusConfig { seed, train, dev, plain: false })?;
        corpus.write(&self.data())?;
        Ok(corpus)
    }

    /// Trains a teacher on the corpus, from random weights, into the folder `teacher` beside it.
    ///
    /// # Errors
    /// If there is no corpus, training diverges, or a file cannot be written.
    pub fn teacher(&self, observer: &mut dyn Observer) -> Result<EndReason> {
        let (task, tokenizer) = (task()?, Tokenizer::load(self.data())?);
        let texts = Texts::of_task(&task, &self.data(), &tokenizer, MAX_LENGTH)?;
        let config = BertConfig::from_json(&format!(
            r#"{{"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                "intermediate_size": 256, "vocab_size": {}, "max_position_embeddings": {MAX_LENGTH},
                "hidden_dropout_prob": 0.0, "initializer_range": 0.05}}"#,
            tokenizer.vocab_size()
        ))?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let teacher = Teacher::random(config, &mut rng, &Device::flex().autodiff());
        let folder = self.out.join(TEACHER);
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        let settings = Settings { seed: self.seed, batch_size: BATCH_SIZE, max_length: MAX_LENGTH, dev: None };
        let metrics = folder.join("metrics.jsonl");
        let mut finetuner = Finetuner::new(Setup { teacher, tokenizer, task, texts, settings, folder })?;
        let controls = Controls {
            name: "quickstart: teacher".into(),
            summary: TEACHER.into(),
            stages: vec![Stage { epochs: 8.0, learning_rate: 1e-3, ..Stage::new(StageKind::Labels) }],
            batch_size: BATCH_SIZE,
            // Nothing here is worth resuming: no checkpoint but the last.
            run: RunRecipe { evals_per_epoch: 1.0, checkpoint_minutes: 60.0, ..RunRecipe::default() },
            max_time: None,
            stop: self.stop,
            resume: None,
            notes: Vec::new(),
        };
        let log = Log { path: &metrics, goes_on: false };
        let run = train_logged(&mut finetuner, &controls, log, observer).map_err(|e| e.during("train the teacher"))?;
        if run.outcome.reason != EndReason::Interrupted {
            finetuner.finish()?;
        }
        Ok(run.outcome.reason)
    }

    /// Distils one student; none if it was stopped.
    fn student(&self, inputs: &Inputs, bits: WeightBits, observer: &mut dyn Observer) -> Result<Option<Row>> {
        let recipe = self.recipe(bits);
        let folder = RunFolder::create(&self.out.join(student_folder(bits)))?;
        let model = format!("student, {bits} bit");
        let job = Job {
            name: Some(format!("quickstart: {model}")),
            summary: Some(model.clone()),
            stop: self.stop,
            ..Job::new(&recipe, &folder)
        };
        if inputs.distil(&job, observer)?.run.outcome.reason == EndReason::Interrupted {
            return Ok(None);
        }
        let (student, _) = Student::of_run(&folder, Checkpoint::Best, &Device::flex())?;
        let (accuracy, rates) = accuracy(inputs, &recipe, Network::Student(&student))?;
        Ok(Some(Row {
            model,
            bits: Some(bits.bits_per_weight()),
            accuracy,
            bytes: Some(student.config.packed_bytes()),
            firing_rate: Some(rates.iter().sum::<f64>() / rates.len() as f64),
        }))
    }

    /// How a student of `bits` is distilled.
    fn recipe(&self, bits: WeightBits) -> Recipe {
        let stage =
            Stage { epochs: 5.0, learning_rate: 1e-3, prediction_weight: Some(1.0), ..Stage::new(StageKind::Internal) };
        let mut recipe = Recipe { seed: self.seed, stage: vec![stage], ..Recipe::default() };
        recipe.student.weight_bits = bits;
        recipe.data.max_length = MAX_LENGTH;
        recipe.data.batch_size = BATCH_SIZE;
        recipe.run.evals_per_epoch = 1.0;
        recipe
    }
}

/// The corpus is a task like SST-2.
fn task() -> Result<TaskSpec> {
    Ok(TaskSpec::glue("sst2")?)
}

fn student_folder(bits: WeightBits) -> String {
    format!("student-{bits}")
}

/// Accuracy on dev, and the firing rates of the populations.
fn accuracy(inputs: &Inputs, recipe: &Recipe, network: Network<'_>) -> Result<(f64, Vec<f64>)> {
    let found = score(network, &inputs.task, &inputs.texts(recipe)?.dev, &Device::flex())?;
    Ok((found.metrics["accuracy"], found.predictions.rates.into_values().collect()))
}

fn of_teacher(inputs: &Inputs, recipe: &Recipe) -> Result<Row> {
    let teacher = &inputs.teacher;
    let (accuracy, _) = accuracy(inputs, recipe, Network::Teacher(teacher))?;
    let parameters = teacher.parameters();
    let (bits, bytes) = (Some(32.0), Some(4 * parameters as u64));
    Ok(Row { model: "teacher (BERT)".into(), bits, accuracy, bytes, firing_rate: None })
}

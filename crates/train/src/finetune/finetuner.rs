//! A teacher being fine-tuned: its steps, scores and checkpoints.

use std::path::PathBuf;

use bitspike::config::ProblemType;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::{DevShare, Target as TaskTarget, TaskSpec};
use bitspike_run::run::{Counters, forget_before};
use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::batches::{derive_seed, epoch_batches, pack, targets};
use crate::checkpoint::{restore_last, save_last};
use crate::error::{Error, Result};
use crate::evaluate::predict_teacher;
use crate::loss::{Target, label_loss, value};
use crate::optimizer::{AdamW, StepGradients, Update};
use crate::teacher::{RandomDropout, Teacher};
use crate::texts::Texts;
use crate::training::{Evaluation, Learner, Sizes, StepReport, finite};

/// What decides a fine-tuning besides its [`bitspike_run::recipe::Stage`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Seed of the classifier's weights, the order of examples and dropout.
    pub seed: u64,
    /// Examples a step.
    pub batch_size: usize,
    /// Tokens kept of an example.
    pub max_length: usize,
    /// The part of the training examples that chooses the best teacher, for data without a dev split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<DevShare>,
}

/// What is fine-tuned and how.
#[derive(Debug)]
pub struct Setup {
    /// The encoder, with or without a classifier.
    pub teacher: Teacher,
    /// Its tokeniser, written beside it.
    pub tokenizer: Tokenizer,
    /// What it learns.
    pub task: TaskSpec,
    /// What it reads.
    pub texts: Texts,
    /// Seed and batches.
    pub settings: Settings,
    /// Where it and its checkpoints go.
    pub folder: PathBuf,
}

/// A teacher being fine-tuned. Its folder holds the best teacher in the Hugging Face layout and, until the run is finished,
/// `last.safetensors` to resume from.
#[derive(Debug)]
pub struct Finetuner {
    /// Away only while a step updates it.
    teacher: Option<Teacher>,
    tokenizer: Tokenizer,
    task: TaskSpec,
    texts: Texts,
    settings: Settings,
    optimizer: AdamW,
    folder: PathBuf,
    device: Device,
}

const HELD: &str = "the teacher is back after each step";

impl Finetuner {
    /// Prepares the teacher for the task: a classifier of the task's width, at random unless it has one.
    ///
    /// # Errors
    /// If there are no training or dev examples, or `max_length` exceeds the teacher's positions.
    pub fn new(setup: Setup) -> Result<Self> {
        let Setup { mut teacher, tokenizer, task, texts, settings, folder } = setup;
        if texts.train.is_empty() || texts.dev.is_empty() {
            return Err(Error::Mismatch("fine-tuning needs training and dev examples".into()));
        }
        let positions = teacher.config.max_position_embeddings;
        if settings.max_length > positions {
            let message = format!(
                "--max-length is {}, but the teacher has only {positions} positions; give --max-length {positions}, or less",
                settings.max_length
            );
            return Err(Error::Mismatch(message));
        }
        let device = Device::flex();
        let on = device.clone().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(settings.seed, 2));
        teacher.ensure_classifier(task.num_outputs(), &mut rng, &on);
        let labels = task.labels();
        teacher.config.set_labels(labels);
        if matches!(task.target, TaskTarget::Regression { .. }) {
            teacher.config.set_labels(&["LABEL_0".to_owned()]);
            teacher.config.problem_type = Some(ProblemType::Regression);
        } else {
            teacher.config.problem_type = Some(ProblemType::SingleLabelClassification);
        }
        let fine_tuned = serde_json::Value::from(vec![teacher.config.family().classifier()]);
        teacher.config.other.insert("architectures".into(), fine_tuned);
        teacher.config.other.insert("finetuning_task".into(), task.name.clone().into());
        // Whatever the source's weights were, these are written in F32.
        for key in ["torch_dtype", "dtype"] {
            teacher.config.other.remove(key);
        }
        let optimizer = AdamW::default();
        Ok(Self { teacher: Some(teacher), tokenizer, task, texts, settings, optimizer, folder, device })
    }

    /// Goes back to the folder's last checkpoint.
    ///
    /// # Errors
    /// If there is none or it is of another teacher.
    pub fn restore(&mut self) -> Result<Counters> {
        let last = self.last();
        let Teacher { net, words, .. } = self.teacher.as_mut().expect(HELD);
        let (optimizer, _, counters) = restore_last(&last, net, words)?;
        self.optimizer = optimizer;
        Ok(counters)
    }

    /// Removes the checkpoint that a finished run no longer needs.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn finish(&self) -> Result<()> {
        let last = self.last();
        if last.exists() {
            std::fs::remove_file(&last).map_err(|e| Error::io("remove", &last, e))?;
        }
        Ok(forget_before(&last)?)
    }

    /// The teacher as it stands.
    pub fn teacher(&self) -> &Teacher {
        self.teacher.as_ref().expect(HELD)
    }

    /// `last.safetensors`
    pub(super) fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }
}

impl Learner for Finetuner {
    fn sizes(&self) -> Sizes {
        let Teacher { net, words, .. } = self.teacher();
        Sizes {
            parameters: net.num_params() + words.values.len(),
            train: self.texts.train.len(),
            dev: self.texts.dev.len(),
        }
    }

    fn primary(&self) -> String {
        self.task.primary().to_string()
    }

    fn stage_examples(&self, _stage: usize) -> usize {
        self.texts.train.len()
    }

    fn batches(&self, _stage: usize, epoch: u64) -> Vec<Vec<usize>> {
        epoch_batches(&self.texts.train, self.settings.batch_size, derive_seed(self.settings.seed, 1000 + epoch))
    }

    fn begin_stage(&mut self, _stage: usize) {
        self.optimizer = AdamW::default();
    }

    fn step(&mut self, _: usize, step: u64, batch: &[usize], update: Update, _measure: bool) -> Result<StepReport> {
        let tokens = pack(&self.texts.train, batch);
        let labels = targets(&self.texts.train, batch)?;
        let regression = matches!(self.task.target, TaskTarget::Regression { .. });
        let on = self.device.clone().autodiff();
        let teacher = self.teacher.as_ref().expect(HELD);
        let rows = teacher.words.rows(&tokens.vocabulary, &on).require_grad();
        // Each step has a stream of its own, so that a resumed run drops the same values.
        let rng = ChaCha8Rng::seed_from_u64(derive_seed(self.settings.seed, (1 << 40) + step));
        let mut dropout = RandomDropout { p: teacher.config.hidden_dropout_prob, rng };
        let output = teacher.forward(rows.clone(), &tokens, &mut dropout);
        let target = Target { labels: &labels, regression, temperature: 1.0, vectors: None };
        let loss = label_loss(output.logits.expect("fine-tuning has a classifier"), target);
        let found = finite(value(&loss), "the loss", step)?;
        let gradients = StepGradients::take(&teacher.net, &rows, &tokens.vocabulary, loss.backward());
        // Whatever shares the weights' memory goes before they are updated in place.
        drop((output.hidden, output.query_key, output.pooled, rows));
        let Teacher { config, net, mut words, sentence, notes } = self.teacher.take().expect(HELD);
        let (net, norm) = self.optimizer.step(net, &mut words, gradients, update);
        self.teacher = Some(Teacher { config, net, words, sentence, notes });
        let grad_norm = finite(norm, "the norm of the gradient", step)?;
        let tokens = tokens.len();
        Ok(StepReport { loss: found, prediction: Some(found), grad_norm, tokens, ..StepReport::default() })
    }

    fn evaluate(&self) -> Result<Evaluation> {
        let predictions = predict_teacher(self.teacher(), &self.texts.dev, &self.device)?;
        Evaluation::of(&self.task, &predictions, &self.texts.dev)
    }

    fn save_best(&self, _counters: &Counters) -> Result<PathBuf> {
        self.tokenizer.save(&self.folder)?;
        self.teacher().save(&self.folder)?;
        Ok(self.folder.join("model.safetensors"))
    }

    fn save_last(&self, counters: &Counters) -> Result<PathBuf> {
        let Teacher { net, words, .. } = self.teacher();
        save_last(&self.last(), net, words, &self.optimizer, None, counters)
    }
}

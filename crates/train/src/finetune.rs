//! Fine-tuning a BERT teacher on a task.

use std::path::PathBuf;

use bitspike_data::{Target as TaskTarget, TaskSpec};
use bitspike::tokenizer::Tokenizer;
use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::batches::{derive_seed, epoch_batches, pack, targets};
use crate::distill::Texts;
use crate::error::{Error, Result};
use crate::evaluate::predict_teacher;
use crate::loss::{Target, label_loss, value};
use crate::optimizer::{AdamW, ModuleGradients, RowGradient, Update, floats};
use bitspike_run::run::{Counters, counters, save};
use crate::teacher::{RandomDropout, Teacher};
use crate::training::{Evaluation, Learner, StepReport};
use bitspike_run::weights::Weights;

/// What decides a fine-tuning besides its [`bitspike_run::recipe::Stage`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinetuneSettings {
    /// Seed of the classifier's weights, the order of examples and dropout.
    pub seed: u64,
    /// Examples a step.
    pub batch_size: usize,
    /// Tokens kept of an example.
    pub max_length: usize,
}

/// A teacher being fine-tuned. Its folder holds the best teacher in the Hugging Face layout and, until the run is finished,
/// `last.safetensors` to resume from.
#[derive(Debug)]
pub struct Finetuner {
    task: TaskSpec,
    teacher: Teacher,
    tokenizer: Tokenizer,
    texts: Texts,
    settings: FinetuneSettings,
    optimizer: AdamW,
    folder: PathBuf,
    device: Device,
}

impl Finetuner {
    /// Prepares `teacher` for `task`: a classifier of the task's width, at random unless it has one.
    ///
    /// # Errors
    /// If there are no training or dev examples, or `max_length` exceeds the teacher's positions.
    pub fn new(
        (mut teacher, tokenizer): (Teacher, Tokenizer),
        task: TaskSpec,
        texts: Texts,
        settings: FinetuneSettings,
        folder: PathBuf,
    ) -> Result<Self> {
        if texts.train.is_empty() || texts.dev.is_empty() {
            return Err(Error::Mismatch("fine-tuning needs training and dev examples".into()));
        }
        let positions = teacher.config.max_position_embeddings;
        if settings.max_length > positions {
            let message =
                format!("--max-length is {}, but the teacher has only {positions} positions", settings.max_length);
            return Err(Error::Mismatch(message));
        }
        let device = Device::flex();
        let on = device.clone().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(settings.seed, 2));
        teacher.ensure_classifier(task.num_outputs(), &mut rng, &on);
        let labels = task.labels();
        teacher.config.set_labels(if labels.is_empty() { &[] } else { labels });
        if matches!(task.target, TaskTarget::Regression { .. }) {
            teacher.config.set_labels(&["LABEL_0".to_owned()]);
            teacher.config.problem_type = Some(bitspike::config::ProblemType::Regression);
        } else {
            teacher.config.problem_type = Some(bitspike::config::ProblemType::SingleLabelClassification);
        }
        let fine_tuned = serde_json::Value::from(vec!["BertForSequenceClassification"]);
        teacher.config.other.insert("architectures".into(), fine_tuned);
        teacher.config.other.insert("finetuning_task".into(), task.name.clone().into());
        // Whatever the source's weights were, these are written in F32.
        for key in ["torch_dtype", "dtype"] {
            teacher.config.other.remove(key);
        }
        let optimizer = AdamW::default();
        Ok(Self { task, teacher, tokenizer, texts, settings, optimizer, folder, device })
    }

    /// Goes back to the folder's last checkpoint.
    ///
    /// # Errors
    /// If there is none or it is of another teacher.
    pub fn restore(&mut self) -> Result<Counters> {
        let mut weights = Weights::load(&self.last())?;
        let counters = counters(&weights)?;
        self.optimizer = AdamW::restore(&mut weights)?;
        let width = self.teacher.words.width;
        self.teacher.words.values = weights.take("words", &[self.teacher.words.values.len() / width, width])?;
        self.teacher.net = crate::parameters::replace(self.teacher.net.clone(), &mut weights)?;
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
        Ok(())
    }

    /// The teacher as it stands.
    pub fn teacher(&self) -> &Teacher {
        &self.teacher
    }

    /// Number of trainable scalars.
    pub fn parameters(&self) -> usize {
        self.teacher.net.num_params() + self.teacher.words.values.len()
    }

    fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }
}

impl Learner for Finetuner {
    fn stage_examples(&self, _stage: usize) -> usize {
        self.texts.train.len()
    }

    fn batches(&self, _stage: usize, epoch: u64) -> Vec<Vec<usize>> {
        epoch_batches(&self.texts.train, self.settings.batch_size, derive_seed(self.settings.seed, 1000 + epoch))
    }

    fn begin_stage(&mut self, _stage: usize) {
        self.optimizer = AdamW::default();
    }

    fn step(
        &mut self,
        _stage: usize,
        step: u64,
        batch: &[usize],
        update: Update,
        _measure: bool,
    ) -> Result<StepReport> {
        let tokens = pack(&self.texts.train, batch);
        let labels = targets(&self.texts.train, batch)?;
        let regression = matches!(self.task.target, TaskTarget::Regression { .. });
        let on = self.device.clone().autodiff();
        let rows = self.teacher.words.rows(&tokens.vocabulary, &on).require_grad();
        // Each step has a stream of its own, so that a resumed run drops the same values.
        let rng = ChaCha8Rng::seed_from_u64(derive_seed(self.settings.seed, (1 << 40) + step));
        let mut dropout = RandomDropout { p: self.teacher.config.hidden_dropout_prob, rng };
        let output = self.teacher.forward(rows.clone(), &tokens, &mut dropout);
        let target = Target { labels: &labels, regression, temperature: 1.0 };
        let loss = label_loss(output.logits.expect("fine-tuning has a classifier"), target);
        let mut report = StepReport { loss: value(&loss), tokens: tokens.len(), ..StepReport::default() };
        report.prediction = Some(report.loss);
        if !report.loss.is_finite() {
            return Err(Error::Diverged { step, what: "the loss".into(), value: report.loss });
        }
        let mut gradients = loss.backward();
        let row_gradient = rows.grad_remove(&mut gradients).map(floats);
        let row_gradient = row_gradient.map(|values| RowGradient { ids: &tokens.vocabulary, values });
        let taken = ModuleGradients::take(&self.teacher.net, &mut gradients);
        drop((gradients, rows, loss));
        let words = (&mut self.teacher.words, row_gradient);
        report.grad_norm = self.optimizer.step(&mut self.teacher.net, taken, words, update);
        if !report.grad_norm.is_finite() {
            return Err(Error::Diverged { step, what: "the norm of the gradient".into(), value: report.grad_norm });
        }
        Ok(report)
    }

    fn evaluate(&self) -> Result<Evaluation> {
        let predictions = predict_teacher(&self.teacher, &self.texts.dev, &self.device)?;
        Evaluation::of(&self.task, &predictions, &self.texts.dev)
    }

    fn save_best(&self, _counters: &Counters) -> Result<PathBuf> {
        self.tokenizer.save(&self.folder)?;
        self.teacher.save(&self.folder)?;
        Ok(self.folder.join("model.safetensors"))
    }

    fn save_last(&self, counters: &Counters) -> Result<PathBuf> {
        let mut weights = crate::parameters::collect(&self.teacher.net);
        let words = &self.teacher.words;
        weights.insert("words", &[words.values.len() / words.width, words.width], words.values.clone());
        self.optimizer.store(&mut weights);
        Ok(save(&self.last(), weights, counters)?)
    }
}

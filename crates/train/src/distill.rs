//! Distillation: a teacher's hidden states, attention scores and logits into a spiking student, stage by stage.

use std::path::PathBuf;

use bitspike::config::StudentConfig;
use bitspike::forward::Simulation;
use bitspike_data::{Target as TaskTarget, TaskSpec};
use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use bitspike_data::Encoded;
use crate::batches::{derive_seed, epoch_batches, pack, targets};
use crate::equilibrium::SolveReport;
use crate::error::{Error, Result};
use crate::evaluate::predict_student;
use crate::feedback::LoopSummary;
use crate::layers::matrix;
use crate::loss::{Target, distillation, value};
use crate::optimizer::{AdamW, ModuleGradients, RowGradient, Update, floats};
use bitspike_run::progress::LoopStep;
use bitspike_run::recipe::{Init, Recipe, StageKind};
use bitspike_run::run::{Counters, RunFolder};
use crate::simulation::{predict_in_time, simulated_sums};
use crate::student::{Forward, Student};
use crate::teacher::Teacher;
use crate::training::{Evaluation, Learner, StepReport, stage_steps};

/// The texts of a distillation.
#[derive(Debug, Default)]
pub struct Texts {
    /// The task's training examples.
    pub train: Vec<Encoded>,
    /// The task's dev examples.
    pub dev: Vec<Encoded>,
    /// Unlabelled windows for `general` stages.
    pub corpus: Vec<Encoded>,
}

/// A student in training beside its teacher.
#[derive(Debug)]
pub struct Distiller {
    recipe: Recipe,
    task: TaskSpec,
    teacher: Teacher,
    student: Student,
    texts: Texts,
    optimizer: AdamW,
    folder: RunFolder,
    device: Device,
    /// What the last step's firing rates came from, and what the next evaluation's come from.
    simulation: Option<Simulation>,
    /// How the solves of a student with feedback went, forward and backward.
    solves: (LoopSummary, LoopSummary),
}

/// The configuration of the student that `recipe` describes for `teacher` and `task`.
///
/// # Errors
/// If it is not a valid one.
pub fn student_config(recipe: &Recipe, teacher: &Teacher, task: &TaskSpec) -> Result<StudentConfig> {
    let (wanted, source) = (&recipe.student, &teacher.config);
    let or = |value: usize, default: usize| if value == 0 { default } else { value };
    if wanted.init == Init::Teacher && wanted.hidden + wanted.heads + wanted.intermediate > 0 {
        return Err(Error::Mismatch(
            "`student.hidden`, `heads` and `intermediate` are the teacher's when `student.init = \"teacher\"`; leave them out \
             or set `init = \"random\"`"
                .into(),
        ));
    }
    let config = StudentConfig {
        hidden: or(wanted.hidden, source.hidden_size),
        heads: or(wanted.heads, source.num_attention_heads),
        intermediate: or(wanted.intermediate, source.intermediate_size),
        layers: or(wanted.layers, source.num_hidden_layers),
        vocab_size: source.vocab_size,
        max_positions: source.max_position_embeddings,
        type_vocab: source.type_vocab_size,
        layer_norm_eps: source.layer_norm_eps,
        num_labels: task.num_outputs(),
        labels: task.labels().to_vec(),
        time_steps: wanted.time_steps,
        signed: wanted.signed,
        weight_bits: wanted.weight_bits,
        granularity: wanted.granularity,
        embedding_bits: wanted.embedding_bits,
        feedback: wanted.feedback,
    };
    config.validate()?;
    Ok(config)
}

impl Distiller {
    /// Prepares a student for `recipe`: from the teacher or at random.
    ///
    /// # Errors
    /// If recipe, task, teacher and texts do not fit together; each is named with what to change.
    pub fn new(
        (recipe, task): (Recipe, TaskSpec),
        teacher: Teacher,
        texts: Texts,
        folder: RunFolder,
        device: &Device,
    ) -> Result<Self> {
        let config = check(&recipe, &task, &teacher, &texts)?;
        let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(recipe.seed, 1));
        let thresholds = &recipe.student.thresholds;
        let on = device.clone().autodiff();
        let student = match recipe.student.init {
            Init::Teacher => Student::from_teacher(config, &teacher, thresholds, &mut rng, &on)?,
            Init::Random => {
                let deviation = teacher.config.initializer_range;
                Student::random(config, teacher.config.hidden_size, thresholds, deviation, &mut rng, &on)
            }
        };
        let optimizer = AdamW::default();
        Ok(Self {
            recipe,
            task,
            teacher,
            student,
            texts,
            optimizer,
            folder,
            device: device.clone(),
            simulation: None,
            solves: Default::default(),
        })
    }

    /// Goes back to the folder's last checkpoint.
    ///
    /// # Errors
    /// If there is none or it is of another student.
    pub fn restore(&mut self) -> Result<Counters> {
        let (optimizer, counters) = self.student.restore_last(&self.folder)?;
        self.optimizer = optimizer;
        Ok(counters)
    }

    /// Starts from the weights of another run's student of the same shape. A student with another number of outputs learned another
    /// task: this one keeps its own classifier then.
    ///
    /// # Errors
    /// If that run has no checkpoint or its student has another shape.
    pub fn start_from(&mut self, other: &RunFolder) -> Result<()> {
        same_shape(other, &self.student.config)?;
        let mut weights = other.weights()?;
        if other.description()?.student.num_labels != self.student.config.num_labels {
            let mut own = crate::parameters::collect(&self.student.net);
            for name in ["classifier.weight", "classifier.bias"] {
                if let Some(array) = own.remove(name) {
                    weights.remove(name);
                    weights.insert(name, &array.shape, array.values);
                }
            }
        }
        self.student.load_weights(&mut weights)
    }

    /// How the fixed points of the steps so far and their gradients were solved; nothing without feedback.
    pub fn solves(&self) -> (LoopSummary, LoopSummary) {
        self.solves
    }

    /// The simulation that step number `step` (from 1) runs through, if any.
    fn simulation_at(&self, stage: usize, step: u64) -> Option<Simulation> {
        let settings = self.recipe.stage[stage].simulate?;
        let steps =
            |i: usize| stage_steps(&self.recipe.stage[i], self.stage_examples(i), self.recipe.data.batch_size).1;
        let before: u64 = (0..stage).map(steps).sum();
        let local = (step - 1).saturating_sub(before);
        (local as f64 >= settings.from * steps(stage) as f64).then(|| settings.simulation())
    }

    /// The student as it stands.
    pub fn student(&self) -> &Student {
        &self.student
    }

    /// Number of trainable scalars.
    pub fn parameters(&self) -> usize {
        self.student.net.num_params() + self.student.words.values.len()
    }

    fn examples(&self, stage: usize) -> &[Encoded] {
        if self.recipe.stage[stage].kind == StageKind::General { &self.texts.corpus } else { &self.texts.train }
    }
}

/// The solves of a step as the log has them.
fn loop_step(forward: SolveReport, backward: SolveReport) -> LoopStep {
    LoopStep {
        forward_iterations: forward.iterations,
        forward_residual: forward.residual,
        backward_iterations: backward.iterations,
        backward_residual: backward.residual,
        converged: forward.converged && backward.converged,
    }
}

/// Whether a student of `config` can start from the weights of the run in `other`.
///
/// # Errors
/// If that run's student has another shape; the first size that differs is named.
pub fn same_shape(other: &RunFolder, config: &StudentConfig) -> Result<()> {
    let found = other.description()?.student;
    let sizes = |config: &StudentConfig| {
        [
            ("layers", config.layers),
            ("hidden size", config.hidden),
            ("attention heads", config.heads),
            ("intermediate size", config.intermediate),
            ("vocabulary", config.vocab_size),
            ("positions", config.max_positions),
            ("token types", config.type_vocab),
        ]
    };
    let mut pairs = sizes(config).into_iter().zip(sizes(&found));
    match pairs.find(|(expected, found)| expected != found) {
        None => Ok(()),
        Some(((what, expected), (_, found))) => Err(Error::Mismatch(format!(
            "a student starts only from one of the same shape: {what} expected {expected}, found {found} in {}",
            other.path().display()
        ))),
    }
}

/// Whether recipe, task, teacher and texts fit together; the configuration of the student that they make.
///
/// # Errors
/// If they do not; what does not fit is named with what to change.
pub fn check(recipe: &Recipe, task: &TaskSpec, teacher: &Teacher, texts: &Texts) -> Result<StudentConfig> {
    let config = student_config(recipe, teacher, task)?;
    if recipe.student.init == Init::Teacher {
        Student::fits_teacher(&config, teacher)?;
    }
    let fail = |message: String| Err(Error::Mismatch(message));
    for (i, stage) in recipe.stage.iter().enumerate() {
        let weights = stage.loss_weights();
        if stage.kind == StageKind::General && texts.corpus.is_empty() {
            return fail(format!("stage {i} is `general` and needs plain text: give a file with --corpus"));
        }
        if stage.kind != StageKind::General && texts.train.is_empty() {
            return fail(format!(
                "stage {i} ({}) needs the task's training examples: none were found",
                stage.kind.name()
            ));
        }
        if weights.attention > 0.0 && config.heads != teacher.config.num_attention_heads {
            return fail(format!(
                "stage {i} compares attention scores, but the student has {} heads and the teacher {}; set \
                 `attention_weight = 0` or give both the same",
                config.heads, teacher.config.num_attention_heads
            ));
        }
        if weights.prediction > 0.0 {
            match teacher.num_outputs() {
                None => {
                    return fail(format!(
                        "stage {i} learns from the teacher's logits, but the teacher has no classifier: fine-tune it with \
                         `bitspike teacher --task {}` first, or use a `labels` stage",
                        task.name
                    ));
                }
                Some(found) if found != task.num_outputs() => {
                    return fail(format!(
                        "the teacher has {found} outputs, task {} has {}: this teacher was fine-tuned for another task",
                        task.name,
                        task.num_outputs()
                    ));
                }
                Some(_) => {}
            }
        }
    }
    if recipe.data.max_length > config.max_positions {
        return fail(format!(
            "`data.max_length` is {}, but the teacher has only {} positions",
            recipe.data.max_length, config.max_positions
        ));
    }
    Ok(config)
}

impl Learner for Distiller {
    fn stage_examples(&self, stage: usize) -> usize {
        self.examples(stage).len()
    }

    fn batches(&self, stage: usize, epoch: u64) -> Vec<Vec<usize>> {
        let seed = derive_seed(self.recipe.seed, 1000 * (stage as u64 + 1) + epoch);
        epoch_batches(self.examples(stage), self.recipe.data.batch_size, seed)
    }

    fn begin_stage(&mut self, _stage: usize) {
        self.optimizer = AdamW::default();
    }

    fn step(&mut self, stage: usize, step: u64, batch: &[usize], update: Update, measure: bool) -> Result<StepReport> {
        let settings = &self.recipe.stage[stage];
        let weights = settings.loss_weights();
        let tokens = pack(self.examples(stage), batch);
        let labels = if weights.label > 0.0 { targets(self.examples(stage), batch)? } else { Vec::new() };
        let regression = matches!(self.task.target, TaskTarget::Regression { .. });
        let target = Target { labels: &labels, regression, temperature: settings.temperature };

        let teacher = self.teacher.infer(&tokens, &self.device);
        let on = self.device.clone().autodiff();
        let rows = self.student.words.rows(&tokens.vocabulary, &on).require_grad();
        self.simulation = self.simulation_at(stage, step);
        let through = (&tokens, target);
        let mut correction = None;
        let output = match &self.simulation {
            None if self.student.config.feedback.is_some() => {
                let loss = |output: &_| distillation(&self.student, output, &teacher, through, weights).total;
                let pass = self.student.through_fixed_point(rows.clone(), &tokens, (false, &self.device), loss)?;
                self.solves.0.add(pass.forward);
                self.solves.1.add(pass.backward);
                correction = Some((pass.correction, pass.forward, pass.backward));
                pass.output
            }
            None => self.student.forward(rows.clone(), &tokens, Forward::Quantised),
            Some(simulation) => {
                let sums = simulated_sums(&self.student, &tokens, simulation, &self.device)?;
                let mut counts = sums.into_iter().map(|(sums, shape)| matrix(sums, shape, &self.device));
                let weight = simulation.weight(simulation.time_steps);
                self.student.forward(rows.clone(), &tokens, Forward::Simulated { counts: &mut counts, weight })
            }
        };
        let loss = distillation(&self.student, &output, &teacher, through, weights);
        let part = |part: &Option<burn::tensor::Tensor<2>>| part.as_ref().map(value);
        let mut report = StepReport {
            loss: value(&loss.total),
            hidden: part(&loss.hidden),
            attention: part(&loss.attention),
            prediction: part(&loss.prediction),
            tokens: tokens.len(),
            ..StepReport::default()
        };
        if !report.loss.is_finite() {
            return Err(Error::Diverged { step, what: "the loss".into(), value: report.loss });
        }
        if measure {
            let levels = match &self.simulation {
                None => self.student.config.time_steps as f32,
                Some(simulation) => simulation.weight(simulation.time_steps),
            };
            let rates = output.firing_rates(levels);
            report.rate = Some(rates.iter().map(|(_, rate)| rate).sum::<f64>() / rates.len() as f64);
        }
        let mut gradients = match correction {
            None => loss.total.clone().backward(),
            Some((correction, forward, backward)) => {
                report.feedback = Some(loop_step(forward, backward));
                (loss.total.clone() + correction).backward()
            }
        };
        drop((loss, output, teacher));
        let row_gradient = rows.grad_remove(&mut gradients).map(floats);
        let row_gradient = row_gradient.map(|values| RowGradient { ids: &tokens.vocabulary, values });
        let taken = ModuleGradients::take(&self.student.net, &mut gradients);
        drop((gradients, rows));
        let update =
            if self.recipe.student.learn_thresholds { update } else { Update { threshold_rate: 0.0, ..update } };
        let optimizer = &mut self.optimizer;
        let words = &mut self.student.words;
        let net = &mut self.student.net;
        report.grad_norm = optimizer.step(net, taken, (words, row_gradient), update);
        if !report.grad_norm.is_finite() {
            return Err(Error::Diverged { step, what: "the norm of the gradient".into(), value: report.grad_norm });
        }
        Ok(report)
    }

    fn evaluate(&self) -> Result<Evaluation> {
        let predictions = match &self.simulation {
            None => predict_student(&self.student, &self.texts.dev, &self.device).0,
            Some(simulation) => predict_in_time(&self.student, &self.texts.dev, simulation, &self.device)?,
        };
        let dynamics = self.simulation.map(|simulation| simulation.dynamics);
        Ok(Evaluation { dynamics, ..Evaluation::of(&self.task, &predictions, &self.texts.dev)? })
    }

    fn save_best(&self, counters: &Counters) -> Result<PathBuf> {
        self.student.save_best(&self.folder, counters)
    }

    fn save_last(&self, counters: &Counters) -> Result<PathBuf> {
        self.student.save_last(&self.folder, &self.optimizer, counters)
    }
}

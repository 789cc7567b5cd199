//! A student in training: its steps, scores and checkpoints.

use std::path::PathBuf;

use bitspike::forward::Simulation;
use bitspike_data::{ClassMap, Encoded, Target as TaskTarget, TaskSpec, same_classes};
use bitspike_run::progress::LoopStep;
use bitspike_run::recipe::{Init, Recipe, StageKind};
use bitspike_run::run::{Counters, RunFolder};
use bitspike_run::weights::Array;
use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::fits::{check, same_shape};
use crate::batches::{derive_seed, epoch_batches, pack, targets};
use crate::checkpoint::{restore_last, save_last};
use crate::equilibrium::SolveReport;
use crate::error::Result;
use crate::evaluate::predict_student;
use crate::feedback::{Around, LoopSummary};
use crate::layers::matrix;
use crate::loss::{Target, distillation, value};
use crate::optimizer::{AdamW, StepGradients, Update};
use crate::predecessor::Predecessor;
use crate::simulation::{predict_in_time, simulated_sums};
use crate::sparsity::{Controller, weighted_share};
use crate::student::{Forward, Start, Student};
use crate::teacher::{Teacher, TeacherOutput};
use crate::texts::Texts;
use crate::training::{Evaluation, Learner, Sizes, StepReport, finite, stage_steps};

/// What a student is distilled from and how.
#[derive(Debug)]
pub struct Setup {
    /// Student, stages and seed.
    pub recipe: Recipe,
    /// What is learnt.
    pub task: TaskSpec,
    /// What it is learnt from.
    pub teacher: Teacher,
    /// What is read meanwhile.
    pub texts: Texts,
    /// Where checkpoints go.
    pub folder: RunFolder,
}

/// A student in training beside its teacher.
#[derive(Debug)]
pub struct Distiller {
    setup: Setup,
    /// Away only while a step updates it.
    student: Option<Student>,
    optimizer: AdamW,
    device: Device,
    /// What the last step's firing rates came from, and what the next evaluation's come from.
    simulation: Option<Simulation>,
    /// Of the stage's `target_nonzero`.
    controller: Controller,
    solves: Solves,
}

/// How the solves of a student with feedback went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Solves {
    /// Of its fixed points.
    pub forward: LoopSummary,
    /// Of gradients through them.
    pub backward: LoopSummary,
}

/// Sentences that tell whether a student spikes at all.
const SILENCE: usize = 32;

const HELD: &str = "the student is back after each step";

impl Distiller {
    /// Prepares a student for the recipe of `setup`: from the teacher or at random.
    ///
    /// # Errors
    /// If recipe, task, teacher and texts do not fit together; each is named with what to change.
    pub fn new(setup: Setup, device: &Device) -> Result<Self> {
        let Setup { recipe, task, teacher, texts, .. } = &setup;
        let config = check(recipe, task, teacher, texts)?;
        let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(recipe.seed, 1));
        let thresholds = &recipe.student.thresholds;
        let on = device.clone().autodiff();
        let student = match recipe.student.init {
            Init::Teacher => Student::from_teacher(config, teacher, thresholds, &mut rng, &on)?,
            Init::Random => {
                let (teacher_width, deviation) = (teacher.config.hidden_size, teacher.config.initializer_range);
                Student::random(config, Start { teacher_width, thresholds, deviation }, &mut rng, &on)
            }
        };
        Ok(Self {
            setup,
            student: Some(student),
            optimizer: AdamW::default(),
            device: device.clone(),
            simulation: None,
            controller: Controller::default(),
            solves: Solves::default(),
        })
    }

    /// Goes back to the folder's last checkpoint.
    ///
    /// # Errors
    /// If there is none or it is of another student.
    pub fn restore(&mut self) -> Result<Counters> {
        let Student { net, words, .. } = self.student.as_mut().expect(HELD);
        let (optimizer, controller, counters) = restore_last(&self.setup.folder.last(), net, words)?;
        (self.optimizer, self.controller) = (optimizer, controller);
        Ok(counters)
    }

    /// Goes back to the folder's best student, with a fresh optimiser.
    ///
    /// # Errors
    /// If there is none or it is of another student.
    pub(crate) fn restore_best(&mut self) -> Result<()> {
        let mut weights = self.setup.folder.weights()?;
        self.optimizer = AdamW::default();
        self.student.as_mut().expect(HELD).load_weights(&mut weights)
    }

    /// Starts from the weights of another student of the same shape. Its classifier is taken over, in the order of this task's
    /// classes, only where the names of the classes say that it learned the same; otherwise this student keeps its own. Returns one
    /// line that says which.
    ///
    /// # Errors
    /// If that run has no checkpoint or its student has another shape.
    pub fn start_from(&mut self, other: &Predecessor) -> Result<String> {
        let student = self.student.as_mut().expect(HELD);
        same_shape(&other.student()?, other.path(), &student.config)?;
        let mut weights = other.weights()?;
        let theirs = other.task()?;
        let place = other.path().display();
        let outputs = same_outputs(&theirs, &self.setup.task);
        let said = match &outputs {
            Some(_) if student.config.pooling.is_some() => format!("starts from {place}"),
            Some(_) => format!("starts from {place}, classifier included"),
            None => format!(
                "starts from {place}, but for its classifier: its classes are those of task {}, not of {}",
                theirs.name, self.setup.task.name
            ),
        };
        let own = crate::parameters::collect(&student.net);
        for name in ["fit.weight", "fit.bias"] {
            // A packed model has none.
            if let (false, Some(own)) = (weights.contains(name), own.get(name)) {
                weights.insert(name, &own.shape, own.values.clone());
            }
        }
        for (name, width) in [("classifier.weight", student.config.hidden), ("classifier.bias", 1)] {
            let Some(theirs) = weights.remove(name) else { continue };
            let array = match (&outputs, own.get(name)) {
                (None, Some(own)) => own.clone(),
                (Some(outputs), _) if theirs.values.len() == outputs.len() * width => {
                    let rows = outputs.iter().flat_map(|&row| theirs.values[row * width..][..width].iter().copied());
                    Array { values: rows.collect(), ..theirs }
                }
                _ => theirs,
            };
            weights.insert(name, &array.shape, array.values);
        }
        student.load_weights(&mut weights)?;
        Ok(said)
    }

    /// Where its checkpoints go.
    pub(crate) fn folder(&self) -> &RunFolder {
        &self.setup.folder
    }

    /// How the fixed points of the steps so far and their gradients were solved; nothing without feedback.
    pub fn solves(&self) -> Solves {
        self.solves
    }

    /// Whether no neuron spikes in the first sentences of dev.
    pub fn is_silent(&self) -> bool {
        let dev = &self.setup.texts.dev;
        if dev.is_empty() {
            return false;
        }
        let (predictions, _) = predict_student(self.student(), &dev[..dev.len().min(SILENCE)], &self.device);
        !predictions.rates.is_empty() && predictions.rates.values().all(|&rate| rate == 0.0)
    }

    /// The simulation that step number `step` (from 1) runs through, if any.
    fn simulation_at(&self, stage: usize, step: u64) -> Option<Simulation> {
        let settings = self.setup.recipe.stage[stage].simulate?;
        let (local, steps) = self.within(stage, step);
        (local as f64 >= settings.from * steps as f64).then(|| settings.simulation())
    }

    /// Steps of a stage that are over before step number `step` of the run (from 1), and all of them.
    fn within(&self, stage: usize, step: u64) -> (u64, u64) {
        let recipe = &self.setup.recipe;
        let steps = |i: usize| stage_steps(&recipe.stage[i], self.stage_examples(i), recipe.data.batch_size).1;
        let before: u64 = (0..stage).map(steps).sum();
        ((step - 1).saturating_sub(before), steps(stage))
    }

    /// The student as it stands.
    pub fn student(&self) -> &Student {
        self.student.as_ref().expect(HELD)
    }

    fn examples(&self, stage: usize) -> &[Encoded] {
        let Setup { recipe, texts, .. } = &self.setup;
        if recipe.stage[stage].kind == StageKind::General { &texts.corpus } else { &texts.train }
    }
}

/// For each class of `task` the output of a student of `other`, where their names say that the two are the same task. Scores and
/// numbers say nothing by themselves: the tasks have to be of one name then.
fn same_outputs(other: &TaskSpec, task: &TaskSpec) -> Option<Vec<usize>> {
    let (theirs, classes) = (other.labels(), task.labels());
    let one_name = other.name == task.name && other.num_outputs() == task.num_outputs();
    if other.target.is_regression() || task.target.is_regression() {
        return (one_name && other.target.is_regression() && task.target.is_regression()).then(|| vec![0]);
    }
    same_classes(theirs, classes).or_else(|| {
        let map = ClassMap::new(theirs, task, None).ok();
        map.filter(|map| one_name && map.is_by_name()).map(|map| map.outputs().to_vec())
    })
}

/// What is said of the chosen examples instead of the teacher's own answers: values and shape; none unless something is said of each.
fn answers(examples: &[Encoded], batch: &[usize]) -> Option<(Vec<f32>, [usize; 2])> {
    let answers: Vec<&[f32]> = batch.iter().map(|&i| examples[i].answer.as_deref()).collect::<Option<_>>()?;
    Some((answers.concat(), [answers.len(), answers.first()?.len()]))
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

impl Learner for Distiller {
    fn sizes(&self) -> Sizes {
        let (Student { net, words, .. }, texts) = (self.student(), &self.setup.texts);
        let parameters = net.num_params() + words.values.len();
        Sizes { parameters, train: texts.train.len(), dev: texts.dev.len() / self.setup.task.sequences() }
    }

    fn primary(&self) -> String {
        self.setup.task.primary().to_string()
    }

    fn stage_examples(&self, stage: usize) -> usize {
        self.examples(stage).len()
    }

    fn batches(&self, stage: usize, epoch: u64) -> Vec<Vec<usize>> {
        let recipe = &self.setup.recipe;
        let seed = derive_seed(recipe.seed, 1000 * (stage as u64 + 1) + epoch);
        epoch_batches(self.examples(stage), recipe.data.batch_size, seed)
    }

    fn begin_stage(&mut self, _stage: usize) {
        (self.optimizer, self.controller) = (AdamW::default(), Controller::default());
    }

    fn step(&mut self, stage: usize, step: u64, batch: &[usize], update: Update, measure: bool) -> Result<StepReport> {
        self.simulation = self.simulation_at(stage, step);
        let settings = &self.setup.recipe.stage[stage];
        let weights = settings.loss_weights();
        let tokens = pack(self.examples(stage), batch);
        let labels = if weights.label > 0.0 { targets(self.examples(stage), batch)? } else { Vec::new() };
        let regression = matches!(self.setup.task.target, TaskTarget::Regression { .. });

        let answers = answers(self.examples(stage), batch);
        let teacher = match &answers {
            Some(_) if weights.hidden == 0.0 && weights.attention == 0.0 => TeacherOutput::default(),
            _ => self.setup.teacher.infer(&tokens, &self.device),
        };
        let said = answers.map(|(values, shape)| matrix(values, shape, &self.device));
        let (vectors, logits) = match self.setup.task.target.is_embedding() {
            true => (said.or_else(|| self.setup.teacher.vectors(&teacher, &tokens)), None),
            false => (None, said),
        };
        let vectors = vectors.as_ref().map(|vectors| (vectors, self.setup.task.target.prefixes()));
        let target = Target { labels: &labels, regression, temperature: settings.temperature, vectors };
        let teacher = TeacherOutput { logits: logits.or(teacher.logits), ..teacher };
        let student = self.student.as_ref().expect(HELD);
        let on = self.device.clone().autodiff();
        let rows = student.words.rows(&tokens.vocabulary, &on).require_grad();
        let mut correction = None;
        let output = match &self.simulation {
            None if student.config.feedback.is_some() => {
                let around = Around { tokens: &tokens, continuous: false, device: &self.device };
                let loss = |output: &_| distillation(student, output, &teacher, target, weights).total;
                let pass = student.through_fixed_point(rows.clone(), &around, loss)?;
                self.solves.forward.add(pass.forward);
                self.solves.backward.add(pass.backward);
                correction = Some((pass.correction, pass.forward, pass.backward));
                pass.output
            }
            None => student.forward(rows.clone(), &tokens, Forward::Quantised),
            Some(simulation) => {
                let sums = simulated_sums(student, &tokens, simulation, &self.device)?;
                let mut counts = sums.into_iter().map(|(sums, shape)| matrix(sums, shape, &self.device));
                let weight = simulation.weight(simulation.time_steps);
                student.forward(rows.clone(), &tokens, Forward::Simulated { counts: &mut counts, weight })
            }
        };
        let loss = distillation(student, &output, &teacher, target, weights);
        let part = |part: &Option<burn::tensor::Tensor<2>>| part.as_ref().map(value);
        let mut report = StepReport {
            loss: finite(value(&loss.total), "the loss", step)?,
            hidden: part(&loss.hidden),
            attention: part(&loss.attention),
            prediction: part(&loss.prediction),
            tokens: tokens.len(),
            ..StepReport::default()
        };
        if let Some(target) = settings.target_nonzero {
            let (local, steps) = self.within(stage, step);
            let share = weighted_share(&student.config, &output);
            self.controller.observe(share, target, local as f64 / steps as f64);
            (report.nonzero, report.threshold_change) = (Some(share), Some(f64::from(self.controller.change())));
        }
        if measure {
            let levels = match &self.simulation {
                None => student.config.time_steps as f32,
                Some(simulation) => simulation.weight(simulation.time_steps),
            };
            let rates = output.firing_rates(levels);
            report.rate = Some(rates.iter().map(|(_, rate)| rate).sum::<f64>() / rates.len() as f64);
        }
        let gradients = match correction {
            None => loss.total.clone().backward(),
            Some((correction, forward, backward)) => {
                report.feedback = Some(loop_step(forward, backward));
                (loss.total.clone() + correction).backward()
            }
        };
        // Whatever shares the weights' memory goes before they are updated in place.
        drop((loss, output, teacher));
        let gradients = StepGradients::take(&student.net, &rows, &tokens.vocabulary, gradients);
        drop(rows);
        let learn = self.setup.recipe.student.learn_thresholds;
        let update = if learn { update } else { Update { threshold_rate: 0.0, ..update } };
        let Student { config, net, mut words } = self.student.take().expect(HELD);
        let (net, norm) = self.optimizer.step(net, &mut words, gradients, update);
        let net = if report.nonzero.is_some() { self.controller.apply(&config, net) } else { net };
        self.student = Some(Student { config, net, words });
        report.grad_norm = finite(norm, "the norm of the gradient", step)?;
        Ok(report)
    }

    fn evaluate(&self) -> Result<Evaluation> {
        let (student, dev) = (self.student(), &self.setup.texts.dev);
        let predictions = match &self.simulation {
            None => predict_student(student, dev, &self.device).0,
            Some(simulation) => predict_in_time(student, dev, simulation, &self.device)?,
        };
        let dynamics = self.simulation.map(|simulation| simulation.dynamics);
        Ok(Evaluation { dynamics, ..Evaluation::of(&self.setup.task, &predictions, dev)? })
    }

    fn save_best(&self, counters: &Counters) -> Result<PathBuf> {
        self.student().save_best(&self.setup.folder, counters)
    }

    fn save_last(&self, counters: &Counters) -> Result<PathBuf> {
        let Student { net, words, .. } = self.student();
        save_last(&self.setup.folder.last(), net, words, &self.optimizer, Some(&self.controller), counters)
    }
}

//! The engine: a packed model that classifies texts.
//!
//! [`Model::load`] reads the file, turns the encoder's codes into the kernels' form and leaves the embedding tables where they
//! are. [`Model::classify`] packs sentences by their real length, so that padding is never computed, spreads packs over the
//! threads of the current rayon pool, and a lone request over its own tokens. Every token is computed by itself: an answer does
//! not depend on batch, order, threads or kernels.

mod answer;
mod fingerprint;
mod input;
mod measure;
mod options;
mod traced;

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Target, Task};
use crate::encoder::{Embedding, Encoder, Readout};
use crate::error::{Error, Result};
use crate::format::{Header, Packed};
use crate::forward::packs::{packs, tiles};
use crate::forward::windows::{Windows, Workspace};
use crate::forward::{ExitRule, Rows, Sentences, Simulation, Wanted, simulate};
use crate::parallel;
use crate::tokenizer::{Encoding, Tokenizer};
use crate::vector::Vector;

pub use answer::{Answer, Output, Traced, probabilities};
pub use fingerprint::Fingerprint;
pub use input::Input;
pub use options::Options;

/// Texts that a thread tokenises at a time.
const TEXTS_PER_TASK: usize = 8;

/// A model ready to run.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
/// let model = bitspike::Model::load(path)?;
/// let answers = model.classify(["a fine film", "dull from start to finish"])?;
/// assert_eq!((answers[0].label(), answers[1].label()), (Some("positive"), Some("negative")));
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug)]
pub struct Model {
    weights: Arc<Weights>,
    simulation: Simulation,
    exit: Option<ExitRule>,
    /// Memory of requests that have ended, for the next ones.
    idle: Mutex<Vec<Scratch>>,
}

/// What does not depend on how a model is run.
#[derive(Debug)]
struct Weights {
    packed: Packed,
    embedding: Embedding,
    encoder: Encoder,
    tokenizer: Tokenizer,
    /// What it answers: the file's task, its classes in the order of the answers.
    task: Task,
    /// Names of the classes.
    labels: Vec<Arc<str>>,
}

/// Memory of a pack in work.
#[derive(Debug, Default)]
struct Scratch {
    workspace: Workspace,
    currents: Vec<f32>,
    lengths: Vec<usize>,
}

impl Options {
    /// Loads a packed file, and the `tokenizer.json` beside it if its own version has none within.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged, if model and tokeniser do not fit, or if an option is out of range.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Model> {
        let path = path.as_ref();
        let packed = Packed::open(path)?;
        if packed.tokenizer().is_some() {
            return self.build(packed, None);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.build(packed, Tokenizer::load_saved(folder)?)
    }

    /// A model of a packed file that is already open. The tokeniser is the one in the file, unless another is given; a file of
    /// version 1 has none.
    ///
    /// # Errors
    /// If tokeniser and model do not fit, there is no tokeniser, or an option is out of range.
    pub fn build(&self, packed: Packed, tokenizer: impl Into<Option<Tokenizer>>) -> Result<Model> {
        let Header { student, task, .. } = packed.header();
        let tokenizer = tokenizer.into().or_else(|| packed.tokenizer());
        let tokenizer = tokenizer.ok_or_else(|| {
            Error::invalid("tokeniser", "the tokenizer.json that belongs to a model of format version 1", "none")
        })?;
        tokenizer.check_vocab(student.vocab_size)?;
        let (simulation, exit, kernels) = self.settle(student)?;
        let (task, labels) = (task.clone(), names(task));
        let encoder = Encoder::of_packed(&packed)?.with_kernels(kernels)?;
        let embedding = Embedding::new(&packed);
        let weights = Arc::new(Weights { packed, embedding, encoder, tokenizer, task, labels });
        Ok(Model { weights, simulation, exit, idle: Mutex::default() })
    }
}

impl Model {
    /// Loads a packed file with the [`Options`] that it was trained for.
    ///
    /// # Errors
    /// As [`Options::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Options::new().load(path)
    }

    /// The same weights, which are shared, run in another way; without an exit rule.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// use bitspike::{Dynamics, Model, Simulation};
    /// let model = Model::load(path)?;
    /// let longer = model.with_simulation(Simulation::new(Dynamics::Accumulated, 40))?;
    /// assert_eq!(longer.classify(["a fine film"])?[0].steps, 40);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if the simulation's settings are out of range.
    pub fn with_simulation(&self, simulation: Simulation) -> Result<Self> {
        simulation.validate()?;
        Ok(Self { weights: self.weights.clone(), simulation, exit: None, idle: Mutex::default() })
    }

    /// The same weights, which are shared, and the same simulation with an exit rule.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// use bitspike::{Dynamics, ExitRule, Options};
    /// let model = Options::new().dynamics(Dynamics::Accumulated).time_steps(64).load(path)?;
    /// let early = model.with_exit(ExitRule { margin: 1.0, ..ExitRule::default() })?;
    /// assert!(early.classify(["a fine film"])?[0].steps < model.classify(["a fine film"])?[0].steps);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if the rule is out of range, the dynamics is `phased`, which has an answer at its end alone, or the model
    /// embeds, which gives no answer that could be settled.
    pub fn with_exit(&self, rule: ExitRule) -> Result<Self> {
        rule.check(self.simulation.dynamics)?;
        options::check_exit(&self.header().student)?;
        let (weights, simulation) = (self.weights.clone(), self.simulation);
        Ok(Self { weights, simulation, exit: Some(rule), idle: Mutex::default() })
    }

    /// The same model with its answers in another order of classes, before it is shared or used: class `i` is the present class
    /// `order[i]`. The header stays what the file says.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// let model = bitspike::Model::load(path)?.in_class_order(&[1, 0])?;
    /// assert_eq!(model.labels(), ["positive", "negative"]);
    /// assert_eq!(model.classify(["a fine film"])?[0].label(), Some("positive"));
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if `order` does not name every class once, or another model shares these weights.
    pub fn in_class_order(mut self, order: &[usize]) -> Result<Self> {
        let classes = self.labels().len();
        let mut all = order.to_vec();
        all.sort_unstable();
        if !all.iter().copied().eq(0..classes) {
            return Err(Error::invalid(
                "order of classes",
                format!("each class below {classes} once"),
                format!("{order:?}"),
            ));
        }
        let Some(weights) = Arc::get_mut(&mut self.weights) else {
            return Err(Error::invalid(
                "order of classes",
                "a model that shares its weights with no other",
                "shared weights",
            ));
        };
        if let Readout::Classifier(classifier) = &mut weights.encoder.readout {
            classifier.reorder(order);
        }
        if let Target::Classification { labels } = &mut weights.task.target {
            *labels = order.iter().map(|&class| labels[class].clone()).collect();
        }
        weights.labels = names(&weights.task);
        Ok(self)
    }

    /// The same model with its vectors brought to length 1, or left as long as they are, before it is shared or used. The header
    /// stays what the file says.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it gives no vectors, or another model shares these weights.
    pub fn with_normalize(mut self, normalize: bool) -> Result<Self> {
        self.check_embeds()?;
        let Some(weights) = Arc::get_mut(&mut self.weights) else {
            let expected = "a model that shares its weights with no other";
            return Err(Error::invalid("length of vectors", expected, "shared weights"));
        };
        if let Target::Embedding { normalize: own, .. } = &mut weights.task.target {
            *own = normalize;
        }
        Ok(self)
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        self.weights.packed.header()
    }

    /// What it was trained for, its classes in the order of its answers.
    pub fn task(&self) -> &Task {
        &self.weights.task
    }

    /// Names of the classes by index; empty for a score.
    pub fn labels(&self) -> &[String] {
        self.task().labels()
    }

    /// The packed file.
    pub fn packed(&self) -> &Packed {
        &self.weights.packed
    }

    /// The tokeniser.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.weights.tokenizer
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.weights.encoder
    }

    /// How it is run.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// When a sentence may end early.
    pub fn exit(&self) -> Option<&ExitRule> {
        self.exit.as_ref()
    }

    /// Classifies texts, or pairs of texts where the task is on pairs; answers in the order of the texts.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a pair is wanted and a text is given or the other way round, or if a current or an answer is not
    /// finite, which weights that overflow `f32` bring about.
    pub fn classify<'a>(&self, inputs: impl IntoIterator<Item: Into<Input<'a>>>) -> Result<Vec<Answer>> {
        self.check_answers()?;
        let (encodings, cut) = self.encode_all(inputs)?;
        let mut answers = self.classify_ids(&encodings)?;
        answers.iter_mut().zip(cut).for_each(|(answer, cut)| answer.truncated = cut);
        Ok(answers)
    }

    /// Vectors of texts, in their order: of length 1 where the model says so. A text longer than the model reads is cut.
    ///
    /// ```no_run
    /// let model = bitspike::Model::load("models/embed-ternary/model.safetensors")?;
    /// let vectors = model.embed(["a fine film", "a good movie", "how to boil an egg"])?;
    /// let near = vectors[0].cosine(&vectors[1]);
    /// assert!(near > vectors[0].cosine(&vectors[2]));
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if the model gives classes or scores, if an input is a pair, and as [`Model::classify`].
    pub fn embed<'a>(&self, inputs: impl IntoIterator<Item: Into<Input<'a>>>) -> Result<Vec<Vector>> {
        self.check_embeds()?;
        let (encodings, cut) = self.encode_all(inputs)?;
        let mut vectors = self.embed_ids(&encodings)?;
        vectors.iter_mut().zip(cut).for_each(|(vector, cut)| vector.truncated = cut);
        Ok(vectors)
    }

    /// Vectors of texts that are token ids already.
    ///
    /// # Errors
    /// As [`Model::embed`] and [`Model::classify_ids`].
    pub fn embed_ids(&self, encodings: &[Encoding]) -> Result<Vec<Vector>> {
        self.check_embeds()?;
        let answers = self.answer_ids(encodings)?.into_iter();
        Ok(answers
            .map(|Answer { output, tokens, truncated, .. }| {
                let Output::Vector(values) = output else { unreachable!("it embeds") };
                Vector { values, tokens, truncated }
            })
            .collect())
    }

    /// What the model gives for texts that are token ids, be it classes, scores or vectors: for those who serve either.
    ///
    /// # Errors
    /// As [`Model::classify_ids`], but for the kind of model.
    pub fn answer_ids(&self, encodings: &[Encoding]) -> Result<Vec<Answer>> {
        let outputs = self.outputs(encodings)?;
        let answer = |((logits, steps), encoding): (_, &Encoding)| self.answer(logits, steps, encoding.ids.len());
        Ok(outputs.into_iter().zip(encodings).map(answer).collect())
    }

    /// Classifies texts that are token ids already.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    /// let model = bitspike::Model::load(path)?;
    /// let encoding = model.encode("a fine film");
    /// assert_eq!(model.classify_ids(&[encoding])?, model.classify(["a fine film"])?);
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if an id or a type is outside the model's tables, a text is empty or longer than the model's
    /// positions, and as [`Model::classify`].
    pub fn classify_ids(&self, encodings: &[Encoding]) -> Result<Vec<Answer>> {
        self.check_answers()?;
        self.answer_ids(encodings)
    }

    /// Outputs of every text, and the steps that it took.
    fn outputs(&self, encodings: &[Encoding]) -> Result<Vec<(Vec<f32>, u32)>> {
        self.check_ids(encodings)?;
        let threads = parallel::threads();
        let packs = packs(encodings, threads);
        let tiles = tiles(encodings, &packs, threads);
        let run = |(pack, tiles): (Range<usize>, usize)| self.pack(&encodings[pack], tiles);
        let answers: Result<Vec<_>> =
            parallel::map(packs.into_iter().zip(tiles).collect(), 1, run).into_iter().collect();
        Ok(answers?.into_iter().flatten().collect())
    }

    /// Token ids of a text or a pair as [`Model::classify`] makes them, cut to the tokens that the model reads.
    ///
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/rte-ternary/model.safetensors");
    /// let pair = bitspike::Model::load(path)?.encode(("It rained.", "It was wet."));
    /// assert_eq!(pair.type_ids, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]); // `[CLS]` it rained . `[SEP]` it was wet . `[SEP]`
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    pub fn encode<'a>(&self, input: impl Into<Input<'a>>) -> Encoding {
        self.encode_cut(&input.into()).0
    }

    fn encode_cut(&self, input: &Input<'_>) -> (Encoding, bool) {
        self.tokenizer().encode_cut(input.first, input.second, self.header().max_length)
    }

    /// Token ids of texts, and whether each was cut.
    fn encode_all<'a>(&self, inputs: impl IntoIterator<Item: Into<Input<'a>>>) -> Result<(Vec<Encoding>, Vec<bool>)> {
        let inputs: Vec<Input<'a>> = inputs.into_iter().map(Into::into).collect();
        inputs.iter().try_for_each(|input| self.check(input))?;
        Ok(parallel::map(inputs, TEXTS_PER_TASK, |input| self.encode_cut(&input)).into_iter().unzip())
    }

    /// Whether it gives vectors, and neither classes nor scores.
    pub fn is_embedder(&self) -> bool {
        self.task().target.is_embedding()
    }

    /// Refuses classes and scores of a model that embeds.
    ///
    /// # Errors
    /// [`Error::Invalid`] that says what it does instead.
    pub fn check_answers(&self) -> Result<()> {
        match self.is_embedder() {
            true => Err(self.unfit("that gives classes or scores", "one that embeds: ask it for vectors (`embed`)")),
            false => Ok(()),
        }
    }

    /// Refuses vectors of a model that gives classes or scores.
    ///
    /// # Errors
    /// [`Error::Invalid`] that says what it does instead.
    pub fn check_embeds(&self) -> Result<()> {
        match &self.task().target {
            Target::Embedding { .. } => Ok(()),
            Target::Classification { .. } => Err(self.unfit("that embeds", "one that gives classes (`classify`)")),
            Target::Regression { .. } => Err(self.unfit("that embeds", "one that gives scores (`classify`)")),
        }
    }

    fn unfit(&self, expected: &str, found: &str) -> Error {
        Error::invalid(format!("model of task {}", self.task().name), format!("a model {expected}"), found)
    }

    /// Refuses a text for a pair, and a pair for a text.
    fn check(&self, input: &Input<'_>) -> Result<()> {
        let what = || format!("input of task {}", self.task().name);
        match (&self.task().second, input.second) {
            (Some(second), None) => {
                let expected = format!("a pair of texts, {} and {second}", self.task().first);
                Err(Error::invalid(what(), expected, "one text"))
            }
            (None, Some(_)) => Err(Error::invalid(what(), "one text", "a pair of texts")),
            _ => Ok(()),
        }
    }

    fn check_ids(&self, encodings: &[Encoding]) -> Result<()> {
        encodings.iter().try_for_each(|encoding| self.weights.embedding.check(encoding))
    }

    /// Outputs and steps of the sentences of one pack.
    fn pack(&self, encodings: &[Encoding], tiles: usize) -> Result<Vec<(Vec<f32>, u32)>> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = idle().pop().unwrap_or_default();
        let Scratch { workspace, currents, lengths } = &mut scratch;
        let Weights { packed, embedding, encoder, .. } = &*self.weights;
        embedding.currents(packed, encodings, currents);
        lengths.clear();
        lengths.extend(encodings.iter().map(|encoding| encoding.ids.len()));
        let pack = Sentences { currents, lengths };
        let mut found = Vec::with_capacity(encodings.len());
        if self.simulation.is_counts() {
            let time_steps = self.simulation.time_steps;
            Windows { encoder, time_steps, pack }.run(tiles, workspace, |sums| {
                let mut logits = Vec::with_capacity(encoder.config.num_labels);
                encoder.readout.apply(sums, &mut logits);
                found.push((logits, time_steps));
            })?;
        } else {
            let wanted = Wanted { exit: self.exit, rows: Rows::Last, answers_only: true, ..Wanted::default() };
            let runs = simulate(encoder, pack, &self.simulation, wanted)?;
            found.extend(runs.into_iter().map(|run| (run.last_logits(encoder.config.num_labels), run.steps)));
        }
        idle().push(scratch);
        found.iter().try_for_each(|(logits, _)| encoder.check_answer(logits))?;
        Ok(found)
    }

    fn answer(&self, logits: Vec<f32>, steps: u32, tokens: usize) -> Answer {
        Answer {
            output: Output::of(&self.task().target, &self.weights.labels, &logits),
            logits,
            tokens,
            truncated: false,
            steps,
        }
    }
}

/// Names of the classes of `task`, to be shared by answers.
fn names(task: &Task) -> Vec<Arc<str>> {
    task.labels().iter().map(|label| label.as_str().into()).collect()
}

fn lengths(encodings: &[Encoding]) -> Vec<usize> {
    encodings.iter().map(|encoding| encoding.ids.len()).collect()
}

//! The engine: a packed model that classifies texts.
//!
//! [`Model::load`] maps the file, turns the encoder's codes into the kernels' form and leaves the embedding tables where they
//! are. [`Model::classify`] packs sentences by their real length, so that padding is never computed, spreads packs over the
//! threads of the current rayon pool, and a lone request over its own tokens. Every token is computed by itself: an answer does
//! not depend on batch, order, threads or kernels.

use std::path::Path;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::config::Target;
use crate::encoder::Encoder;
use crate::encoder::embedding::Embedding;
use crate::error::{Error, Result};
use crate::format::{Header, Packed};
use crate::forward::packs::{packs, tiles};
use crate::forward::windows::{self, Pack, Watch, Workspace};
use crate::forward::{self, Dynamics, ExitRule, Operator, SentenceRun, Simulation, Timing, simulate};
use crate::kernels::Kernels;
use crate::tokenizer::{Encoding, Tokenizer};

/// How a model is to be run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The kernels; the best that the machine has, unless given.
    pub kernels: Option<Kernels>,
    /// The dynamics; `phased` at the model's own `T`, unless given.
    pub simulation: Option<Simulation>,
    /// When a sentence of stepped dynamics may end early.
    pub exit: Option<ExitRule>,
}

/// A text or a pair of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text.
    pub first: &'a str,
    /// The second of a pair.
    pub second: Option<&'a str>,
}

/// What a model says of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Index of the class with the largest logit, the first of equals; 0 for a score.
    pub label: usize,
    /// The classifier's outputs.
    pub logits: Vec<f32>,
    /// Softmax of the logits, or the score itself where the model gives one.
    pub probabilities: Vec<f32>,
    /// Tokens read, frame included.
    pub tokens: usize,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
    /// Time steps taken.
    pub steps: u32,
}

/// A model ready to run.
#[derive(Debug)]
pub struct Model {
    packed: Packed,
    embedding: Embedding,
    encoder: Encoder,
    tokenizer: Tokenizer,
    simulation: Simulation,
    exit: Option<ExitRule>,
    /// Memory of requests that have ended, for the next ones.
    idle: Mutex<Vec<Scratch>>,
}

/// Memory of a pack in work.
#[derive(Debug, Default)]
struct Scratch {
    workspace: Workspace,
    embedded: Vec<f32>,
    lengths: Vec<usize>,
}

impl Model {
    /// Loads a packed file and the `tokenizer.json` beside it.
    ///
    /// # Errors
    /// If either cannot be read or is damaged, if the two do not fit, or if an option is out of range.
    pub fn load(path: &Path, options: &Options) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Both are independent of each other, and a start is mostly these two.
        let (packed, tokenizer) = rayon::join(|| Packed::open(path), || Tokenizer::load(folder));
        Self::of(packed?, tokenizer?, options)
    }

    /// A model of a packed file that is already open.
    ///
    /// # Errors
    /// If tokeniser and model do not fit, or an option is out of range.
    pub fn of(packed: Packed, tokenizer: Tokenizer, options: &Options) -> Result<Self> {
        let header = packed.header();
        tokenizer.check_vocab(header.student.vocab_size)?;
        let simulation =
            options.simulation.unwrap_or_else(|| Simulation::new(Dynamics::Phased, header.student.time_steps));
        simulation.validate()?;
        if options.exit.is_some() && simulation.dynamics == Dynamics::Phased {
            return Err(Error::invalid("exit rule", "accumulated or instantaneous dynamics", simulation.dynamics));
        }
        let encoder = Encoder::of_packed(&packed)?;
        let encoder = match options.kernels {
            Some(kernels) => encoder.with_kernels(kernels),
            None => encoder,
        };
        let embedding = Embedding::new(&packed);
        Ok(Self { packed, embedding, encoder, tokenizer, simulation, exit: options.exit, idle: Mutex::default() })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        self.packed.header()
    }

    /// The packed file.
    pub fn packed(&self) -> &Packed {
        &self.packed
    }

    /// Names of the classes by index; empty for a score.
    pub fn labels(&self) -> &[String] {
        match &self.header().task.target {
            Target::Classification { labels } => labels,
            Target::Regression { .. } => &[],
        }
    }

    /// The tokeniser.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// How it is run.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// Classifies texts; answers in the order of the texts.
    ///
    /// # Errors
    /// If a current is not finite, which damaged weights could bring about.
    pub fn classify(&self, texts: &[Text<'_>]) -> Result<Vec<Answer>> {
        let encode = |text: &Text<'_>| self.tokenizer.encode_cut(text.first, text.second, self.header().max_length);
        let encoded: Vec<(Encoding, bool)> = match texts {
            [one] => vec![encode(one)],
            _ => texts.par_iter().with_min_len(8).map(encode).collect(),
        };
        let (encodings, cut): (Vec<Encoding>, Vec<bool>) = encoded.into_iter().unzip();
        let mut answers = self.classify_ids(&encodings)?;
        answers.iter_mut().zip(cut).for_each(|(answer, cut)| answer.truncated = cut);
        Ok(answers)
    }

    /// Classifies texts that are token ids already.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an id or a type is outside the model's tables, a text is empty or longer than the model's
    /// positions, and as [`Model::classify`].
    pub fn classify_ids(&self, encodings: &[Encoding]) -> Result<Vec<Answer>> {
        encodings.iter().try_for_each(|encoding| self.embedding.check(encoding))?;
        let threads = rayon::current_num_threads();
        let packs = packs(encodings, threads);
        let tiles = tiles(encodings, &packs, threads);
        let run = |(pack, &tiles): (&std::ops::Range<usize>, &usize)| self.pack(&encodings[pack.clone()], tiles);
        match packs.len() {
            0 => Ok(Vec::new()),
            1 => run((&packs[0], &tiles[0])),
            _ => {
                let found: Result<Vec<Vec<Answer>>> = packs.par_iter().zip(&tiles).map(run).collect();
                Ok(found?.into_iter().flatten().collect())
            }
        }
    }

    /// Multiply-adds with matrices of the encoder that [`Model::classify_ids`] does in one window of counts or, in stepped
    /// dynamics, in one step. Of the last layer, keys and values of every token and the rest at `[CLS]`.
    pub fn multiply_adds(&self, encodings: &[Encoding]) -> u64 {
        let config = &self.header().student;
        let [d, f, layers, texts] =
            [config.hidden, config.intermediate, config.layers, encodings.len()].map(|n| n as u64);
        let tokens: u64 = encodings.iter().map(|encoding| encoding.ids.len() as u64).sum();
        let per_layer = 4 * d * d + 2 * d * f;
        if self.simulation.dynamics == Dynamics::Phased && !self.simulation.is_counts() {
            return tokens * layers * per_layer;
        }
        tokens * ((layers - 1) * per_layer + 2 * d * d) + texts * (per_layer - 2 * d * d)
    }

    /// Token ids of texts as [`Model::classify`] makes them.
    pub fn encode(&self, text: Text<'_>) -> Encoding {
        self.tokenizer.encode(text.first, text.second, self.header().max_length)
    }

    /// Runs texts one by one with their spikes counted, and with the sums of every neuron where `sums`: what answers are made
    /// of, for those who measure a model.
    ///
    /// # Errors
    /// As [`Model::classify_ids`].
    pub fn simulate_ids(&self, encodings: &[Encoding], sums: bool) -> Result<Vec<SentenceRun>> {
        self.run_ids(encodings, forward::Wanted { sums, ..forward::Wanted::default() })
    }

    /// Runs texts one by one and counts what every neuron sends ([`SentenceRun::sent`]), as [`crate::count`] reads it.
    ///
    /// # Errors
    /// As [`Model::classify_ids`].
    pub fn count_ids(&self, encodings: &[Encoding]) -> Result<Vec<SentenceRun>> {
        self.run_ids(encodings, forward::Wanted { sent: true, ..forward::Wanted::default() })
    }

    fn run_ids(&self, encodings: &[Encoding], options: forward::Wanted) -> Result<Vec<SentenceRun>> {
        encodings.iter().try_for_each(|encoding| self.embedding.check(encoding))?;
        let mut embedded = Vec::new();
        self.embedding.currents(&self.packed, encodings, &mut embedded);
        let options = forward::Wanted { exit: self.exit, last_only: true, ..options };
        simulate(&self.encoder, (&embedded, &lengths(encodings)), &self.simulation, options)
    }

    /// Runs one batch as `phased` on one thread and reports where the time went.
    ///
    /// # Errors
    /// As [`Model::classify_ids`].
    pub fn profile(&self, encodings: &[Encoding]) -> Result<Timing> {
        encodings.iter().try_for_each(|encoding| self.embedding.check(encoding))?;
        let mut total = Timing::default();
        let mut workspace = Workspace::<Timing>::default();
        for pack in packs(encodings, 1) {
            let (mut embedded, lengths) = (Vec::new(), lengths(&encodings[pack.clone()]));
            total.restart();
            self.embedding.currents(&self.packed, &encodings[pack], &mut embedded);
            total.lap(Operator::Embedding);
            let pack = Pack { embedded: &embedded, lengths: &lengths };
            let mut logits = Vec::new();
            workspace.restart();
            windows::run(&self.encoder, self.simulation.time_steps, pack, 1, &mut workspace, |sums, scale| {
                self.encoder.classifier.apply(sums, scale, &mut logits);
            })?;
            workspace.take_watches().iter().for_each(|watch| total.add(watch));
        }
        Ok(total)
    }

    /// Answers of the sentences of one pack.
    fn pack(&self, encodings: &[Encoding], tiles: usize) -> Result<Vec<Answer>> {
        let idle = || self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut scratch = idle().pop().unwrap_or_default();
        let Scratch { workspace, embedded, lengths } = &mut scratch;
        self.embedding.currents(&self.packed, encodings, embedded);
        lengths.clear();
        lengths.extend(encodings.iter().map(|encoding| encoding.ids.len()));
        let mut found = Vec::with_capacity(encodings.len());
        match self.simulation.dynamics {
            Dynamics::Phased if self.simulation.is_counts() => {
                let pack = Pack { embedded, lengths };
                let steps = self.simulation.time_steps;
                windows::run(&self.encoder, steps, pack, tiles, workspace, |sums, scale| {
                    let mut logits = Vec::with_capacity(self.encoder.config.num_labels);
                    self.encoder.classifier.apply(sums, scale, &mut logits);
                    found.push((logits, steps));
                })?;
            }
            _ => {
                let exit = self.exit;
                let options = forward::Wanted { exit, last_only: true, answers_only: true, ..Default::default() };
                for run in simulate(&self.encoder, (embedded, lengths), &self.simulation, options)? {
                    let classes = self.encoder.config.num_labels;
                    found.push((run.logits[run.logits.len() - classes..].to_vec(), run.steps));
                }
            }
        }
        idle().push(scratch);
        let answers = found.into_iter().zip(encodings);
        Ok(answers.map(|((logits, steps), encoding)| self.answer(logits, steps, encoding.ids.len())).collect())
    }

    fn answer(&self, logits: Vec<f32>, steps: u32, tokens: usize) -> Answer {
        let (label, probabilities) = match &self.header().task.target {
            Target::Regression { .. } => (0, logits.clone()),
            Target::Classification { .. } => (largest(&logits), probabilities(&logits)),
        };
        Answer { label, logits, probabilities, tokens, truncated: false, steps }
    }
}

fn lengths(encodings: &[Encoding]) -> Vec<usize> {
    encodings.iter().map(|encoding| encoding.ids.len()).collect()
}

/// Index of the largest value, the first of equals.
fn largest(values: &[f32]) -> usize {
    let better = |best: (usize, f32), (i, &x): (usize, &f32)| if x > best.1 { (i, x) } else { best };
    values.iter().enumerate().fold((0, f32::NEG_INFINITY), better).0
}

/// Softmax in `f64`.
fn probabilities(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&x| f64::from(x - max).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}

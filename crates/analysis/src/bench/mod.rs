//! A model measured on this machine: latency, throughput, time by operator, kernels against the machine's ceilings.

mod random;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bitspike::Encoding;
use bitspike::Model;
use bitspike::forward::{Dynamics, Operator};
use bitspike::kernels::measure::{Measurements, measure as measure_kernels};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::timing::{Plan, on_threads, repeated};

pub use random::{RandomSize, random_model};

/// What to run, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchOptions {
    /// Tokens of every sentence of random ids, each with each of `batches`.
    pub lengths: Vec<usize>,
    /// Sentences of a batch.
    pub batches: Vec<usize>,
    /// A file with one batch of token ids instead: a JSON list with a list of ids for every sentence.
    pub ids: Option<PathBuf>,
    /// Numbers of threads, each with each batch.
    pub threads: Vec<usize>,
    /// Seconds of each measurement, after a tenth of it to warm up.
    pub seconds: f64,
    /// Whether kernels and ceilings of the machine are measured, which takes about a second.
    pub kernels: bool,
}

impl Default for BenchOptions {
    fn default() -> Self {
        Self { lengths: vec![25, 128], batches: vec![1, 32], ids: None, threads: vec![1], seconds: 2.0, kernels: true }
    }
}

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Bench {
    pub model: String,
    /// Instruction set of the kernels.
    pub isa: String,
    pub dynamics: Dynamics,
    pub time_steps: u32,
    /// Every batch with every number of threads.
    pub scenarios: Vec<Scenario>,
    /// Share of time by operator, one thread, `phased`, at the last length and batch.
    pub operators: Vec<Share>,
    /// Name of the batch whose operators they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operators_of: Option<String>,
    /// Where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernels: Option<Measurements>,
}

/// One batch, over and over.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Scenario {
    pub name: String,
    pub batch: usize,
    /// Tokens of all of them.
    pub tokens: usize,
    pub threads: usize,
    /// How often it ran.
    pub runs: usize,
    pub p50_ms: f64,
    /// 99 of 100 runs took no longer.
    pub p99_ms: f64,
    pub best_ms: f64,
    pub mean_ms: f64,
    pub sentences_per_s: f64,
    pub tokens_per_s: f64,
    /// Multiply-adds with the encoder's matrices per second, by the median run, in 10^9: those that are done, so of the last
    /// layer little but keys and values; of one window of counts or, in stepped dynamics, of every step.
    pub gmac_per_s: f64,
}

/// An operator's part of the time.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Share {
    pub operator: &'static str,
    /// 0 to 1.
    pub share: f64,
}

/// Measures `model`, called `name`. Nothing is read or written while the clock runs.
///
/// # Errors
/// If an option is out of range, the ids cannot be read or are none of the model's, or threads cannot be started.
pub fn bench(model: &Model, name: &str, options: &BenchOptions) -> Result<Bench> {
    let BenchOptions { threads, seconds, .. } = options;
    if !(seconds.is_finite() && *seconds > 0.0 && *seconds <= 600.0) {
        return Err(Error::invalid("--seconds", "a number above 0 and up to 600", seconds));
    }
    if let Some(threads) = threads.iter().find(|&&threads| !(1..=1024).contains(&threads)) {
        return Err(Error::invalid("--threads", "1 to 1024", threads));
    }
    let batches = batches(model, options)?;
    let mut scenarios = Vec::new();
    for &threads in threads {
        for (name, batch) in &batches {
            scenarios.push(on_threads(threads, || scenario(model, (name, batch), threads, *seconds))?);
        }
    }
    let simulation = model.simulation();
    let timed = batches.last().filter(|_| simulation.dynamics == Dynamics::Phased);
    let operators = timed.map_or(Ok(Vec::new()), |(_, batch)| shares(model, batch))?;
    let kernels = model.encoder().kernels();
    Ok(Bench {
        model: name.to_owned(),
        isa: kernels.to_string(),
        dynamics: simulation.dynamics,
        time_steps: simulation.time_steps,
        scenarios,
        operators,
        operators_of: timed.map(|(name, _)| name.clone()),
        kernels: options.kernels.then(|| measure_kernels(kernels)),
    })
}

/// Names and token ids of the batches.
fn batches(model: &Model, options: &BenchOptions) -> Result<Vec<(String, Vec<Encoding>)>> {
    if let Some(path) = &options.ids {
        return Ok(vec![(path.display().to_string(), read_ids(path)?)]);
    }
    let student = &model.header().student;
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let mut batches = Vec::new();
    for &length in &options.lengths {
        if !(1..=student.max_positions).contains(&length) {
            return Err(Error::invalid("--lengths", format!("1 to {} tokens", student.max_positions), length));
        }
        for &batch in &options.batches {
            if !(1..=65_536).contains(&batch) {
                return Err(Error::invalid("--batches", "1 to 65536 sentences", batch));
            }
            let mut sentence = || {
                let ids = (0..length).map(|_| rng.random_range(0..student.vocab_size as u32)).collect();
                Encoding { ids, type_ids: vec![0; length] }
            };
            batches.push((format!("L={length} B={batch}"), (0..batch).map(|_| sentence()).collect()));
        }
    }
    Ok(batches)
}

fn read_ids(path: &Path) -> Result<Vec<Encoding>> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
    let ids: Vec<Vec<u32>> = serde_json::from_str(&text).map_err(|source| Error::Json {
        path: path.into(),
        message: "expected a JSON list of lists of token ids".into(),
        source,
    })?;
    if ids.is_empty() {
        return Err(Error::unusable(path, "expected at least one sentence"));
    }
    Ok(ids.into_iter().map(|ids| Encoding { type_ids: vec![0; ids.len()], ids }).collect())
}

fn scenario(model: &Model, (name, batch): (&str, &[Encoding]), threads: usize, seconds: f64) -> Result<Scenario> {
    let warm_up = Instant::now();
    loop {
        model.answer_ids(batch)?;
        if warm_up.elapsed().as_secs_f64() > seconds / 10.0 {
            break;
        }
    }
    let plan = Plan { time: Duration::from_secs_f64(seconds), fewest: 3, most: usize::MAX };
    let times = repeated(&plan, || Ok(model.answer_ids(std::hint::black_box(batch))?))?;
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    let mean = times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64;
    let tokens: usize = batch.iter().map(|encoding| encoding.ids.len()).sum();
    let passes = if model.simulation().dynamics == Dynamics::Phased { 1 } else { model.simulation().time_steps };
    let products = model.multiply_adds(batch) as f64 * f64::from(passes);
    Ok(Scenario {
        name: name.to_owned(),
        batch: batch.len(),
        tokens,
        threads,
        runs: times.len(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        best_ms: at(0.0),
        mean_ms: mean * 1e3,
        sentences_per_s: batch.len() as f64 / mean,
        tokens_per_s: tokens as f64 / mean,
        gmac_per_s: products / at(0.5) / 1e6,
    })
}

/// Share of time by operator, over a few runs on one thread.
fn shares(model: &Model, batch: &[Encoding]) -> Result<Vec<Share>> {
    // The first runs meet cold caches.
    for _ in 0..4 {
        model.profile(batch)?;
    }
    let mut profile = model.profile(batch)?;
    for _ in 0..8 {
        profile.add(&model.profile(batch)?);
    }
    let total = profile.total().as_secs_f64();
    let share =
        |operator: Operator| Share { operator: operator.name(), share: profile.spent(operator).as_secs_f64() / total };
    Ok(Operator::ALL.iter().copied().map(share).collect())
}

#[cfg(test)]
mod tests;

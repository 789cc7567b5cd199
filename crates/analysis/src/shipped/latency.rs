//! How long an answer takes.

use std::time::Instant;

use anyhow::{Context, Result};
use bitspike::model::{Model, Text};
use bitspike_data::Dataset;
use serde::{Deserialize, Serialize};

/// Texts that are timed.
const TEXTS: usize = 200;

/// Answers to each of them; the fastest counts, as other work on the machine only ever adds.
const REPEATS: usize = 5;

/// Time from text to answer, one text at a time on one thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    /// Processor, as the system names it.
    pub(crate) machine: String,
    /// Instruction set of the kernels.
    pub(crate) kernels: String,
    pub(crate) threads: usize,
    pub(crate) texts: usize,
    pub(crate) mean_tokens: f64,
    /// Over texts, of the fastest of five answers to each.
    pub(crate) median_ms: f64,
    pub(crate) slowest_ms: f64,
}

/// Times the first texts of `dataset`.
///
/// # Errors
/// If the thread cannot be started or a current is not finite.
pub(crate) fn measure(model: &Model, dataset: &Dataset) -> Result<Latency> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().context("start a thread")?;
    let texts: Vec<Text<'_>> = dataset
        .examples
        .iter()
        .take(TEXTS)
        .map(|example| Text { first: &example.first, second: example.second.as_deref() })
        .collect();
    let mut times = Vec::with_capacity(texts.len());
    let mut tokens = 0;
    pool.install(|| -> Result<()> {
        // The first answers meet cold caches.
        model.classify(&texts[..texts.len().min(8)])?;
        for text in &texts {
            let mut best = f64::INFINITY;
            for repeat in 0..REPEATS {
                let began = Instant::now();
                let answers = std::hint::black_box(model.classify(std::hint::black_box(&[*text]))?);
                best = best.min(began.elapsed().as_secs_f64() * 1e3);
                if repeat == 0 {
                    tokens += answers.iter().map(|answer| answer.tokens).sum::<usize>();
                }
            }
            times.push(best);
        }
        Ok(())
    })?;
    times.sort_by(f64::total_cmp);
    Ok(Latency {
        machine: machine(),
        kernels: model.encoder().kernels().to_string(),
        threads: 1,
        texts: texts.len(),
        mean_tokens: tokens as f64 / texts.len() as f64,
        median_ms: rounded(times[(times.len() - 1) / 2]),
        slowest_ms: rounded(times[times.len() - 1]),
    })
}

/// To a thousandth: more would be noise.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1e3).round() / 1e3
}

/// The processor's name and the number of threads that the machine runs at once.
fn machine() -> String {
    let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = listed.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = named.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {threads} threads, {}", std::env::consts::OS)
}

//! How long answers take: of whole texts, of one tokenised sentence, of batches.
//!
//! | measure | what is timed | what it is for |
//! |---|---|---|
//! | [`texts`] | text to answer, tokenising included; of each text the fastest of five | a shipped model's latency |
//! | [`sentence`] | the tokenised sentence of median length | comparing the students of a sweep |
//! | [`repeated`] | whatever it is given, again and again | `bitspike bench` |

use std::hint::black_box;
use std::time::{Duration, Instant};

use bitspike::{Input, Model};
use bitspike_data::{Dataset, Encoded, Example};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Texts that are timed.
const TEXTS: usize = 200;

/// Answers to each of them; the fastest counts, as other work on the machine only ever adds.
const REPEATS: usize = 5;

/// Time from text to answer, one text at a time on one thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Latency {
    /// Processor, as the system names it.
    pub machine: String,
    /// Instruction set of the kernels.
    pub kernels: String,
    pub threads: usize,
    pub texts: usize,
    pub mean_tokens: f64,
    /// Over texts, of the fastest of five answers to each.
    pub median_ms: f64,
    /// Of the text that took longest.
    pub slowest_ms: f64,
}

/// Runs `measure` with `threads` threads to compute on.
///
/// # Errors
/// If they cannot be started, and as `measure`.
pub fn on_threads<T: Send>(threads: usize, measure: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(measure)
}

/// Times the first texts of `dataset`.
///
/// # Errors
/// If there are none, the thread cannot be started or a current is not finite.
pub fn texts(model: &Model, dataset: &Dataset) -> Result<Latency> {
    let texts: Vec<Input<'_>> =
        dataset.examples.iter().flat_map(|example| inputs(example, dataset.apart)).take(TEXTS).collect();
    if texts.is_empty() {
        return Err(Error::no_examples("to time"));
    }
    let mut times = Vec::with_capacity(texts.len());
    let mut tokens = 0;
    on_threads(1, || {
        // The first answers meet cold caches.
        answer(model, &texts[..texts.len().min(8)])?;
        for text in &texts {
            let mut best = f64::INFINITY;
            for repeat in 0..REPEATS {
                let began = Instant::now();
                let read = black_box(answer(model, black_box(std::slice::from_ref(text)))?);
                best = best.min(began.elapsed().as_secs_f64() * 1e3);
                if repeat == 0 {
                    tokens += read;
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

/// What a model is asked for an example: two inputs where its texts are read apart.
fn inputs(example: &Example, apart: bool) -> impl Iterator<Item = Input<'_>> {
    let (first, second) = (&*example.first, example.second.as_deref());
    let inputs = match apart {
        true => [Some(Input::from(first)), second.map(Input::from)],
        false => [Some(Input { first, second }), None],
    };
    inputs.into_iter().flatten()
}

/// What the model gives for texts, classes or vectors, and how many tokens it read for that.
fn answer(model: &Model, texts: &[Input<'_>]) -> Result<usize> {
    Ok(match model.is_embedder() {
        true => black_box(model.embed(texts)?).iter().map(|vector| vector.tokens).sum(),
        false => black_box(model.classify(texts)?).iter().map(|answer| answer.tokens).sum(),
    })
}

/// To a thousandth: more would be noise.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1e3).round() / 1e3
}

/// Time of one tokenised sentence on one thread.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct SentenceTime {
    /// Median of repeated calls.
    pub median: Duration,
    pub best: Duration,
    /// Tokens of the sentence.
    pub tokens: usize,
}

/// Times the one of `examples` that is of median length, over and over on one thread.
///
/// # Errors
/// If there are none, the thread cannot be started or a current is not finite.
pub fn sentence(model: &Model, examples: &[Encoded]) -> Result<SentenceTime> {
    let mut order: Vec<&Encoded> = examples.iter().collect();
    order.sort_by_key(|example| example.ids.len());
    let Some(example) = order.get(order.len() / 2) else { return Err(Error::no_examples("to time")) };
    let sentence = [example.encoding()];
    let plan = Plan { time: Duration::from_millis(600), fewest: 21, most: 2001 };
    let times = on_threads(1, || {
        for _ in 0..3 {
            model.answer_ids(&sentence)?;
        }
        repeated(&plan, || Ok(model.answer_ids(black_box(&sentence))?))
    })?;
    Ok(SentenceTime { median: times[times.len() / 2], best: times[0], tokens: example.ids.len() })
}

/// How long to repeat.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Until so much time has passed,
    pub time: Duration,
    /// but at least so often, once or more,
    pub fewest: usize,
    /// and never more often than this.
    pub most: usize,
}

/// Sorted times of repeated calls.
///
/// # Errors
/// As `call`.
pub fn repeated<T>(plan: &Plan, mut call: impl FnMut() -> Result<T>) -> Result<Vec<Duration>> {
    let (started, mut times) = (Instant::now(), Vec::new());
    while times.len() < plan.fewest.max(1) || (started.elapsed() < plan.time && times.len() < plan.most) {
        let began = Instant::now();
        black_box(call()?);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

/// What the system lists of its processors; nothing where it does not.
pub(crate) fn processors() -> String {
    std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default()
}

/// The name of the processor in such a list; its architecture where there is none.
pub(crate) fn processor(listed: &str) -> String {
    let named = listed.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = named.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The processor's name and the number of threads that the machine runs at once.
fn machine() -> String {
    let name = processor(&processors());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {threads} threads, {}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_timed_text_by_text() {
        use crate::fixture::{embedder, write_pairs};
        let (model, folder) = (embedder(), tempfile::tempdir().unwrap());
        write_pairs(folder.path());
        let split = crate::examples::EncodedSplit::dev_of(&model, folder.path()).unwrap();
        let latency = texts(&model, &split.dataset).unwrap();
        let tokens: usize = split.lengths().iter().sum();
        assert_eq!((latency.texts, latency.mean_tokens), (6, tokens as f64 / 6.0));
        assert!(sentence(&model, &split.examples).unwrap().tokens > 0);
    }

    #[test]
    fn calls_are_repeated_as_planned() {
        let plan = Plan { time: Duration::ZERO, fewest: 3, most: 9 };
        assert_eq!(repeated(&plan, || Ok(())).unwrap().len(), 3);
        let plan = Plan { time: Duration::from_secs(60), fewest: 3, most: 9 };
        let times = repeated(&plan, || Ok(())).unwrap();
        assert!(times.len() == 9 && times.is_sorted());
        let failed: Result<Vec<Duration>> = repeated(&plan, || Err::<(), _>(Error::no_examples("at all")));
        assert!(failed.is_err());
    }
}

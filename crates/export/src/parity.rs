//! An export beside the engine, text by text: every count, logit and label.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bitspike::arithmetic::largest;
use bitspike::config::population_names;
use bitspike::forward::SentenceRun;
use bitspike::{Encoding, Model};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::folder::Target;

/// Tokens of the text that is timed.
const TIMED_TOKENS: usize = 25;

/// What a comparison found; the file `parity.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// Name and version of the runtime.
    pub runtime: String,
    /// Its settings.
    pub settings: String,
    /// What was compared on.
    pub data: String,
    /// Texts.
    pub texts: usize,
    /// Counts compared: those that the engine computes, in the last layer beyond keys and values of the first token alone.
    /// 0 where the runtime hands out none.
    pub counts: u64,
    /// Counts that differ.
    pub counts_differ: u64,
    /// The first population, in the order of computation, in which one differs.
    pub first_difference: Option<String>,
    /// Texts with a logit whose bits differ.
    pub logits_differ: usize,
    /// The largest difference of a logit.
    pub logits_by: f32,
    /// Texts with another label.
    pub labels_differ: usize,
    /// Bytes of the model's file.
    pub bytes: u64,
    /// Milliseconds of one text of 25 tokens on one thread: the best call and the median.
    pub milliseconds: [f64; 2],
}

/// Where and how an export is run.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// The interpreter that has the runtime: Python's or Node's.
    pub program: PathBuf,
    /// Seconds of timing.
    pub seconds: f64,
}

/// Compares the export of `target` in `folder` with `model` on `texts`, which `data` names.
///
/// # Errors
/// If the runtime is not installed, cannot load the folder, or answers in another form; if the engine refuses a text.
pub fn compare(
    model: &Model,
    (target, folder): (Target, &Path),
    (data, texts): (&str, &[Encoding]),
    runtime: &Runtime,
) -> Result<Parity> {
    let mut child = Running::start(target, folder, runtime)?;
    let student = &model.header().student;
    let names = population_names(student.layers);
    let bytes = target.model_file();
    let bytes = folder.join(bytes);
    let mut parity = Parity {
        runtime: child.name.clone(),
        settings: child.settings.clone(),
        data: data.to_owned(),
        texts: texts.len(),
        counts: 0,
        counts_differ: 0,
        first_difference: None,
        logits_differ: 0,
        logits_by: 0.0,
        labels_differ: 0,
        bytes: target.model_bytes(folder).map_err(Error::io("read", &bytes))?,
        milliseconds: [0.0; 2],
    };
    let mut first = names.len();
    for text in texts {
        let run = model.simulate_ids(std::slice::from_ref(text), true)?.swap_remove(0);
        let (counts, logits) = child.answer(text)?;
        if logits.len() != run.logits.len() {
            let message = format!("expected {} logits, found {}", run.logits.len(), logits.len());
            return Err(child.fault(message));
        }
        if !counts.is_empty() {
            let expected = expected(&run, text.ids.len(), student.layers);
            let length: usize = expected.iter().map(|counts| counts.len()).sum();
            if counts.len() != length {
                return Err(child.fault(format!("expected {length} counts of a text, found {}", counts.len())));
            }
            let mut rest = counts.as_slice();
            for (population, expected) in expected.into_iter().enumerate() {
                let (found, after) = rest.split_at(expected.len());
                rest = after;
                let differ = expected.iter().zip(found).filter(|&(&e, &f)| e != f32::from(f as i8)).count();
                parity.counts_differ += differ as u64;
                if differ > 0 {
                    first = first.min(population);
                }
            }
            parity.counts += length as u64;
        }
        let by = logits.iter().zip(&run.logits).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        parity.logits_by = parity.logits_by.max(by);
        parity.logits_differ += usize::from(logits.iter().zip(&run.logits).any(|(a, b)| a.to_bits() != b.to_bits()));
        parity.labels_differ += usize::from(largest(&logits) != largest(&run.logits));
    }
    parity.first_difference = names.get(first).cloned();
    if runtime.seconds > 0.0 {
        parity.milliseconds = child.time(&timed(model), runtime.seconds)?;
    }
    Ok(parity)
}

impl Parity {
    /// What it comes to, in one line.
    pub fn line(&self) -> String {
        let counts = match (self.counts, self.counts_differ) {
            (0, _) => "counts not handed out".to_owned(),
            (all, 0) => format!("{all} counts equal"),
            (all, differ) => {
                let first = self.first_difference.as_deref().unwrap_or_default();
                format!("{differ} of {all} counts differ, the first in {first}")
            }
        };
        format!(
            "{}: {counts}, {} of {} labels differ, logits by {:.1e}; {:.2} ms at {TIMED_TOKENS} tokens, {} bytes",
            self.runtime, self.labels_differ, self.texts, self.logits_by, self.milliseconds[0], self.bytes
        )
    }
}

/// The text that is timed.
fn timed(model: &Model) -> Encoding {
    let length = TIMED_TOKENS.min(model.header().max_length);
    let words = model.header().student.vocab_size as u32;
    Encoding { ids: (0..length as u32).map(|i| (1996 + 7 * i) % words).collect(), type_ids: vec![0; length] }
}

/// The counts that are compared: in the last layer beyond keys and values those of the first token.
fn expected(run: &SentenceRun, tokens: usize, layers: usize) -> Vec<&[f32]> {
    let last = 1 + 6 * (layers - 1);
    let of = |(population, counts): (usize, &'_ Vec<f32>)| {
        let width = counts.len() / tokens;
        if population >= last + 2 { width } else { counts.len() }
    };
    run.sums.iter().enumerate().map(|(population, counts)| &counts[..of((population, counts))]).collect()
}

/// A runtime in a process of its own, which answers text by text.
struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    target: Target,
    name: String,
    settings: String,
}

#[derive(Deserialize)]
struct Hello {
    runtime: String,
    settings: String,
}

#[derive(Serialize)]
struct Request<'a> {
    ids: &'a [u32],
    types: &'a [u32],
    /// Seconds to time instead of one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

impl Running {
    fn start(target: Target, folder: &Path, runtime: &Runtime) -> Result<Self> {
        let mut child = Command::new(&runtime.program)
            .args(target.script())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::io("start", &runtime.program))?;
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut running =
            Self { child, input, output: BufReader::new(output), target, name: String::new(), settings: String::new() };
        let mut line = String::new();
        let read = running.output.read_line(&mut line);
        let hello = read.ok().and_then(|_| serde_json::from_str(&line).ok());
        let Some(Hello { runtime: name, settings }) = hello else {
            let message = format!("{} did not load the export; {}", runtime.program.display(), target.installed());
            return Err(running.fault(message));
        };
        (running.name, running.settings) = (name, settings);
        Ok(running)
    }

    fn fault(&self, message: String) -> Error {
        Error::Runtime { runtime: self.target.runtime(), message }
    }

    /// Counts, as bytes, and logits of a text.
    fn answer(&mut self, text: &Encoding) -> Result<(Vec<u8>, Vec<f32>)> {
        self.ask(&Request { ids: &text.ids, types: &text.type_ids, seconds: None })
    }

    /// Milliseconds of the best call and of the median one.
    fn time(&mut self, text: &Encoding, seconds: f64) -> Result<[f64; 2]> {
        let (_, times) = self.ask(&Request { ids: &text.ids, types: &text.type_ids, seconds: Some(seconds) })?;
        match times[..] {
            [best, median] => Ok([best.into(), median.into()]),
            _ => Err(self.fault(format!("expected two times, found {}", times.len()))),
        }
    }

    fn ask(&mut self, request: &Request<'_>) -> Result<(Vec<u8>, Vec<f32>)> {
        let line = serde_json::to_string(request).expect("numbers are JSON");
        let mut exchange = || {
            writeln!(self.input, "{line}")?;
            self.input.flush()?;
            let mut read = |size: usize| {
                let mut length = [0; 4];
                self.output.read_exact(&mut length)?;
                let mut bytes = vec![0; u32::from_le_bytes(length) as usize * size];
                self.output.read_exact(&mut bytes).map(|()| bytes)
            };
            let (counts, numbers) = (read(1)?, read(4)?);
            let numbers = numbers.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            Ok((counts, numbers))
        };
        let answered: std::io::Result<_> = exchange();
        answered.map_err(|e| self.fault(format!("it ended before it answered ({e}); what it said is above")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! From an input through a model to an output, a chunk at a time.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bitspike::model::{Answer, Model, Text};

use super::Form;
use super::input::Input;
use super::output::{AnswerColumns, Notes, Table, Writer};
use super::progress::Progress;
use super::queue::{CHUNK, Queue};
use super::record::{Cell, Header, Record};
use crate::interrupt;

/// What the person who started it should know at the end.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Texts that were longer than the model reads.
    pub(crate) cut: usize,
    /// Texts, or pairs of texts, without a word.
    pub(crate) empty: usize,
    /// Lines or fields in which bytes were replaced, since they are not UTF-8.
    pub(crate) replaced: usize,
    pub(crate) notes: Notes,
}

impl Summary {
    /// Adds what is to be said of `answers`, of texts or, with `pair`, of pairs.
    fn count(&mut self, answers: &[Answer], pair: bool) {
        let frame = if pair { 3 } else { 2 };
        self.cut += answers.iter().filter(|answer| answer.truncated).count();
        self.empty += answers.iter().filter(|answer| answer.tokens <= frame && !answer.truncated).count();
    }
}

/// Classifies texts that are all there; with `pair`, every two are one.
///
/// # Errors
/// If the model fails or `out` cannot be written.
pub(crate) fn texts(
    model: &Model,
    (texts, pair): (Vec<String>, bool),
    form: Form,
    out: &mut (dyn Write + Send),
) -> Result<Summary> {
    let header = Header::plain(pair);
    let table = Table { answers: AnswerColumns::new(model, &header), header };
    let mut writer = Writer::new(form, &table, out)?;
    let mut texts = texts.into_iter().map(Cell::Text);
    let mut summary = Summary::default();
    let mut record = || {
        let cells: Vec<Cell> = texts.by_ref().take(table.header.columns.len()).collect();
        let record = Record { line: 0, cells, object: None, extra: Vec::new(), bytes: 0, position: 0 };
        (record.cells.len() == table.header.columns.len()).then_some(record)
    };
    while !interrupt::requested() {
        let records: Vec<Record> = std::iter::from_fn(&mut record).take(CHUNK).collect();
        if records.is_empty() {
            break;
        }
        let answers = classify(model, &table.header, &records)?;
        summary.count(&answers, pair);
        writer.write(records, answers)?;
    }
    summary.notes = writer.finish()?;
    Ok(summary)
}

/// Classifies what `input` gives. Ends early, without an error, on an interrupt.
///
/// # Errors
/// If the input is at fault, once what comes before the fault is written; if the model fails or `out` cannot be written.
pub(crate) fn stream(
    model: &Model,
    input: &Input,
    form: Form,
    out: &mut (dyn Write + Send),
    progress: bool,
) -> Result<Summary> {
    let whole = input.is_file();
    let mut progress = Progress::new(progress, input.size());
    let queue = Arc::new(Queue::default());
    // Not waited for: it may be blocked on an input that never ends.
    let reader = std::thread::Builder::new().name("reader".into());
    let (source, filled) = (input.clone(), Arc::clone(&queue));
    reader.spawn(move || read(&source, &filled)).context("start the reader")?;
    let result = answer(model, &queue, whole, form, out, &mut progress);
    queue.abandon();
    result.map(|summary| Summary { replaced: input.decoder.replaced(), ..summary })
}

fn answer(
    model: &Model,
    queue: &Queue,
    whole: bool,
    form: Form,
    out: &mut (dyn Write + Send),
    progress: &mut Progress,
) -> Result<Summary> {
    let mut summary = Summary::default();
    let Some(header) = queue.header(interrupt::requested)? else { return Ok(summary) };
    let table = Table { answers: AnswerColumns::new(model, &header), header };
    let mut writer = Writer::new(form, &table, out)?;
    while let Some(records) = queue.chunk(whole, interrupt::requested)? {
        let answers = classify(model, &table.header, &records)?;
        summary.count(&answers, table.header.second.is_some());
        let (count, position) = (records.len(), records.last().map_or(0, |record| record.position));
        writer.write(records, answers)?;
        progress.advance(count, position);
    }
    summary.notes = writer.finish()?;
    Ok(summary)
}

fn classify(model: &Model, header: &Header, records: &[Record]) -> Result<Vec<Answer>> {
    let text = |record| {
        let (first, second) = header.texts(record);
        Text { first, second }
    };
    let texts: Vec<Text<'_>> = records.iter().map(text).collect();
    model.classify(&texts).map_err(|error| match (records.first(), records.last()) {
        (Some(first), Some(last)) => anyhow!("lines {} to {}: {error}", first.line, last.line),
        _ => error.into(),
    })
}

/// Reads the input into the queue to its end, or until nobody takes records any more.
fn read(input: &Input, queue: &Queue) {
    let read = || -> Result<()> {
        let (header, records) = input.open()?;
        queue.begin(header);
        for record in records {
            if !queue.push(record?) {
                break;
            }
        }
        Ok(())
    };
    // The other side waits for an end, whatever happens here.
    let result = catch_unwind(AssertUnwindSafe(read));
    queue.end(result.unwrap_or_else(|_| Err(anyhow!("{}: the reader failed", input.name().display()))));
}

//! From texts through a model to an output, a chunk at a time.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bitspike::model::Model;

use super::header::{Header, Record, TextColumns};
use super::model::{Classifier, Said};
use super::output::AnswerWriter;
use super::queue::{CHUNK, Queue};
use crate::error::{Error, Place, Result};
use crate::table::{Cell, Decoder, Form, ReadOptions, Row, Source, Table};

/// Texts to be classified: a table, or lines of plain text.
pub struct Texts {
    /// Where they come from.
    pub source: Source,
    /// In which form.
    pub form: Form,
    /// Which columns they are in; of plain text only whether there are two.
    pub columns: TextColumns,
    /// What bytes may be text.
    pub decoder: Decoder,
}

/// How answers are given.
#[derive(Debug, Clone, Copy)]
pub struct AnswerOptions<'a> {
    /// The form of the answers; [`Form::Text`] is lines for people.
    pub form: Form,
    /// Ends the work early, and without an error, once it is true.
    pub cancel: Option<&'a AtomicBool>,
}

impl AnswerOptions<'_> {
    fn cancelled(&self) -> bool {
        self.cancel.is_some_and(|flag| flag.load(Ordering::SeqCst))
    }
}

/// How far a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Texts or pairs that have been answered.
    pub texts: u64,
    /// How much of the input has been read for them: bytes, or records in Parquet.
    pub position: u64,
}

/// What whoever started it should know at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Texts or pairs that were answered.
    pub texts: u64,
    /// Texts that were longer than the model reads.
    pub cut: usize,
    /// Texts, or pairs of texts, without a word.
    pub empty: usize,
    /// Lines or fields in which bytes were replaced, since they are not UTF-8.
    pub replaced: usize,
    /// Fields of TSV whose tabs and line breaks became spaces.
    pub spaced: usize,
    /// Records of JSON Lines whose keys beyond those of the first one were left out.
    pub left_out: usize,
}

impl Summary {
    /// Adds what is to be said of `answers`, of texts or, with `pair`, of pairs.
    fn count(&mut self, answers: &[Said], pair: bool) {
        let frame = if pair { 3 } else { 2 };
        self.texts += answers.len() as u64;
        self.cut += answers.iter().filter(|said| said.truncated).count();
        self.empty += answers.iter().filter(|said| said.tokens <= frame && !said.truncated).count();
    }
}

/// Classifies texts that are all there and writes them with their answers; for a model on pairs, every two are one.
///
/// # Errors
/// [`Error::Invalid`] if a text of a pair is missing; if the model fails or `out` cannot be written.
pub fn classify_texts(
    model: &Model,
    texts: Vec<String>,
    out: &mut (dyn Write + Send),
    options: &AnswerOptions<'_>,
) -> Result<Summary> {
    let task = &model.header().task;
    if let (Some(second), false) = (&task.second, texts.len().is_multiple_of(2)) {
        let what = format!("task {} is on pairs, {} and {second}", task.name, task.first);
        return Err(Error::invalid(what, "an even number of texts", texts.len()));
    }
    answer_texts(model, texts, task.second.is_some(), out, options)
}

pub(super) fn answer_texts(
    model: &dyn Classifier,
    texts: Vec<String>,
    pair: bool,
    out: &mut (dyn Write + Send),
    options: &AnswerOptions<'_>,
) -> Result<Summary> {
    let header = Header::plain(pair);
    let mut writer = AnswerWriter::new(options.form, &header, model.target(), out)?;
    let mut texts = texts.into_iter().map(Cell::Text);
    let mut summary = Summary::default();
    let mut record = || {
        let cells: Vec<Cell> = texts.by_ref().take(header.columns.len()).collect();
        let row = Row { line: 0, columns: Arc::clone(&header.columns), cells, object: None, position: 0 };
        (row.cells.len() == header.columns.len()).then(|| Record { row, extra: Vec::new() })
    };
    while !options.cancelled() {
        let records: Vec<Record> = std::iter::from_fn(&mut record).take(CHUNK).collect();
        if records.is_empty() {
            break;
        }
        let said = classify(model, &header, &records)?;
        summary.count(&said, pair);
        writer.write(&Place::Reader, records, &said)?;
    }
    (summary.spaced, summary.left_out) = writer.finish()?;
    Ok(summary)
}

/// Classifies what a source gives, and writes every record with all its columns and its answer beside them: `label` and
/// `probability_` with the name of each class (in JSON one object `probabilities`), or `score`. A name that the table has already
/// is preceded by `predicted_`.
///
/// Answers come in the order of the records and, unless the source is a file, as soon as a record has arrived; memory does not
/// grow with their number. `progress` is called after every chunk.
///
/// # Errors
/// If the input is at fault, once what comes before the fault is written; if the model fails or `out` cannot be written.
pub fn classify_stream(
    model: &Model,
    texts: Texts,
    out: &mut (dyn Write + Send),
    options: &AnswerOptions<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    answer_stream(model, texts, out, options, progress)
}

pub(super) fn answer_stream(
    model: &dyn Classifier,
    texts: Texts,
    out: &mut (dyn Write + Send),
    options: &AnswerOptions<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let (place, whole, decoder) = (texts.source.place(), texts.source.is_file(), texts.decoder.clone());
    let queue = Arc::new(Queue::default());
    // Not waited for: it may be blocked on an input that never ends.
    let filled = Arc::clone(&queue);
    let reader = std::thread::Builder::new().name("reader".into()).spawn(move || read(texts, &filled));
    reader.map_err(|e| Error::io("start to read", place.clone(), e))?;
    let mut answer = || -> Result<Summary> {
        let mut summary = Summary::default();
        let Some(header) = queue.header(|| options.cancelled())? else { return Ok(summary) };
        let mut writer = AnswerWriter::new(options.form, &header, model.target(), out)?;
        while let Some(records) = queue.chunk(whole, || options.cancelled())? {
            let said = classify(model, &header, &records)?;
            summary.count(&said, header.second.is_some());
            let position = records.last().map_or(0, |record| record.row.position);
            writer.write(&place, records, &said)?;
            progress(Progress { texts: summary.texts, position });
        }
        (summary.spaced, summary.left_out) = writer.finish()?;
        Ok(summary)
    };
    let result = answer();
    queue.abandon();
    result.map(|summary| Summary { replaced: decoder.replaced(), ..summary })
}

fn classify(model: &dyn Classifier, header: &Header, records: &[Record]) -> Result<Vec<Said>> {
    let texts: Vec<(&str, Option<&str>)> = records.iter().map(|record| header.text(record)).collect();
    let line = |record: Option<&Record>| record.map_or(0, |record| record.row.line);
    let (first, last) = (line(records.first()), line(records.last()));
    model.classify(&texts).map_err(|source| Error::Unanswered { first, last, source })
}

/// Reads the input into the queue to its end, or until nobody takes records any more.
fn read(texts: Texts, queue: &Queue) {
    let place = texts.source.place();
    let read = || -> Result<()> {
        let options = ReadOptions { pair: texts.columns.second.is_some(), ..ReadOptions::any(texts.decoder) };
        let table = Table::open(texts.source, texts.form, &options)?;
        let (header, rows) = Header::open(table, &texts.columns)?;
        queue.begin(header.clone());
        for row in rows {
            let row = row?;
            let line = row.line;
            let record = header.record(row).map_err(|message| Error::record(&place, line, message))?;
            if !queue.push(record) {
                break;
            }
        }
        Ok(())
    };
    // The other side waits for an end, whatever happens here.
    let result = catch_unwind(AssertUnwindSafe(read));
    queue.end(result.unwrap_or_else(|_| Err(Error::malformed(place, "the reader failed"))));
}

//! From texts through a model to an output, a chunk at a time.

use std::io::Write;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::header::{Header, Record, TextColumns};
use super::model::Classifier;
use super::options::{AnswerOptions, OnError};
use super::output::AnswerWriter;
use super::queue::{CHUNK, Queue};
use super::sink::{Each, Sink, Told};
use crate::error::{Error, Place, Result};
use crate::locate::table_files;
use crate::table::{Cell, Decoder, Form, QuotedFields, ReadOptions, Row, Source, Table};

/// Texts to be classified: a table, or lines of plain text.
pub struct Texts {
    /// Where they come from; of a folder the parts in their order, which have the same columns.
    pub source: Source,
    /// In which form.
    pub form: Form,
    /// Which columns they are in; of plain text only whether there are two.
    pub columns: TextColumns,
    /// What bytes may be text.
    pub decoder: Decoder,
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Texts or pairs that were answered.
    pub texts: u64,
    /// Records of tables without a text: null, no such key, no character.
    pub missing: usize,
    /// Fields of TSV in double quotes with those inside doubled, read as they stand.
    pub quoted: usize,
    /// Columns that cannot be read and were left out, each with the reason.
    pub unreadable: Vec<String>,
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

/// Classifies texts that are all there and writes them with their answers; for a model on pairs, every two are one.
///
/// # Errors
/// [`Error::Invalid`] if a text of a pair is missing; if the model fails or `out` cannot be written.
pub fn classify_texts(
    model: &dyn Classifier,
    texts: Vec<String>,
    out: &mut (dyn Write + Send),
    options: &AnswerOptions<'_>,
) -> Result<Summary> {
    texts_to(model, texts, options.work(), |header| AnswerWriter::new(options.form, header, &model.task().target, out))
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
    model: &dyn Classifier,
    texts: Texts,
    out: &mut (dyn Write + Send),
    options: &AnswerOptions<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let target = &model.task().target;
    stream_to(model, texts, options.work(), |header| AnswerWriter::new(options.form, header, target, out), progress)
}

/// Asks a model about what a source gives, and hands every record with what is said of it to `each`, in their order, until it wants
/// no more. The form of `options` means nothing here.
///
/// # Errors
/// As [`classify_stream`], once what comes before the fault is handed over.
pub fn answer_each(
    model: &dyn Classifier,
    texts: Texts,
    options: &AnswerOptions<'_>,
    each: &mut dyn FnMut(Told<'_>) -> ControlFlow<()>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let work = Work { texts_only: false, ..options.work() };
    stream_to(model, texts, work, |header| Ok(Each { header: header.clone(), each }), progress)
}

/// How a stream is worked on, whatever it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) on_error: OnError,
    pub(super) cancel: Option<&'a AtomicBool>,
    /// Whether the columns of the texts alone are wanted.
    pub(super) texts_only: bool,
}

impl Work<'_> {
    fn cancelled(&self) -> bool {
        self.cancel.is_some_and(|flag| flag.load(Ordering::SeqCst))
    }
}

/// From texts that are all there, through a model, to a sink; for a model on pairs, every two are one.
pub(super) fn texts_to<S: Sink>(
    model: &dyn Classifier,
    texts: Vec<String>,
    work: Work<'_>,
    open: impl FnOnce(&Header) -> Result<S>,
) -> Result<Summary> {
    let task = model.task();
    if let (Some(second), false) = (&task.second, texts.len().is_multiple_of(2)) {
        let what = format!("task {} is on pairs, {} and {second}", task.name, task.first);
        return Err(Error::invalid(what, "an even number of texts", texts.len()));
    }
    let header = Header::plain(task.second.is_some());
    let mut answering = Answering::new(model, &header, open(&header)?, work);
    let mut texts = texts.into_iter().map(Cell::Text).peekable();
    while texts.peek().is_some() && !work.cancelled() {
        let record = || {
            let cells: Vec<Cell> = texts.by_ref().take(header.columns.len()).collect();
            let row = Row { columns: Arc::clone(&header.columns), cells, ..Row::default() };
            (!row.cells.is_empty()).then(|| Record { row, extra: Vec::new() })
        };
        let records = std::iter::from_fn(record).take(CHUNK).collect();
        if answering.chunk(&Place::Reader, records)?.is_break() {
            break;
        }
    }
    answering.finish()
}

/// From a source, through a model, to a sink.
pub(super) fn stream_to<S: Sink>(
    model: &dyn Classifier,
    texts: Texts,
    work: Work<'_>,
    open: impl FnOnce(&Header) -> Result<S>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let (place, whole, decoder) = (texts.source.place(), texts.source.is_file(), texts.decoder.clone());
    let queue = Arc::new(Queue::default());
    let quoted = Arc::new(AtomicUsize::new(0));
    let reading = Reading { texts_only: work.texts_only, on_error: work.on_error, quoted: Arc::clone(&quoted) };
    // Not waited for: it may be blocked on an input that never ends.
    let filled = Arc::clone(&queue);
    let reader = std::thread::Builder::new().name("reader".into()).spawn(move || read(texts, reading, &filled));
    reader.map_err(|e| Error::io("start to read", place.clone(), e))?;
    let answer = || -> Result<Summary> {
        let Some(header) = queue.header(|| work.cancelled())? else { return Ok(Summary::default()) };
        let mut answering = Answering::new(model, &header, open(&header)?, work);
        while let Some(records) = queue.chunk(whole, || work.cancelled())? {
            let position = records.last().map_or(0, |record| record.row.position);
            let more = answering.chunk(&place, records)?;
            progress(Progress { texts: answering.summary.texts, position });
            if more.is_break() {
                break;
            }
        }
        answering.finish()
    };
    let result = answer();
    queue.abandon();
    result.map(|summary| Summary { replaced: decoder.replaced(), quoted: quoted.load(Ordering::Relaxed), ..summary })
}

/// A model at work on records of one header.
struct Answering<'a, S> {
    model: &'a dyn Classifier,
    header: &'a Header,
    on_error: OnError,
    sink: S,
    summary: Summary,
}

impl<'a, S: Sink> Answering<'a, S> {
    fn new(model: &'a dyn Classifier, header: &'a Header, sink: S, work: Work<'_>) -> Self {
        let summary = Summary { unreadable: header.unreadable.clone(), ..Summary::default() };
        Self { model, header, on_error: work.on_error, sink, summary }
    }

    /// Asks the model about records from `place` and hands them over with what it says.
    fn chunk(&mut self, place: &Place, mut records: Vec<Record>) -> Result<ControlFlow<()>> {
        let line = |record: Option<&Record>| record.map_or(0, |record| record.row.line);
        let (first, last) = (line(records.first()), line(records.last()));
        let missing = |record: &Record| self.header.lacks_text(record);
        self.summary.missing += records.iter().filter(|record| missing(record)).count();
        if self.on_error == OnError::Skip {
            records.retain(|record| !missing(record));
        }
        let unanswered: Vec<bool> =
            records.iter().map(|record| self.on_error == OnError::Null && missing(record)).collect();
        let texts = records.iter().zip(&unanswered).filter(|(_, none)| !**none);
        let texts: Vec<(&str, Option<&str>)> = texts.map(|(record, _)| self.header.text(record)).collect();
        let said = match texts.is_empty() {
            true => Vec::new(),
            false => self.model.answer(&texts).map_err(|source| Error::Unanswered { first, last, source })?,
        };
        let pair = self.header.second.is_some();
        self.summary.texts += said.len() as u64;
        self.summary.cut += said.iter().filter(|said| said.truncated).count();
        self.summary.empty += said.iter().filter(|said| said.is_wordless(pair)).count();
        let mut said = said.into_iter();
        let said = unanswered.iter().map(|&none| if none { None } else { said.next() }).collect();
        self.sink.write(place, records, said)
    }

    fn finish(self) -> Result<Summary> {
        let (spaced, left_out) = self.sink.finish()?;
        Ok(Summary { spaced, left_out, ..self.summary })
    }
}

/// What the reader is to know of the answers.
struct Reading {
    /// Whether the columns of the texts alone are wanted.
    texts_only: bool,
    on_error: OnError,
    /// Where fields of TSV are counted that are written as in CSV.
    quoted: Arc<AtomicUsize>,
}

/// Reads the input into the queue to its end, or until nobody takes records any more.
fn read(texts: Texts, reading: Reading, queue: &Queue) {
    let place = texts.source.place();
    let read = || -> Result<()> {
        let options = ReadOptions {
            pair: texts.columns.second.is_some(),
            quoted_fields: QuotedFields::Counted(reading.quoted),
            ..ReadOptions::any(texts.decoder)
        };
        let sources = match texts.source {
            Source::File(path) => table_files(&path)?.into_iter().map(Source::File).collect(),
            other => vec![other],
        };
        let mut header: Option<Header> = None;
        // How much the parts before hold.
        let mut before = 0;
        for source in sources {
            let place = source.place();
            let mut table = Table::open(source, texts.form, &options)?;
            let (header, first, as_header) = match &header {
                Some(header) => {
                    let as_header = header.select_in(&mut table, &texts.columns, reading.texts_only)?;
                    (header, Vec::new(), as_header)
                }
                None => {
                    let (read, first) = Header::read(&mut table, &texts.columns, reading.texts_only)?;
                    queue.begin(read.clone());
                    (&*header.insert(read), first, false)
                }
            };
            let mut position = 0;
            for row in first.into_iter().map(Ok).chain(table) {
                let mut row = row?;
                let line = row.line;
                if as_header {
                    row.columns = Arc::clone(&header.columns);
                }
                position = row.position;
                row.position += before;
                let record =
                    header.record(row, reading.on_error).map_err(|message| Error::record(&place, line, message))?;
                if !queue.push(record) {
                    return Ok(());
                }
            }
            before += position;
        }
        Ok(())
    };
    // The other side waits for an end, whatever happens here.
    let result = catch_unwind(AssertUnwindSafe(read));
    queue.end(result.unwrap_or_else(|_| Err(Error::malformed(place, "the reader failed"))));
}

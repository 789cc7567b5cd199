//! A stream of Arrow record batches: a text a row in, an answer a row out, in their order.
//!
//! Messages are taken apart here, so that none is waited for that is longer than a body may be, and none is read that would grow: a
//! compressed one.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_schema_from_flatbuffer_bytes;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{MessageHeader, root_as_message};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use axum::body::Body;
use axum::http::request::Parts;
use axum::response::Response;
use bitspike::Answer;
use bitspike_data::TaskSpec;
use bitspike_data::answers::{TextColumns, answer_names};
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::stream::{GROUP, Group, Query, Writer, answer, ask};
use crate::app::App;
use crate::inputs::{Item, Reading, check_one};
use crate::models::{Ask, Served};
use crate::problem::{Kind, Problem, Result};
use crate::spans::{place, within};

/// The content type of Arrow's streaming format.
pub(super) const KIND: &str = "application/vnd.apache.arrow.stream";

/// Marks that a message's length follows.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Answers a stream of record batches with one.
pub(super) async fn stream(app: &Arc<App>, parts: &Parts, body: Body) -> Result<Response> {
    let (mut text, mut text_pair) = (None, None);
    let expected = "`model=NAME`, `text=COLUMN` and `text_pair=COLUMN`";
    let query = Query::read(parts, expected, |key, value| {
        match key {
            "text" => text = Some(value),
            "text_pair" => text_pair = Some(value),
            _ => return false,
        }
        true
    })?;
    if query.logits {
        return Err(Problem::value("logits", "a stream of record batches has none; lines and JSON have"));
    }
    let served = app.models.wanted_to(Ask::Classify, query.model.as_deref())?;
    let task = TaskSpec::of_model(served.model().task()).map_err(Problem::of_engine)?;
    let wanted = TextColumns::new(&task, text.as_deref(), text_pair.as_deref())
        .map_err(|error| Problem::value("text_pair", error.to_string()))?;
    let mut input = Input::new(app, body);
    let schema = input.schema().await?;
    let columns = Columns::find(&schema, &wanted)?;
    let writer = Answers::new(served.model().labels()).map_err(Problem::of_engine)?;
    let (groups, response) = answer(app, KIND, writer);
    tokio::spawn(within(place(), read(app.clone(), served, input, columns, groups)));
    Ok(response)
}

/// Reads record batches and asks for answers, until the body ends or nobody waits for them any longer.
async fn read(app: Arc<App>, served: Arc<Served>, mut input: Input, columns: Columns, groups: mpsc::Sender<Group>) {
    let mut next = 0;
    loop {
        let batch = match input.batch().await {
            Ok(Some(batch)) => batch,
            Ok(None) => return,
            Err(problem) => {
                let _ = groups.send(Group::broken(next, problem)).await;
                return;
            }
        };
        let (firsts, seconds) = columns.of(&batch);
        for start in (0..batch.num_rows()).step_by(GROUP) {
            let rows = start..batch.num_rows().min(start + GROUP);
            let item = |row: usize| {
                let missing = |name: &str| Problem::value(name, "expected a text, found null");
                let first = firsts.get(row).ok_or_else(|| missing(&columns.names[0]))?.to_owned();
                let second = match &seconds {
                    Some(seconds) => Some(seconds.get(row).ok_or_else(|| missing(&columns.names[1]))?.to_owned()),
                    None => None,
                };
                let item = Item { first, second };
                check_one(&item, served.is_pair(), Reading::Batch, &app.settings)?;
                Ok(item)
            };
            let items: Vec<Result<Item>> = rows.map(item).collect();
            let count = items.len();
            if groups.send(ask(&app, &served, next, items).await).await.is_err() {
                return;
            }
            next += count;
        }
    }
}

/// Record batches as their bytes come.
struct Input {
    body: Body,
    rest: BytesMut,
    /// Length of the message at the beginning of `rest`, once its head was read; 8 bytes mark the end.
    length: Option<usize>,
    decoder: StreamDecoder,
    /// The columns, once they were told.
    schema: Option<SchemaRef>,
    /// Batches that were read.
    batches: VecDeque<RecordBatch>,
    /// Most bytes of a message, and of all dictionaries.
    longest: usize,
    dictionaries: usize,
    patience: Duration,
    /// Whether the mark of the end was read.
    ended: bool,
}

impl Input {
    fn new(app: &App, body: Body) -> Self {
        Self {
            body,
            rest: BytesMut::new(),
            length: None,
            decoder: StreamDecoder::new(),
            schema: None,
            batches: VecDeque::new(),
            longest: app.settings.max_body_bytes,
            dictionaries: 0,
            patience: app.settings.body_time,
            ended: false,
        }
    }

    /// The columns, which come before any row.
    async fn schema(&mut self) -> Result<SchemaRef> {
        while let Some(message) = self.message().await? {
            self.decode(message)?;
            if let Some(schema) = &self.schema {
                return Ok(schema.clone());
            }
        }
        Err(Problem::new(Kind::Syntax, "expected a stream of Arrow record batches, found nothing").at("body"))
    }

    /// The next rows; none at the end.
    async fn batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.batches.pop_front() {
                return Ok(Some(batch));
            }
            let Some(message) = self.message().await? else { return Ok(None) };
            self.decode(message)?;
        }
    }

    /// The bytes of the next message; none at the end.
    async fn message(&mut self) -> Result<Option<Buffer>> {
        loop {
            if self.ended && !self.rest.is_empty() {
                return Err(refused("there are bytes behind the end of the stream"));
            }
            if self.length.is_none() {
                self.length = self.head()?;
            }
            if let Some(length) = self.length.take_if(|length| self.rest.len() >= *length) {
                let message = self.rest.split_to(length);
                if length > 8 {
                    return Ok(Some(Buffer::from_slice_ref(&message)));
                }
                self.ended = true;
                continue;
            }
            let frame = tokio::time::timeout(self.patience, self.body.frame()).await;
            match frame.map_err(|_| Problem::new(Kind::Slow, "the next record batch did not arrive in time"))? {
                Some(Ok(frame)) => self.rest.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Err(refused(format!("the body broke off: {error}"))),
                None if self.rest.is_empty() => return Ok(None),
                None => return Err(refused("the body ends within a message")),
            }
        }
    }

    /// Reads the head of the next message, where all of it is there: how long the message is.
    fn head(&mut self) -> Result<Option<usize>> {
        let Some((mark, rest)) = self.rest.split_first_chunk::<4>() else { return Ok(None) };
        if *mark != CONTINUATION {
            return Err(refused("expected Arrow's streaming format, each message behind the mark ff ff ff ff"));
        }
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        let whole = |length: usize| match length <= self.longest {
            true => Ok(length),
            false => {
                let message = format!("a record batch may have {} bytes (--max-body-bytes)", self.longest);
                Err(Problem::new(Kind::TooLarge, message).at("body"))
            }
        };
        let head = whole(length)? + 8;
        if length == 0 || rest.len() < length {
            return Ok((length == 0).then_some(8));
        }
        let message = root_as_message(&rest[..length]).map_err(refused)?;
        let body = usize::try_from(message.bodyLength()).map_err(refused)?;
        let total = whole(head.saturating_add(body))?;
        let batch = match message.header_type() {
            MessageHeader::Schema if self.schema.is_none() => {
                let schema = try_schema_from_flatbuffer_bytes(&rest[..length]).map_err(refused)?;
                self.schema = Some(Arc::new(schema));
                None
            }
            MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
            MessageHeader::RecordBatch => message.header_as_record_batch(),
            other => return Err(refused(format!("a message that is not expected there: {other:?}"))),
        };
        if batch.is_some_and(|batch| batch.compression().is_some()) {
            return Err(Problem::value(
                "body",
                "compressed record batches are not taken; write them without compression",
            ));
        }
        if message.header_type() == MessageHeader::DictionaryBatch {
            self.dictionaries = whole(self.dictionaries + body)?;
        }
        Ok(Some(total))
    }

    /// Reads the rows of a message. The decoder looks at one that has none, such as the schema, when the next begins.
    fn decode(&mut self, mut message: Buffer) -> Result<()> {
        let (decoder, batches) = (&mut self.decoder, &mut self.batches);
        let read = AssertUnwindSafe(|| {
            while !message.is_empty() {
                batches.extend(decoder.decode(&mut message)?);
            }
            Ok(())
        });
        match catch_unwind(read) {
            Ok(found) => found.map_err(|error: ArrowError| refused(error)),
            Err(_) => Err(refused("a message that is not as Arrow's format says")),
        }
    }
}

fn refused(error: impl std::fmt::Display) -> Problem {
    Problem::new(Kind::Syntax, error.to_string()).at("body")
}

/// Which columns hold the texts.
struct Columns {
    first: usize,
    second: Option<usize>,
    names: [String; 2],
}

impl Columns {
    fn find(schema: &Schema, wanted: &TextColumns) -> Result<Self> {
        let column = |names: &[String], sole: bool, parameter: &str| -> Result<usize> {
            let texts: Vec<usize> =
                (0..schema.fields().len()).filter(|&i| is_text(schema.field(i).data_type())).collect();
            let found = names.iter().find_map(|name| {
                let mut named = (0..schema.fields().len()).filter(|&i| schema.field(i).name() == name);
                Some((named.next()?, named.next()))
            });
            let problem = |expected: String| {
                let fields = schema.fields().iter().map(|field| format!("`{}` ({})", field.name(), field.data_type()));
                let found = fields.collect::<Vec<_>>().join(", ");
                Problem::value(parameter, format!("expected {expected}, found {found}"))
            };
            match (found, &texts[..]) {
                (Some((at, None)), texts) if texts.contains(&at) => Ok(at),
                (Some((at, None)), _) => Err(problem(format!("text in column `{}`", schema.field(at).name()))),
                (Some((at, Some(_))), _) => Err(problem(format!("one column `{}`", schema.field(at).name()))),
                (None, &[only]) if sole => Ok(only),
                (None, _) => Err(problem(format!("a column `{}`, or its name in the query", names.join("` or `")))),
            }
        };
        let first = column(&wanted.first, wanted.sole, "text")?;
        let second = wanted.second.as_ref().map(|names| column(names, false, "text_pair")).transpose()?;
        let name = |at: Option<usize>| at.map_or_else(String::new, |at| schema.field(at).name().clone());
        Ok(Self { first, second, names: [name(Some(first)), name(second)] })
    }

    fn of<'a>(&self, batch: &'a RecordBatch) -> (Texts<'a>, Option<Texts<'a>>) {
        (Texts::of(batch.column(self.first)), self.second.map(|column| Texts::of(batch.column(column))))
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => {
            matches!(**values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        _ => false,
    }
}

/// The texts of a column. Those of a dictionary are looked up row by row: all rows at once could be far more than was sent.
struct Texts<'a> {
    column: &'a ArrayRef,
    keys: Option<Vec<usize>>,
}

impl<'a> Texts<'a> {
    fn of(column: &'a ArrayRef) -> Self {
        let dictionary = column.as_any_dictionary_opt().filter(|dictionary| !dictionary.values().is_empty());
        Self { column, keys: dictionary.map(|dictionary| dictionary.normalized_keys()) }
    }

    fn get(&self, row: usize) -> Option<&'a str> {
        if self.column.is_null(row) {
            return None;
        }
        let (values, row) = match (&self.keys, self.column.as_any_dictionary_opt()) {
            (Some(keys), Some(dictionary)) => (dictionary.values(), keys[row]),
            (None, Some(_)) => return None,
            (_, None) => (self.column, row),
        };
        if values.is_null(row) {
            return None;
        }
        match values.data_type() {
            DataType::Utf8 => Some(values.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Some(values.as_string::<i64>().value(row)),
            DataType::Utf8View => Some(values.as_string_view().value(row)),
            _ => None,
        }
    }
}

/// Writes answers as record batches: `label` and `probability_` with the name of each class, or `score`; `tokens`, `truncated` and
/// `error`, which says why the others are null.
struct Answers {
    writer: StreamWriter<Vec<u8>>,
    schema: SchemaRef,
    classes: usize,
}

impl Answers {
    fn new(labels: &[String]) -> std::result::Result<Self, ArrowError> {
        let field = |name: &str, kind: DataType| Field::new(name, kind, true);
        let names = answer_names(labels, |_| false);
        let (label, numbers) = names.split_at(labels.len().min(1));
        let mut fields: Vec<Field> = label.iter().map(|name| field(name, DataType::Utf8)).collect();
        fields.extend(numbers.iter().map(|name| field(name, DataType::Float32)));
        fields.push(field("tokens", DataType::UInt32));
        fields.push(field("truncated", DataType::Boolean));
        fields.push(field("error", DataType::Utf8));
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { writer: StreamWriter::try_new(Vec::new(), &schema)?, schema, classes: labels.len() })
    }

    fn written(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.get_mut())
    }
}

impl Writer for Answers {
    fn begin(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.written())
    }

    fn rows(&mut self, _: usize, rows: Vec<Result<Answer>>) -> io::Result<Vec<u8>> {
        let answers = || rows.iter().map(|row| row.as_ref().ok());
        let mut columns: Vec<ArrayRef> = Vec::new();
        if self.classes == 0 {
            columns.push(Arc::new(answers().map(|answer| answer?.score()).collect::<Float32Array>()));
        } else {
            columns.push(Arc::new(answers().map(|answer| answer?.label()).collect::<StringArray>()));
        }
        for class in 0..self.classes {
            let probabilities = answers().map(|answer| answer?.probabilities().get(class).copied());
            columns.push(Arc::new(probabilities.collect::<Float32Array>()));
        }
        columns.push(Arc::new(answers().map(|answer| Some(answer?.tokens as u32)).collect::<UInt32Array>()));
        columns.push(Arc::new(answers().map(|answer| Some(answer?.truncated)).collect::<BooleanArray>()));
        let errors = rows.iter().map(|row| {
            let problem = row.as_ref().err()?;
            let field = problem.field.as_ref().map_or(String::new(), |field| format!("{field}: "));
            Some(format!("{field}{}", problem.message))
        });
        columns.push(Arc::new(errors.collect::<StringArray>()));
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(io::Error::other)?;
        self.writer.write(&batch).map_err(io::Error::other)?;
        Ok(self.written())
    }

    /// Rows cannot say it, since there are as many as were sent: the stream ends without its mark, and the connection with it.
    fn broken(&mut self, first: usize, problem: &Problem) -> io::Result<Vec<u8>> {
        Err(io::Error::other(format!("row {first} and those behind it: {}", problem.message)))
    }

    fn end(&mut self) -> io::Result<Vec<u8>> {
        self.writer.finish().map_err(io::Error::other)?;
        Ok(self.written())
    }
}

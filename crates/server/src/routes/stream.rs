//! Streams of rows in, answers out, in their order, while the body still arrives.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bitspike::Answer;
use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc;

use crate::app::App;
use crate::inputs::Item;
use crate::models::Served;
use crate::problem::{Kind, Problem, Result};
use crate::queue::Pending;

/// Rows that wait for the model as one.
pub(super) const GROUP: usize = 64;

/// Groups that may be on their way.
const GROUPS: usize = 4;

/// Time in which a connection writes what it holds.
const FLUSHED: Duration = Duration::from_millis(200);

/// Rows with their answers on the way.
pub(super) struct Group {
    /// Number of the first row, from 0.
    first: usize,
    /// Of each row whether its text was cut, or why there is none.
    rows: Vec<Result<bool>>,
    pending: Option<Result<Pending>>,
    /// What ends the stream after them.
    broken: Option<Problem>,
}

impl Group {
    /// No row, and what is wrong with everything from row `first` on.
    pub(super) fn broken(first: usize, problem: Problem) -> Self {
        Self { first, rows: Vec::new(), pending: None, broken: Some(problem) }
    }
}

/// How answers are written.
pub(super) trait Writer: Send + 'static {
    /// What comes before the first answer.
    fn begin(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    /// The answers to the rows from `first` on.
    fn rows(&mut self, first: usize, rows: Vec<Result<Answer>>) -> io::Result<Vec<u8>>;

    /// That there is no answer from row `first` on. An error breaks the stream off.
    fn broken(&mut self, first: usize, problem: &Problem) -> io::Result<Vec<u8>>;

    /// What comes after the last one.
    fn end(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

/// The parts of the answer as they come; an error breaks the answer off, so that nobody takes it for whole.
struct Parted(mpsc::Receiver<io::Result<Bytes>>);

impl hyper::body::Body for Parted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}

/// The parameters of a query that every stream has.
pub(super) struct Query {
    pub(super) model: Option<String>,
    pub(super) logits: bool,
}

impl Query {
    /// Reads it; `other` takes what else a stream may have, and says whether it does.
    pub(super) fn read(parts: &Parts, expected: &str, mut other: impl FnMut(&str, String) -> bool) -> Result<Self> {
        if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(Problem::new(Kind::Syntax, "a stream is taken uncompressed alone").at("Content-Encoding"));
        }
        let mut query = Self { model: None, logits: false };
        for (key, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            match (&*key, &*value) {
                ("model", name) => query.model = Some(name.to_owned()),
                ("logits", "true" | "false") => query.logits = value == "true",
                (key, _) if other(key, value.to_string()) => (),
                _ => return Err(Problem::value(key, format!("a stream takes {expected} in the query"))),
            }
        }
        Ok(query)
    }
}

/// The channel that groups go to, and the answer that is made of them.
pub(super) fn answer(app: &Arc<App>, kind: &'static str, writer: impl Writer) -> (mpsc::Sender<Group>, Response) {
    let (group, groups) = mpsc::channel(GROUPS);
    let (part, parts) = mpsc::channel(GROUPS);
    tokio::spawn(write(app.clone(), groups, part, writer));
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
    (group, (kind, Body::new(Parted(parts))).into_response())
}

/// Asks for the answers to some rows, the first of which is row `first`.
pub(super) async fn ask(app: &App, served: &Arc<Served>, first: usize, items: Vec<Result<Item>>) -> Group {
    let mut texts = Vec::new();
    let mut rows: Vec<Result<bool>> =
        items.into_iter().map(|item| item.map(|item| texts.push(item)).map(|()| false)).collect();
    let encoded = App::encode(served, texts).await;
    let (encodings, cut): (Vec<_>, Vec<bool>) = encoded.into_iter().unzip();
    rows.iter_mut().flatten().zip(cut).for_each(|(row, cut)| *row = cut);
    let pending = match encodings.is_empty() {
        true => None,
        false => Some(app.queue.submit_patiently(served, encodings, app.settings.deadline).await),
    };
    Group { first, rows, pending, broken: None }
}

/// Writes answers as they come.
async fn write(
    app: Arc<App>,
    mut groups: mpsc::Receiver<Group>,
    parts: mpsc::Sender<io::Result<Bytes>>,
    mut writer: impl Writer,
) {
    let mut written = writer.begin();
    loop {
        // Nobody waits for the answers any longer, or they cannot be told.
        let failed = written.as_ref().err().map(ToString::to_string);
        let empty = written.as_ref().is_ok_and(Vec::is_empty);
        if failed.is_some() {
            // The connection drops what it holds together with the error: what was written before leaves first.
            tokio::time::sleep(FLUSHED).await;
        }
        if !empty && parts.send(written.map(Bytes::from)).await.is_err() {
            return;
        }
        if let Some(error) = failed {
            tracing::warn!(error, "a stream of answers is broken off");
            return;
        }
        let Some(Group { first, rows, pending, broken }) = groups.recv().await else { break };
        if let Some(problem) = broken {
            written = writer.broken(first, &problem);
            continue;
        }
        let cut: Vec<bool> = rows.iter().flatten().copied().collect();
        let answers = match pending {
            None => Ok(Vec::new()),
            Some(Ok(pending)) => {
                tokio::select! {
                    answers = pending.answers() => answers,
                    () = parts.closed() => return,
                }
            }
            Some(Err(problem)) => Err(problem),
        };
        let mut answers = answers.map(|mut answers| {
            app.note_cut(&mut answers, &cut);
            answers.into_iter()
        });
        let answered = rows.into_iter().map(|row| match (row, &mut answers) {
            (Err(problem), _) => Err(problem),
            (Ok(_), Err(problem)) => Err(problem.clone()),
            (Ok(_), Ok(answers)) => answers.next().ok_or_else(Problem::stopping),
        });
        written = writer.rows(first, answered.collect());
    }
    if let Ok(end) = writer.end()
        && !end.is_empty()
    {
        let _ = parts.send(Ok(end.into())).await;
    }
}

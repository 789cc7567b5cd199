//! A stream of JSON Lines: a text a line in, an answer a line out, in their order.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::mpsc;

use super::answers::Told;
use crate::app::App;
use crate::inputs::{Inputs, Item, Reading, check_one, parse};
use crate::models::Served;
use crate::problem::{Kind, Problem, Result};
use crate::queue::Pending;

/// Lines that wait for the model as one.
const GROUP: usize = 64;

/// Groups that may be on their way.
const GROUPS: usize = 4;

/// Lines with their answers on the way.
struct Group {
    /// Number of the first line, from 1.
    first: usize,
    /// Of each line whether there was a text on it, and whether it was cut.
    lines: Vec<std::result::Result<bool, Problem>>,
    pending: Option<Result<Pending>>,
}

/// The parts of the answer as they come.
struct Parted(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Parted {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

/// Answers a stream of lines with one.
pub(super) fn stream(app: &Arc<App>, parts: &Parts, body: Body) -> Result<Response> {
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Problem::new(Kind::Syntax, "a stream of lines is taken uncompressed alone").at("Content-Encoding"));
    }
    let mut model = None;
    let mut logits = false;
    for (key, value) in parts.uri.query().unwrap_or_default().split('&').filter_map(|part| part.split_once('=')) {
        match (key, value) {
            ("model", name) => model = Some(name.to_owned()),
            ("logits", "true" | "false") => logits = value == "true",
            _ => return Err(Problem::value(key, "a stream takes `model=NAME` and `logits=true` in the query")),
        }
    }
    let served = app.models.wanted(model.as_deref())?;
    let (group, groups) = mpsc::channel(GROUPS);
    let (part, parts) = mpsc::channel(GROUPS);
    tokio::spawn(read(app.clone(), served.clone(), body, group));
    tokio::spawn(write(app.clone(), served, groups, part, logits));
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))];
    Ok((kind, Body::new(Parted(parts))).into_response())
}

/// Reads lines and asks for their answers, until the body ends or nobody waits for them any longer.
async fn read(app: Arc<App>, served: Arc<Served>, mut body: Body, groups: mpsc::Sender<Group>) {
    let (mut rest, mut next) = (BytesMut::new(), 1);
    let longest = app.settings.max_body_bytes;
    loop {
        let frame = tokio::time::timeout(app.settings.body_time, body.frame()).await;
        // What is left of earlier frames holds no end of a line.
        let mut searched = rest.len();
        let end = match frame {
            Ok(Some(Ok(frame))) => {
                rest.extend_from_slice(&frame.into_data().unwrap_or_default());
                None
            }
            Ok(None) => Some(Ok(())),
            Ok(Some(Err(error))) => Some(Err(Problem::new(Kind::Syntax, format!("the body broke off: {error}")))),
            Err(_) => Some(Err(Problem::new(Kind::Slow, "the next line did not arrive in time"))),
        };
        let mut lines = Vec::new();
        while let Some(at) = rest[searched..].iter().position(|&byte| byte == b'\n') {
            lines.push(rest.split_to(searched + at + 1));
            searched = 0;
        }
        if end == Some(Ok(())) && !rest.is_empty() {
            lines.push(rest.split());
        }
        let long = rest.len() > longest;
        let mut left = lines.into_iter().peekable();
        while left.peek().is_some() {
            let some: Vec<BytesMut> = left.by_ref().take(GROUP).collect();
            let group = ask(&app, &served, next, &some).await;
            next += some.len();
            if groups.send(group).await.is_err() {
                return;
            }
        }
        let problem = match end {
            Some(Ok(())) => return,
            Some(Err(problem)) => problem,
            None if long => Problem::new(Kind::TooLarge, format!("a line may have {longest} bytes (--max-body-bytes)")),
            None => continue,
        };
        let _ = groups.send(Group { first: next, lines: vec![Err(problem)], pending: None }).await;
        return;
    }
}

/// Asks for the answers of some lines.
async fn ask(app: &App, served: &Arc<Served>, first: usize, lines: &[BytesMut]) -> Group {
    let items: Vec<Result<Item>> = lines.iter().map(|line| item(line, served, app)).collect();
    let texts: Vec<Item> = items.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
    let encoded = App::encode(served, texts).await;
    let (encodings, cut): (Vec<_>, Vec<bool>) = encoded.into_iter().unzip();
    let mut cut = cut.into_iter();
    let lines = items.into_iter().map(|item| item.map(|_| cut.next().unwrap_or_default())).collect();
    let pending = match encodings.is_empty() {
        true => None,
        false => Some(app.queue.submit_patiently(served, encodings, app.settings.deadline).await),
    };
    Group { first, lines, pending }
}

/// The text of a line: a JSON string, or an object with `text` and, for pairs, `text_pair`.
fn item(line: &[u8], served: &Served, app: &App) -> Result<Item> {
    let item = match parse::<Inputs>(line)? {
        Inputs::Text(text) => text.into(),
        Inputs::Object(item) => item,
        Inputs::List(_) => {
            return Err(Problem::new(Kind::Value, "a line holds one text, or a pair as an object; found a list"));
        }
    };
    check_one(&item, served.is_pair(), Reading::Batch, &app.settings)?;
    Ok(item)
}

/// Writes answers as they come.
async fn write(
    app: Arc<App>,
    served: Arc<Served>,
    mut groups: mpsc::Receiver<Group>,
    parts: mpsc::Sender<Bytes>,
    logits: bool,
) {
    while let Some(Group { first, lines, pending }) = groups.recv().await {
        let cut: Vec<bool> = lines.iter().filter_map(|line| line.as_ref().ok().copied()).collect();
        let answers = match pending {
            None => Ok(Vec::new()),
            Some(Ok(pending)) => {
                tokio::select! {
                    answers = pending.answers() => answers,
                    // Nobody waits for the answers any longer.
                    () = parts.closed() => return,
                }
            }
            Some(Err(problem)) => Err(problem),
        };
        let mut answers = answers.map(|mut answers| {
            app.note_cut(&mut answers, &cut);
            answers.into_iter()
        });
        let mut text = Vec::new();
        for (number, line) in (first..).zip(lines) {
            let told = match (line, &mut answers) {
                (Err(problem), _) => Err(problem),
                (Ok(_), Err(problem)) => Err(problem.clone()),
                (Ok(_), Ok(answers)) => {
                    answers.next().map(|answer| Told::of(&served, answer, logits)).ok_or_else(Problem::stopping)
                }
            };
            let written = match told {
                Ok(told) => serde_json::to_writer(&mut text, &told),
                Err(problem) => serde_json::to_writer(&mut text, &json!({ "error": problem.object(), "line": number })),
            };
            if let Err(error) = written {
                tracing::error!(%error, "an answer cannot be written");
                return;
            }
            text.push(b'\n');
        }
        if parts.send(text.into()).await.is_err() {
            return;
        }
    }
}

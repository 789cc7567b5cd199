//! A stream of JSON Lines: a text a line in, an answer a line out, in their order.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::response::Response;
use bitspike::Answer;
use bytes::BytesMut;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::sync::mpsc;

use super::answers::Told;
use super::stream::{GROUP, Group, Query, Writer, answer, ask};
use crate::app::App;
use crate::inputs::{Inputs, Item, Reading, check_one, parse};
use crate::models::{Ask, Served};
use crate::problem::{Kind, Problem, Result};
use crate::spans::{place, within};

/// The content type of lines.
pub(super) const KIND: &str = "application/x-ndjson";

/// Answers a stream of lines with one.
pub(super) fn stream(app: &Arc<App>, parts: &Parts, body: Body) -> Result<Response> {
    let query = Query::read(parts, "`model=NAME` and `logits=true`", |_, _| false)?;
    let served = app.models.wanted_to(Ask::Classify, query.model.as_deref())?;
    let (groups, response) = answer(app, KIND, Lines { served: served.clone(), logits: query.logits });
    tokio::spawn(within(place(), read(app.clone(), served, body, groups)));
    Ok(response)
}

/// Writes an answer a line.
struct Lines {
    served: Arc<Served>,
    logits: bool,
}

impl Writer for Lines {
    fn rows(&mut self, first: usize, rows: Vec<Result<Answer>>) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        for (i, row) in rows.into_iter().enumerate() {
            match row {
                Ok(answer) => {
                    serde_json::to_writer(&mut text, &Told::of(&self.served, answer, self.logits))?;
                    text.push(b'\n');
                }
                Err(problem) => text.append(&mut self.broken(first + i, &problem)?),
            }
        }
        Ok(text)
    }

    fn broken(&mut self, first: usize, problem: &Problem) -> io::Result<Vec<u8>> {
        let line = json!({ "error": problem.object(), "line": first + 1 });
        Ok(format!("{line}\n").into_bytes())
    }
}

/// Reads lines and asks for their answers, until the body ends or nobody waits for them any longer.
async fn read(app: Arc<App>, served: Arc<Served>, mut body: Body, groups: mpsc::Sender<Group>) {
    let (mut rest, mut next) = (BytesMut::new(), 0);
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
            let items = some.iter().map(|line| item(line, &served, &app)).collect();
            let group = ask(&app, &served, next, items).await;
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
        let _ = groups.send(Group::broken(next, problem)).await;
        return;
    }
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

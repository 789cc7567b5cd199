//! From the texts of tables to an index, and from questions to what it answers.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use bitspike_data::answers::Texts;
use bitspike_data::answers::{AnswerOptions, Classifier, Embedder, OnError, Progress, Summary, Told, answer_each};
use bitspike_data::table::{Cell, Form};

use crate::builder::{Builder, Kept};
use crate::error::{Error, Result};
use crate::index::{Index, Search};
use crate::top::Hit;

/// Texts of a table that an index is to have.
pub struct Corpus<'a> {
    /// The texts.
    pub texts: Texts,
    /// The column of ids, where the index has them.
    pub id: Option<&'a str>,
    /// What becomes of a record without a text, or of a text without a word: an error, or it is left out.
    pub on_error: OnError,
    /// Ends the work early, and without an error, once it is true.
    pub cancel: Option<&'a AtomicBool>,
}

/// Embeds texts and adds them to an index in the making, in bounded memory but for what it keeps.
///
/// # Errors
/// If the input is at fault, lacks the column of ids, or has an id twice; if the model fails.
pub fn add_texts(
    builder: &mut Builder,
    model: &Embedder<'_>,
    corpus: Corpus<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let place = corpus.texts.source.place().to_string();
    let on_error = if corpus.on_error == OnError::Stop { OnError::Stop } else { OnError::Skip };
    let options = AnswerOptions { on_error, cancel: corpus.cancel, ..AnswerOptions::new(Form::Jsonl) };
    let (mut fault, mut wordless) = (None, 0);
    let mut add = |told: Told<'_>| -> Result<()> {
        let Some(said) = &told.said else { return Ok(()) };
        let refused = |message| Error::Record { place: place.clone(), line: told.row.line, message };
        // Its vector is near to everything that says little, a blank line's among it.
        if said.is_wordless(false) {
            if on_error == OnError::Stop {
                return Err(refused("expected a text, found one without a word".to_owned()));
            }
            wordless += 1;
            return Ok(());
        }
        let id = corpus.id.map(|column| id_in(&told, column)).transpose().map_err(refused)?;
        let kept = Kept { text: told.text, id: id.as_deref() };
        builder.push(&said.values, kept).map_err(|error| refused(error.to_string()))
    };
    let mut each = |told: Told<'_>| match add(told) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            fault = Some(error);
            ControlFlow::Break(())
        }
    };
    let mut summary = answer_each(model, corpus.texts, &options, &mut each, progress)?;
    summary.missing += wordless;
    summary.empty -= wordless;
    fault.map_or(Ok(summary), Err)
}

/// The id of a record.
fn id_in(told: &Told<'_>, column: &str) -> Result<String, String> {
    let columns = &told.row.columns;
    let Some(place) = columns.iter().position(|found| found.name.trim() == column) else {
        let names: Vec<&str> = columns.iter().map(|found| found.name.trim()).take(50).collect();
        return Err(format!("no column `{column}`; found {}", names.join(", ")));
    };
    match &told.row.cells[place] {
        Cell::Json(json) if json.starts_with(['[', '{']) => {
            Err(format!("column `{column}`: expected an id, found a list or an object"))
        }
        cell => match cell.text().trim() {
            "" => Err(format!("column `{column}`: expected an id, found nothing")),
            id => Ok(id.to_owned()),
        },
    }
}

/// A question that was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The question.
    pub question: String,
    /// The nearest texts.
    pub hits: Vec<Hit>,
}

/// Questions that are embedded and answered together.
const TOGETHER: usize = 256;

/// Answers questions in their order, `each` told as they are answered; a record without a question is left out.
///
/// # Errors
/// If the input is at fault or the model fails, once the questions before are answered; [`Error::Invalid`] as [`Index::search`].
pub fn ask(
    index: &Index,
    model: &Embedder<'_>,
    questions: Texts,
    (k, search): (usize, Search),
    cancel: Option<&AtomicBool>,
    each: &mut dyn FnMut(Asked) -> ControlFlow<()>,
) -> Result<Summary> {
    let mut waiting: Vec<(String, Vec<f32>)> = Vec::new();
    let mut fault = None;
    let at_once = !questions.source.is_file();
    let mut flush = |waiting: &mut Vec<(String, Vec<f32>)>| -> Result<ControlFlow<()>> {
        let (texts, vectors): (Vec<String>, Vec<Vec<f32>>) = waiting.drain(..).unzip();
        if texts.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        for (question, hits) in texts.into_iter().zip(index.search_all(&vectors, k, search)?) {
            if each(Asked { question, hits }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    };
    let options = AnswerOptions { on_error: OnError::Skip, cancel, ..AnswerOptions::new(Form::Text) };
    let mut take = |told: Told<'_>| {
        let Some(said) = told.said else { return ControlFlow::Continue(()) };
        waiting.push((told.text.to_owned(), said.values));
        if waiting.len() < TOGETHER && !at_once {
            return ControlFlow::Continue(());
        }
        flush(&mut waiting).unwrap_or_else(|error| {
            fault = Some(error);
            ControlFlow::Break(())
        })
    };
    let summary = answer_each(model, questions, &options, &mut take, &mut |_| {});
    if let Some(error) = fault {
        return Err(error);
    }
    let _ = flush(&mut waiting)?;
    Ok(summary?)
}

/// The vector of one question.
///
/// # Errors
/// If the model fails.
pub(crate) fn vector(model: &Embedder<'_>, question: &str) -> Result<Vec<f32>> {
    Ok(model.answer(&[(question, None)])?.swap_remove(0).values)
}

impl Index {
    /// The texts that are nearest to a question, which is embedded by the model of the index.
    ///
    /// # Errors
    /// As [`Index::search`], and if the model fails.
    pub fn ask(&self, model: &Embedder<'_>, question: &str, k: usize, search: Search) -> Result<Vec<Hit>> {
        self.search(&vector(model, question)?, k, search)
    }
}

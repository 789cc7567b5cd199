//! How answers are given.

use std::sync::atomic::AtomicBool;

use super::stream::Work;
use crate::error::Error;
use crate::table::Form;

/// What becomes of a record of a table that has no text: a null, a key that an object lacks, or no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown)]
pub enum OnError {
    /// It is an error, with its line.
    Stop,
    /// It is left out.
    Skip,
    /// It is written without an answer.
    Null,
}

fn unknown(name: &str) -> Error {
    Error::invalid("what to do about a missing text", "stop, skip or null", name)
}

/// How answers are given.
#[derive(Debug, Clone, Copy)]
pub struct AnswerOptions<'a> {
    /// The form of the answers; [`Form::Text`] is lines for people.
    pub form: Form,
    /// What becomes of a record without a text.
    pub on_error: OnError,
    /// Ends the work early, and without an error, once it is true.
    pub cancel: Option<&'a AtomicBool>,
}

impl AnswerOptions<'_> {
    /// Answers in that form; none to a record without a text.
    pub fn new(form: Form) -> Self {
        Self { form, on_error: OnError::Null, cancel: None }
    }

    pub(super) fn work(&self) -> Work<'_> {
        // Answers for people show the texts alone.
        Work { on_error: self.on_error, cancel: self.cancel, texts_only: self.form == Form::Text }
    }
}

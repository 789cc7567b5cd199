//! What Python gives to be classified.

use bitspike::{Input, Task};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::fault::{Fault, Kind, Result};

/// A text or a pair, owned: work goes on without the interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) first: String,
    pub(crate) second: Option<String>,
}

impl<'a> From<&'a Text> for Input<'a> {
    fn from(text: &'a Text) -> Self {
        Self { first: &text.first, second: text.second.as_deref() }
    }
}

/// The texts of a list, whose first one is called number `first` in messages.
pub(crate) fn read(items: &Bound<'_, PyList>, first: usize, task: &Task) -> Result<Vec<Text>> {
    items.iter().enumerate().map(|(i, item)| one(&item, &format!("text {}", first + i), task)).collect()
}

/// The text or pair `item`, called `place` in messages.
pub(crate) fn one(item: &Bound<'_, PyAny>, place: &str, task: &Task) -> Result<Text> {
    let text = if let Ok(pair) = item.cast::<PyTuple>() {
        match &pair.iter().collect::<Vec<_>>()[..] {
            [first, second] => Text { first: string(first, place)?, second: Some(string(second, place)?) },
            other => {
                let found = format!("a tuple of {}", other.len());
                return Err(Fault::at(Kind::Text, place, "a tuple of two texts", found));
            }
        }
    } else if let Ok(named) = item.cast::<PyDict>() {
        of_dict(named, place)?
    } else {
        Text { first: string(item, place)?, second: None }
    };
    match (&task.second, &text.second) {
        (Some(second), None) => {
            let expected =
                format!("a pair of texts, {} and {second}, since that is what the model was trained on", task.first);
            Err(Fault::at(Kind::Text, place, expected, "one text"))
        }
        (None, Some(_)) => {
            let expected = "one text, since that is what the model was trained on";
            Err(Fault::at(Kind::Text, place, expected, "a pair of texts"))
        }
        _ => Ok(text),
    }
}

fn of_dict(named: &Bound<'_, PyDict>, place: &str) -> Result<Text> {
    let (mut first, mut second) = (None, None);
    for (key, value) in named.iter() {
        match key.to_string().as_str() {
            "text" => first = Some(string(&value, place)?),
            "text_pair" if value.is_none() => {}
            "text_pair" => second = Some(string(&value, place)?),
            key => {
                let found = format!("the key `{}`", key.escape_debug());
                return Err(Fault::at(Kind::Text, place, "a dict of `text` and `text_pair`", found));
            }
        }
    }
    match first {
        Some(first) => Ok(Text { first, second }),
        None => Err(Fault::at(Kind::Text, place, "a dict with the key `text`", "none")),
    }
}

fn string(value: &Bound<'_, PyAny>, place: &str) -> Result<String> {
    let Ok(text) = value.cast::<PyString>() else {
        let kind = value.get_type().name().map_or_else(|_| "another object".to_owned(), |name| name.to_string());
        let found = match kind.as_str() {
            "NoneType" => "None".to_owned(),
            "float" if value.to_string() == "nan" => "nan".to_owned(),
            "bytes" => "bytes (decode them first)".to_owned(),
            _ => kind,
        };
        return Err(Fault::at(Kind::Text, place, "a text (str)", found));
    };
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Fault::at(
            Kind::Text,
            place,
            "a text that UTF-8 can hold",
            "a lone surrogate (text.encode('utf-8', 'replace').decode() replaces it)",
        )),
    }
}

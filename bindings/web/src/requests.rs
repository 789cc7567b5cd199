//! Requests, by the names of the server's routes.

use bitspike::model::Fingerprint;
use bitspike::vector::shaped;
use bitspike::{Answer, Input, Model};
use serde::{Deserialize, Serialize};

use crate::cost::Meter;
use crate::fault::Fault;
use crate::told::{Told, json};
use crate::trace;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Request {
    Classify(Classify),
    Embed(Embed),
    Trace(trace::Asked),
    Fingerprint(Continued),
}

/// Answers to texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Classify {
    inputs: Vec<Text>,
    #[serde(default)]
    logits: bool,
    #[serde(default)]
    cost: bool,
}

/// Vectors of texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Embed {
    inputs: Vec<Text>,
    #[serde(default)]
    normalize: Option<bool>,
    #[serde(default)]
    dimensions: Option<usize>,
}

/// Digests of texts, after those of others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Continued {
    inputs: Vec<Text>,
    /// Two numbers of 16 hexadecimal digits, as they were replied.
    #[serde(default)]
    after: Option<[String; 2]>,
}

/// A text, or a pair.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    One(String),
    Pair { text: String, text_pair: Option<String> },
}

impl Text {
    pub(crate) fn input(&self) -> Input<'_> {
        match self {
            Self::One(text) => Input { first: text, second: None },
            Self::Pair { text, text_pair } => Input { first: text, second: text_pair.as_deref() },
        }
    }
}

/// Replies to `request`.
pub(crate) fn answer(model: &Model, meter: &Meter, request: &[u8]) -> Result<Vec<u8>, Fault> {
    match serde_json::from_slice(request).map_err(|error| Fault::malformed(&error))? {
        Request::Classify(asked) => classify(model, meter, &asked),
        Request::Embed(asked) => embed(model, &asked),
        Request::Trace(asked) => trace::trace(model, meter, &asked),
        Request::Fingerprint(asked) => fingerprint(model, &asked),
    }
}

fn classify(model: &Model, meter: &Meter, asked: &Classify) -> Result<Vec<u8>, Fault> {
    #[derive(Serialize)]
    struct Reply<'a> {
        results: Vec<Told<'a>>,
    }
    let answers = model.classify(asked.inputs.iter().map(Text::input))?;
    let mut results: Vec<Told<'_>> = answers.iter().map(|answer| Told::of(model, answer, asked.logits)).collect();
    if asked.cost {
        for (told, text) in results.iter_mut().zip(&asked.inputs) {
            told.cost = Some(meter.measure(model, &model.encode(text.input()))?);
        }
    }
    Ok(json(&Reply { results }))
}

fn embed(model: &Model, asked: &Embed) -> Result<Vec<u8>, Fault> {
    #[derive(Serialize)]
    struct Reply {
        vectors: Vec<Vec<f32>>,
    }
    model.check_embeds()?;
    if let Some(i) = asked.inputs.iter().position(|text| text.input().second.is_some()) {
        return Err(Fault::value(format!("inputs[{i}]"), "expected one text, found a pair"));
    }
    let encodings: Vec<_> = asked.inputs.iter().map(|text| model.encode(text.input())).collect();
    let normalize = asked.normalize.unwrap_or(model.task().target.normalizes());
    let vector = |answer: Answer| {
        shaped(&answer.logits, asked.dimensions, normalize)
            .map_err(|error| Fault::value("dimensions", error.to_string()))
    };
    let vectors = model.answer_ids(&encodings)?.into_iter().map(vector).collect::<Result<_, _>>()?;
    Ok(json(&Reply { vectors }))
}

fn fingerprint(model: &Model, asked: &Continued) -> Result<Vec<u8>, Fault> {
    #[derive(Serialize)]
    struct Reply {
        logits: String,
        counts: String,
    }
    let mut found = Fingerprint::default();
    if let Some([logits, counts]) = &asked.after {
        let digest = |text: &str| {
            u64::from_str_radix(text, 16).map_err(|_| Fault::value("after", "expected 16 hexadecimal digits"))
        };
        found = Fingerprint { logits: digest(logits)?, counts: digest(counts)? };
    }
    let encodings: Vec<_> = asked.inputs.iter().map(|text| model.encode(text.input())).collect();
    let found = model.fingerprint(&encodings, found)?;
    Ok(json(&Reply { logits: format!("{:016x}", found.logits), counts: format!("{:016x}", found.counts) }))
}

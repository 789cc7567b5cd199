//! `POST /embed` and `POST /v1/embeddings`: vectors of texts, as clients of text-embeddings-inference and of OpenAI ask for them.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bitspike::vector::shaped;
use bytes::Bytes;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::predict::{ClientOptions, check_direction, check_whole};
use crate::app::{Answers, App};
use crate::body;
use crate::inputs::{Item, Reading, check_number, check_one, object, parse_object, place, whole};
use crate::models::{Ask, Served};
use crate::problem::{Problem, Result, json};

/// A text or a list of texts. Token ids are refused, since those that clients send are of other vocabularies.
#[derive(Debug)]
pub(super) struct Texts {
    texts: Vec<String>,
    single: bool,
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Texts, E> {
        Ok(Texts { texts: vec![text.to_owned()], single: true })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(One(text)) = list.next_element()? {
            texts.push(text);
        }
        Ok(Texts { texts, single: false })
    }
}

/// A text of a list.
struct One(String);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(OneForm)
    }
}

struct OneForm;

const TOKEN_IDS: &str = "token ids are of another vocabulary than the model's: send texts (langchain-openai does with \
                         check_embedding_ctx_length=False)";

impl<'de> Visitor<'de> for OneForm {
    type Value = One;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<One, E> {
        Ok(One(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> std::result::Result<One, E> {
        Ok(One(text))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> std::result::Result<One, E> {
        Err(E::custom(TOKEN_IDS))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<One, A::Error> {
        match list.next_element::<serde_json::Value>()? {
            Some(serde_json::Value::Number(_)) => Err(A::Error::custom(TOKEN_IDS)),
            _ => Err(A::Error::custom("expected a text, found a list")),
        }
    }
}

impl Texts {
    /// The texts, checked against the limits; `field` is where they stand.
    fn items(self, field: &str, served: &Served, app: &App) -> Result<Vec<Item>> {
        let Self { texts, single } = self;
        if texts.is_empty() {
            return Err(Problem::value(field, "expected at least one text, found an empty list"));
        }
        check_number(texts.len(), &app.settings).map_err(|problem| problem.at(field))?;
        let item = |(i, text): (usize, String)| {
            let item = Item::from(text);
            check_one(&item, served.is_pair(), Reading::Batch, &app.settings)
                .map_err(|problem| problem.at(place(field, single, i)))?;
            Ok(item)
        };
        texts.into_iter().enumerate().map(item).collect()
    }
}

/// What `/embed` is asked, and `/` of a model that embeds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmbedRequest)]
pub(super) struct Asked {
    /// A model of `/v1/models`; the first that embeds, unless given.
    model: Option<String>,
    /// A text or a list of texts.
    #[schema(schema_with = super::schemas::plain)]
    inputs: Texts,
    /// Whether vectors have length 1; as the model has them, unless given.
    normalize: Option<bool>,
    /// Whether texts longer than the model reads are cut; where false, they are refused. True, unless given.
    truncate: Option<bool>,
    /// `right`: the end of a long text is left out.
    #[schema(schema_with = super::schemas::direction)]
    truncation_direction: Option<String>,
    /// How many of a vector's first values are told; all, unless given.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1)]
    dimensions: Option<u32>,
    /// There are no prompts: null alone.
    #[schema(value_type = Option<()>)]
    prompt_name: Option<String>,
    /// `float`; /v1/embeddings has `base64` too.
    #[schema(schema_with = super::schemas::float)]
    encoding_format: Option<String>,
    /// Hugging Face's; there is nothing to wait for, and no cache.
    #[serde(default, deserialize_with = "object")]
    #[allow(dead_code, reason = "named, so that they are taken; there is nothing to do")]
    options: Option<ClientOptions>,
}

/// Embed
///
/// Text-embeddings-inference's route: a list of vectors, in the order of the texts, for one text too.
#[utoipa::path(
    post,
    path = "/embed",
    tag = "text-embeddings-inference",
    request_body = Asked,
    responses((status = 200, body = Vec<Vec<f32>>, description = "A vector a text"))
)]
pub(super) async fn embed(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let since = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body::of_texts(&app, &parts.headers, body).await?;
    Ok(json(&embedded(&app, body, since).await?))
}

/// The vectors that a body asks for.
pub(super) async fn embedded(app: &Arc<App>, body: Bytes, since: Instant) -> Result<Vec<Vec<f32>>> {
    let asked: Asked = parse_object(&body)?;
    drop(body);
    check_direction(asked.truncation_direction.as_deref())?;
    if let Some(name) = asked.prompt_name {
        return Err(Problem::value("prompt_name", format!("the models here have no prompts, found `{name}`")));
    }
    if asked.encoding_format.as_deref().is_some_and(|format| format != "float") {
        return Err(Problem::value("encoding_format", "expected `float`; /v1/embeddings gives base64 too"));
    }
    let served = app.models.wanted_to(Ask::Embed, asked.model.as_deref())?;
    let form = Shape::new(&served, asked.normalize, asked.dimensions)?;
    let single = asked.inputs.single;
    let items = asked.inputs.items("inputs", &served, app)?;
    let Answers { served, answers, .. } = app.answer(served, items, false, since).await?;
    if asked.truncate == Some(false) {
        check_whole(&served, &answers, |i| place("inputs", single, i))?;
    }
    answers.iter().map(|answer| form.vector(&answer.logits)).collect()
}

/// The form of vectors that a request asks for.
struct Shape {
    normalize: bool,
    dimensions: Option<usize>,
}

impl Shape {
    /// What `normalize` and `dimensions` of a request mean for a model.
    fn new(served: &Served, normalize: Option<bool>, dimensions: Option<u32>) -> Result<Self> {
        let width = served.width();
        let dimensions = dimensions.map(|dimensions| dimensions as usize);
        if let Some(found) = dimensions.filter(|dimensions| !(1..=width).contains(dimensions)) {
            let message = format!("expected 1 to {width}, the values of a vector of `{}`; found {found}", served.id);
            return Err(Problem::value("dimensions", message));
        }
        let normalize = normalize.unwrap_or_else(|| served.model().task().target.normalizes());
        Ok(Self { normalize, dimensions })
    }

    /// The vector of what the layers gave.
    fn vector(&self, raw: &[f32]) -> Result<Vec<f32>> {
        Ok(shaped(raw, self.dimensions, self.normalize)?)
    }
}

/// What `/v1/embeddings` is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmbeddingsRequest)]
pub(super) struct AskedOpenAi {
    /// A model of `/v1/models`; the first that embeds, unless given.
    model: Option<String>,
    /// A text or a list of texts.
    #[schema(schema_with = super::schemas::plain)]
    input: Texts,
    /// `float`, or `base64`: the values as 32-bit floats, the lowest byte first. `float`, unless given.
    #[schema(schema_with = super::schemas::encoding)]
    encoding_format: Option<String>,
    /// How many of a vector's first values are told; all, unless given.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1)]
    dimensions: Option<u32>,
    /// Whether vectors have length 1; as the model has them, unless given. Not OpenAI's.
    normalize: Option<bool>,
    /// Not looked at.
    #[allow(dead_code, reason = "named, so that it is taken; there is nothing to do")]
    user: Option<String>,
}

/// What `/v1/embeddings` answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmbeddingsAnswer)]
pub(super) struct AnsweredOpenAi {
    /// `list`
    object: &'static str,
    /// In the order of the texts.
    data: Vec<Entry>,
    /// The model that answered.
    model: String,
    usage: Usage,
}

/// The vector of a text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Embedding)]
struct Entry {
    /// `embedding`
    object: &'static str,
    /// Number of the text, from 0.
    index: usize,
    embedding: Values,
}

/// Values as they were asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = EmbeddingValues)]
enum Values {
    /// As numbers.
    Float(Vec<f32>),
    /// As bytes in base64.
    Base64(String),
}

/// Tokens that were read, frames included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Embed, as OpenAI's clients ask
///
/// Texts longer than the model reads are cut.
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    tag = "v1",
    request_body = AskedOpenAi,
    responses((status = 200, body = AnsweredOpenAi, description = "A vector a text"))
)]
pub(super) async fn embeddings(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let since = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body::of_texts(&app, &parts.headers, body).await?;
    let asked: AskedOpenAi = parse_object(&body)?;
    drop(body);
    let in_bytes = match asked.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            return Err(Problem::value("encoding_format", format!("expected float or base64, found `{other}`")));
        }
    };
    let served = app.models.wanted_to(Ask::Embed, asked.model.as_deref())?;
    let form = Shape::new(&served, asked.normalize, asked.dimensions)?;
    let items = asked.input.items("input", &served, &app)?;
    let Answers { served, answers, .. } = app.answer(served, items, false, since).await?;
    let tokens = answers.iter().map(|answer| answer.tokens).sum();
    let entry = |(index, answer): (usize, bitspike::Answer)| {
        let values = form.vector(&answer.logits)?;
        let embedding = if in_bytes { Values::Base64(base64(&values)) } else { Values::Float(values) };
        Ok(Entry { object: "embedding", index, embedding })
    };
    Ok(json(&AnsweredOpenAi {
        object: "list",
        data: answers.into_iter().enumerate().map(entry).collect::<Result<_>>()?,
        model: served.id.clone(),
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
    }))
}

/// Values as 32-bit floats, the lowest byte first, in base64.
fn base64(values: &[f32]) -> String {
    STANDARD.encode(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

//! The texts of a request, in every form that clients send them.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::problem::{Kind, Problem, Result};
use crate::settings::Settings;

/// One text, or a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) first: String,
    pub(crate) second: Option<String>,
}

impl From<String> for Item {
    fn from(first: String) -> Self {
        Self { first, second: None }
    }
}

/// What `inputs` holds, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// `"text"`
    Text(String),
    /// `{"text": .., "text_pair": ..}`
    Object(Item),
    /// `[..]`
    List(Vec<Inputs>),
}

/// Which of the forms a list of two texts has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// text-embeddings-inference: `["a", "b"]` is a pair, a batch is `[["a"], ["b"]]`.
    Pairs,
    /// Hugging Face's pipelines: `["a", "b"]` is a pair where the model takes pairs, else a batch.
    Pipeline,
    /// A list is a batch, a pair an object.
    Batch,
}

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Inputs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, an object with `text` and `text_pair`, or a list of them")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Inputs, E> {
        Ok(Inputs::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> std::result::Result<Inputs, E> {
        Ok(Inputs::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Inputs, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Inputs::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Inputs, A::Error> {
        let (mut first, mut second) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "text" => first = Some(map.next_value()?),
                "text_pair" => second = map.next_value()?,
                other => return Err(A::Error::custom(format!("`{other}`: expected `text` and `text_pair`"))),
            }
        }
        let first = first.ok_or_else(|| A::Error::custom("expected `text` in the object, found none"))?;
        Ok(Inputs::Object(Item { first, second }))
    }
}

impl Inputs {
    /// The texts, and whether the request is about one alone; checked against what the model takes (`pair`) and the limits.
    pub(crate) fn read(self, reading: Reading, pair: bool, settings: &Settings) -> Result<(Vec<Item>, bool)> {
        let (items, single) = match self {
            Self::Text(text) => (vec![text.into()], true),
            Self::Object(item) => (vec![item], true),
            Self::List(list) if list.is_empty() => {
                return Err(Problem::value("inputs", "expected at least one text, found an empty list"));
            }
            Self::List(list) if reading != Reading::Batch && list.iter().all(|one| matches!(one, Self::Text(_))) => {
                let texts = list.into_iter().map(Self::text);
                match (texts.len(), reading, pair) {
                    (1, Reading::Pairs, _) => (texts.map(Item::from).collect(), true),
                    (2, _, true) | (2, Reading::Pairs, _) => (vec![pair_of(texts)], true),
                    (_, Reading::Pipeline, false) => (texts.map(Item::from).collect(), false),
                    (n, ..) => {
                        let message = format!(
                            "a list of {n} texts is neither a text nor a pair; a batch is written [[\"first text\"], [\"second text\"]]"
                        );
                        return Err(Problem::value("inputs", message));
                    }
                }
            }
            Self::List(list) => {
                let items = list.into_iter().enumerate().map(|(i, one)| one.item(i, reading)).collect::<Result<_>>()?;
                (items, false)
            }
        };
        check(&items, single, pair, reading, settings)?;
        Ok((items, single))
    }

    fn text(self) -> String {
        if let Self::Text(text) = self { text } else { String::new() }
    }

    /// One of a batch.
    fn item(self, i: usize, reading: Reading) -> Result<Item> {
        let at = || format!("inputs[{i}]");
        match self {
            Self::Text(text) if reading == Reading::Pairs => {
                let message = "expected a list, since another element is one: a batch is written [[\"a\"], [\"b\"]]";
                drop(text);
                Err(Problem::value(at(), message))
            }
            Self::Text(text) => Ok(text.into()),
            Self::Object(item) => Ok(item),
            Self::List(texts) if texts.iter().all(|one| matches!(one, Self::Text(_))) => {
                let texts = texts.into_iter().map(Self::text);
                match (texts.len(), reading) {
                    (_, Reading::Batch) => {
                        Err(Problem::value(at(), "expected a text or {\"text\": .., \"text_pair\": ..}, found a list"))
                    }
                    (1, _) => Ok(Item::from(texts.collect::<String>())),
                    (2, _) => Ok(pair_of(texts)),
                    (n, _) => Err(Problem::value(at(), format!("expected a text or a pair of texts, found {n} texts"))),
                }
            }
            Self::List(_) => Err(Problem::value(at(), "expected texts, found a list in a list")),
        }
    }
}

fn pair_of(mut texts: impl Iterator<Item = String>) -> Item {
    Item { first: texts.next().unwrap_or_default(), second: texts.next() }
}

/// Refuses what the model does not take, and what is beyond the limits.
fn check(items: &[Item], single: bool, pair: bool, reading: Reading, settings: &Settings) -> Result<()> {
    check_number(items.len(), settings)
        .map_err(|problem| Problem { message: format!("{}, or lines to /v1/classify", problem.message), ..problem })
        .map_err(|problem| problem.at("inputs"))?;
    for (i, item) in items.iter().enumerate() {
        check_one(item, pair, reading, settings).map_err(|problem| problem.at(place("inputs", single, i)))?;
    }
    Ok(())
}

/// Where text `i` stands in the field of texts: a single one is the field itself.
pub(crate) fn place(field: &str, single: bool, i: usize) -> String {
    if single { field.to_owned() } else { format!("{field}[{i}]") }
}

/// Refuses more texts than a request may have.
pub(crate) fn check_number(texts: usize, settings: &Settings) -> Result<()> {
    let most = settings.max_texts;
    if texts <= most {
        return Ok(());
    }
    let message = format!("a request may have {most} texts (--max-texts), found {texts}; send more requests");
    Err(Problem::new(Kind::TooLarge, message))
}

/// The same of one text.
pub(crate) fn check_one(item: &Item, pair: bool, reading: Reading, settings: &Settings) -> Result<()> {
    let longest = item.first.len().max(item.second.as_ref().map_or(0, String::len));
    if longest > settings.max_text_bytes {
        let limit = settings.max_text_bytes;
        let message = format!("a text may have {limit} bytes (--max-text-bytes), found {longest}");
        return Err(Problem::new(Kind::TooLarge, message));
    }
    let (one_pair, batch) = match reading {
        Reading::Pairs | Reading::Pipeline => ("[\"first\", \"second\"]", "[[\"first\"], [\"second\"]]"),
        Reading::Batch => ("{\"text\": \"first\", \"text_pair\": \"second\"}", "[\"first\", \"second\"]"),
    };
    match (pair, &item.second) {
        (true, None) => Err(Problem::new(
            Kind::Value,
            format!("the model takes a pair of texts, found one text; a pair is written {one_pair}"),
        )),
        (false, Some(_)) => {
            let message =
                format!("the model takes one text, found a pair; two texts to be answered apart are written {batch}");
            Err(Problem::new(Kind::Value, message))
        }
        _ => Ok(()),
    }
}

/// A JSON body that is an object, as `T`; what is wrong says where.
pub(crate) fn parse_object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Err(Problem::value("body", "expected a JSON object, found a list")),
        _ => parse(body),
    }
}

/// JSON as `T`; what is wrong says where.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(Kind::Syntax, "expected a JSON object, found an empty body").at("body"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        let kind = if error.is_data() { Kind::Value } else { Kind::Syntax };
        let field = if path == "." || kind == Kind::Syntax { "body".to_owned() } else { path };
        Problem::new(kind, error.to_string()).at(field)
    })?;
    json.end().map_err(|error| Problem::new(Kind::Syntax, error.to_string()).at("body"))?;
    Ok(value)
}

/// An object as `T`. Without it a list is taken, too, its values in the order of the fields.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    struct Object<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> std::result::Result<Option<T>, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Option<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }
    deserializer.deserialize_any(Object(std::marker::PhantomData))
}

/// A whole number, which JSON may write as `1.0` too.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    match number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        true => Ok(Some(number as u32)),
        false => Err(D::Error::custom(format!("expected a whole number up to {}, found {number}", u32::MAX))),
    }
}

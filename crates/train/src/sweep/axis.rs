//! One axis of a grid: a key of the recipe and the values it takes.

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::error::{Error, Result};

/// Short names of keys, after the flags of `bitspike distil`.
const SHORT: [(&str, &str); 13] = [
    ("bits", "student.weight_bits"),
    ("embedding_bits", "student.embedding_bits"),
    ("granularity", "student.granularity"),
    ("layers", "student.layers"),
    ("time_steps", "student.time_steps"),
    ("T", "student.time_steps"),
    ("signed", "student.signed"),
    ("batch_size", "data.batch_size"),
    ("max_length", "data.max_length"),
    ("limit", "data.limit"),
    ("epochs", "stage.*.epochs"),
    ("learning_rate", "stage.*.learning_rate"),
    ("rate_penalty", "stage.*.rate_penalty"),
];

/// A key of the recipe and the values it takes, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Dotted key, stages counted from 0; `stage.*` means every stage.
    pub key: String,
    /// Values as TOML.
    pub values: Vec<Value>,
}

impl Axis {
    /// An axis from `key=value,value,..`.
    ///
    /// # Errors
    /// If it is not of that form, or the values are not what [`Axis::new`] takes.
    pub fn parse(text: &str) -> Result<Self> {
        let axis = || {
            let Some((key, values)) = text.split_once('=') else {
                let expected = "expected KEY=VALUE,VALUE,.. such as --over student.weight_bits=1,1.58,32";
                return Err(Error::Grid(expected.into()));
            };
            Self::new(key.trim(), pieces(values)?.iter().map(|piece| value(piece)).collect())
        };
        axis().map_err(|e| e.during(format!("--over {text}")))
    }

    /// An axis of the key `key`, which may be a short name.
    ///
    /// # Errors
    /// If the key is empty or the seed, there is no value, or two are equal.
    pub fn new(key: &str, values: Vec<Value>) -> Result<Self> {
        let known = SHORT.iter().find(|(short, _)| *short == key);
        let key = known.map_or(key, |(_, key)| key);
        let wrong = |message: String| Err(Error::Grid(message));
        if key.is_empty() || key.split('.').any(str::is_empty) {
            return wrong(format!("expected a dotted key of the recipe, found `{key}`"));
        }
        if key == "seed" {
            return wrong("seeds repeat a cell rather than make another one: give them with --seeds".into());
        }
        if values.is_empty() {
            return wrong(format!("`{key}` has no values"));
        }
        if let Some((_, value)) = values.iter().enumerate().find(|(i, value)| values[..*i].contains(value)) {
            return wrong(format!("`{key}` takes the value {value} twice"));
        }
        Ok(Self { key: key.to_owned(), values })
    }

    /// Whether the two set the same key of some recipe.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let same = |(a, b): (&str, &str)| a == b || a == "*" || b == "*";
        // One that is the beginning of the other sets a table that the other reaches into.
        self.key.split('.').zip(other.key.split('.')).all(same)
    }

    /// The assignments that give a recipe of `stages` stages the `i`-th value.
    pub(super) fn assignments(&self, i: usize, stages: usize) -> Vec<String> {
        let value = &self.values[i];
        match self.key.strip_prefix("stage.*.") {
            Some(rest) => (0..stages).map(|stage| format!("stage.{stage}.{rest}={value}")).collect(),
            None => vec![format!("{}={value}", self.key)],
        }
    }

    /// The value as people write it: text without quotes.
    pub fn label(&self, i: usize) -> String {
        match &self.values[i] {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }
}

/// The assignments of overrides that `base` came with must not be undone by an axis unnoticed.
///
/// # Errors
/// If one of `fixed` (each `key=value`) sets what an axis sets.
pub(super) fn no_contradiction(axes: &[Axis], fixed: &[String]) -> Result<()> {
    for assignment in fixed {
        let key = assignment.split_once('=').map_or(assignment.as_str(), |(key, _)| key).trim();
        let fixed = Axis { key: key.to_owned(), values: Vec::new() };
        if let Some(axis) = axes.iter().find(|axis| axis.overlaps(&fixed)) {
            return Err(Error::Grid(format!(
                "`{key}` is set for all cells ({assignment}) and swept over as `{}`; leave one out",
                axis.key
            )));
        }
    }
    Ok(())
}

/// A TOML value, or text where it is none, as in `--set`.
fn value(text: &str) -> Value {
    let parsed = format!("x = {text}").parse::<toml::Table>().ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("x")).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The parts between commas, but for commas within brackets, braces and quotes.
fn pieces(text: &str) -> Result<Vec<String>> {
    let (mut pieces, mut depth, mut quote) = (vec![String::new()], 0_i32, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        pieces.last_mut().expect("never empty").push(c);
    }
    let pieces: Vec<String> = pieces.iter().map(|piece| piece.trim().to_owned()).collect();
    if pieces.iter().any(String::is_empty) {
        return Err(Error::Grid("expected values with commas between them, found an empty one".into()));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use bitspike_run::recipe::Recipe;

    use super::*;

    #[test]
    fn values_are_toml_or_words() {
        let axis = Axis::parse("bits=1, 1.58,32").unwrap();
        assert_eq!(axis.key, "student.weight_bits");
        assert_eq!(axis.values, [Value::Integer(1), Value::Float(1.58), Value::Integer(32)]);
        let axis = Axis::parse("stage.0.schedule=cosine,\"linear\"").unwrap();
        assert_eq!(axis.values, ["cosine", "linear"].map(|text| Value::String(text.into())));
        assert_eq!(axis.assignments(0, 2), ["stage.0.schedule=\"cosine\""]);
        let axis =
            Axis::parse("stage.0.simulate={dynamics=\"phased\", time_steps=4}, {dynamics=\"accumulated\"}").unwrap();
        assert_eq!(axis.values.len(), 2);
        let assignments = Axis::parse("rate_penalty=0,0.1").unwrap().assignments(1, 2);
        assert_eq!(assignments, ["stage.0.rate_penalty=0.1", "stage.1.rate_penalty=0.1"]);
        let base = Recipe::default();
        assert_eq!(base.with(&assignments[..1]).unwrap().stage[0].rate_penalty, 0.1);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("bits", "expected KEY=VALUE"),
            ("=1", "dotted key"),
            ("a..b=1", "dotted key"),
            ("bits=", "empty"),
            ("bits=1,,2", "empty"),
            ("bits=1,1", "twice"),
            ("seed=1,2", "--seeds"),
        ] {
            let error = Axis::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn one_key_under_two_names_is_found() {
        let axis = |text: &str| Axis::parse(text).unwrap();
        assert!(axis("rate_penalty=1").overlaps(&axis("stage.0.rate_penalty=2")));
        assert!(axis("stage.0.simulate={}").overlaps(&axis("stage.0.simulate.beta=1")));
        assert!(!axis("stage.0.epochs=1").overlaps(&axis("stage.1.epochs=1")));
        let fixed = ["student.weight_bits=1".to_owned()];
        assert!(no_contradiction(&[axis("bits=1,32")], &fixed).unwrap_err().to_string().contains("leave one out"));
        no_contradiction(&[axis("T=1,32")], &fixed).unwrap();
    }
}

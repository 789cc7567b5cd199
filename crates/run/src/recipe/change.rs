//! What differs between two sets of settings, by dotted key.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Settings of the optimiser, by the last part of their key.
const OPTIMISER: [&str; 6] = ["learning_rate", "threshold_rate", "warmup", "schedule", "weight_decay", "clip_norm"];

/// Settings of the loss, likewise.
const LOSS: [&str; 7] = [
    "temperature",
    "hidden_weight",
    "attention_weight",
    "prediction_weight",
    "label_weight",
    "rate_penalty",
    "target_nonzero",
];

/// A setting that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its dotted key, such as `stage.0.learning_rate`.
    pub key: String,
    /// Its value then; none if it was not set.
    pub was: Option<String>,
    /// Its value now; none if it is not set.
    pub is: Option<String>,
}

/// What `now` has otherwise than `then`, by key.
pub fn changes<T: Serialize>(then: &T, now: &T) -> Vec<Change> {
    let flat = |settings: &T| {
        let mut values = BTreeMap::new();
        flatten("", &serde_json::to_value(settings).expect("settings are JSON"), &mut values);
        values
    };
    let (mut then, now) = (flat(then), flat(now));
    let mut found: Vec<Change> = Vec::new();
    for (key, is) in now {
        let was = then.remove(&key);
        if was.as_ref() != Some(&is) {
            found.push(Change { key, was, is: Some(is) });
        }
    }
    found.extend(then.into_iter().map(|(key, was)| Change { key, was: Some(was), is: None }));
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

fn flatten(key: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let inner = |part: &str| if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") };
    match value {
        Value::Object(table) => table.iter().for_each(|(part, value)| flatten(&inner(part), value, into)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| flatten(&inner(&i.to_string()), value, into))
        }
        Value::Null => {}
        value => {
            into.insert(key.to_owned(), value.to_string());
        }
    }
}

impl Change {
    /// Whether it decides only how a run is logged, saved and evaluated, not what it computes.
    pub fn is_of_the_run(&self) -> bool {
        self.key.starts_with("run.") || self.key == "description"
    }

    /// Whether it is a setting of the optimiser, which no loss or gradient depends on.
    pub fn is_of_the_optimiser(&self) -> bool {
        self.is_one_of(&OPTIMISER)
    }

    /// Whether a run that diverged may go on with it: a setting of the optimiser or of the loss.
    pub fn is_of_a_step(&self) -> bool {
        self.is_of_the_optimiser() || self.is_one_of(&LOSS)
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        self.key.starts_with("stage") && self.key.rsplit('.').next().is_some_and(|last| names.contains(&last))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, was, is } = self;
        match (was, is) {
            (Some(was), Some(is)) => write!(f, "`{key}` was {was} and is {is}"),
            (None, Some(is)) => write!(f, "`{key}` is {is} and was not set"),
            (Some(was), None) => write!(f, "`{key}` was {was} and is not set"),
            (None, None) => write!(f, "`{key}` is not set"),
        }
    }
}

//! What changed between two measurements of a model.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::metrics::MeasuredModel;

/// A value that is not what was recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Difference {
    /// Where in `measured`, such as `spikes.populations.3.spikes`.
    pub what: String,
    /// As JSON; none where there is no such value.
    pub recorded: Option<Value>,
    pub found: Option<Value>,
}

/// The values that are compared and those that differ, beginning with the files'.
pub fn difference(recorded: &MeasuredModel, found: &MeasuredModel) -> (usize, Vec<Difference>) {
    let flat = |measured: &MeasuredModel| {
        let mut values = BTreeMap::new();
        flatten(String::new(), serde_json::to_value(measured).expect("figures are JSON"), &mut values);
        values
    };
    let (mut recorded, found) = (flat(recorded), flat(found));
    let mut differences = Vec::new();
    let mut compared = 0;
    for (what, value) in found {
        compared += 1;
        let expected = recorded.remove(&what);
        if expected.as_ref() != Some(&value) {
            differences.push(Difference { what, recorded: expected, found: Some(value) });
        }
    }
    compared += recorded.len();
    differences.extend(recorded.into_iter().map(|(what, value)| Difference {
        what,
        recorded: Some(value),
        found: None,
    }));
    differences.sort_by_key(|difference| !difference.what.starts_with("files."));
    (compared, differences)
}

/// Every number and text of `value` by its path.
fn flatten(path: String, value: Value, into: &mut BTreeMap<String, Value>) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.into_iter().for_each(|(key, value)| flatten(join(&key), value, into)),
        Value::Array(values) => {
            for (i, value) in values.into_iter().enumerate() {
                // Populations are known by name rather than by number.
                let name = value.get("name").and_then(Value::as_str).map_or_else(|| i.to_string(), str::to_owned);
                flatten(join(&name), value, into);
            }
        }
        value => {
            into.insert(path, value);
        }
    }
}

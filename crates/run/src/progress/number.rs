//! Floating-point numbers in JSON, including those that JSON does not have.
//!
//! `serde_json` writes NaN and the infinities as `null`, which cannot be told from an absent value. Here they are the
//! strings `"NaN"`, `"inf"` and `"-inf"`; all other numbers are JSON numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number with this encoding.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() { serializer.serialize_f64(self.0) } else { serializer.collect_str(&self.0) }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Number(value) => value,
            Written::Word(Word::NaN) => f64::NAN,
            Written::Word(Word::Infinity) => f64::INFINITY,
            Written::Word(Word::MinusInfinity) => f64::NEG_INFINITY,
        }))
    }
}

/// What stands in the JSON.
#[derive(Deserialize)]
#[serde(untagged, expecting = r#"expected a number, "NaN", "inf" or "-inf""#)]
enum Written {
    Number(f64),
    Word(Word),
}

#[derive(Deserialize)]
enum Word {
    NaN,
    #[serde(rename = "inf")]
    Infinity,
    #[serde(rename = "-inf")]
    MinusInfinity,
}

/// For `#[serde(with)]` on an `f64`.
pub(super) mod plain {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Number(*value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Number::deserialize(deserializer).map(|number| number.0)
    }
}

/// For `#[serde(with)]` on an `Option<f64>`.
pub(super) mod option {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Number>::deserialize(deserializer)?.map(|number| number.0))
    }
}

/// For `#[serde(with)]` on a map from names to numbers.
pub(super) mod map {
    use std::collections::BTreeMap;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(map: &BTreeMap<String, f64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(name, &value)| (name, Number(value))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
        let map = BTreeMap::<String, Number>::deserialize(deserializer)?;
        Ok(map.into_iter().map(|(name, number)| (name, number.0)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_double_survives_json() {
        let values = [0.0, -0.0, 1.0, 0.1, -1e300, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for value in values {
            let json = serde_json::to_string(&Number(value)).unwrap();
            let back = serde_json::from_str::<Number>(&json).unwrap().0;
            assert_eq!(back.to_bits(), value.to_bits(), "{value} became {json}, then {back}");
        }
        assert_eq!(serde_json::from_str::<Number>("3").unwrap().0, 3.0);
        assert_eq!(serde_json::from_str::<Number>("-3").unwrap().0, -3.0);
    }

    #[test]
    fn other_values_are_refused() {
        for json in ["null", "true", r#""nan""#, r#""1.0""#, "[1]"] {
            let error = serde_json::from_str::<Number>(json).map(|number| number.0).unwrap_err().to_string();
            assert!(error.contains(r#"a number, "NaN", "inf" or "-inf""#), "{json}: {error}");
        }
    }
}

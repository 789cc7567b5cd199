//! The precisions that a config may name, and their size.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// Precision of the encoder's weight matrices. In configs the number 32, 1.58 or 1, also as a string.
///
/// ```
/// # use bitspike::quantize::{Granularity, WeightBits};
/// let bits: WeightBits = "1.58".parse()?;
/// assert_eq!(bits, WeightBits::Ternary);
/// assert_eq!(bits.packed_bytes(384, 384, Granularity::Matrix), 384 * 96 + 4);
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightBits {
    /// 32: `f32`, not quantised.
    Full,
    /// 1.58: {-1, 0, 1} times a scale.
    Ternary,
    /// 1: {-1, 1} times a scale.
    Binary,
}

/// Precision of the embedding tables, with one scale a row. In configs the number 32, 8, 4, 1.58 or 1, also as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmbeddingBits {
    /// 32: `f32`, not quantised.
    Full,
    /// 8: -127..=127 times a scale.
    Eight,
    /// 4: -7..=7 times a scale.
    Four,
    /// 1.58: {-1, 0, 1} times a scale.
    Ternary,
    /// 1: {-1, 1} times a scale.
    Binary,
}

/// What a weight scale covers: in configs `"matrix"` or `"row"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// One scale for the matrix.
    Matrix,
    /// One scale for each row, that is, for each output.
    Row,
}

impl WeightBits {
    const ALL: [(&str, Self); 3] = [("32", Self::Full), ("1.58", Self::Ternary), ("1", Self::Binary)];

    /// Bits of information of a weight, as the precision is named: 32, 1.58, 1.
    pub fn bits_per_weight(self) -> f64 {
        number(self.name())
    }

    /// Bytes of a packed `[rows, cols]` matrix: codes of 32, 2 or 1 bits, every row beginning on a byte, and 4 bytes a scale.
    pub fn packed_bytes(self, rows: usize, cols: usize, granularity: Granularity) -> u64 {
        let scales = if granularity == Granularity::Row { rows } else { 1 };
        match self {
            Self::Full => packed(rows, cols, 32, 0),
            Self::Ternary => packed(rows, cols, 2, scales),
            Self::Binary => packed(rows, cols, 1, scales),
        }
    }
}

impl EmbeddingBits {
    const ALL: [(&str, Self); 5] =
        [("32", Self::Full), ("8", Self::Eight), ("4", Self::Four), ("1.58", Self::Ternary), ("1", Self::Binary)];

    /// Bits of information of a value, as the precision is named: 32, 8, 4, 1.58, 1.
    pub fn bits_per_weight(self) -> f64 {
        number(self.name())
    }

    /// Bytes of a packed `[rows, cols]` table: codes of 32, 8, 4, 2 or 1 bits, every row beginning on a byte, and 4 bytes a row
    /// for its scale.
    pub fn packed_bytes(self, rows: usize, cols: usize) -> u64 {
        match self {
            Self::Full => packed(rows, cols, 32, 0),
            Self::Eight => packed(rows, cols, 8, rows),
            Self::Four => packed(rows, cols, 4, rows),
            Self::Ternary => packed(rows, cols, 2, rows),
            Self::Binary => packed(rows, cols, 1, rows),
        }
    }
}

impl Granularity {
    const ALL: [(&str, Self); 2] = [("matrix", Self::Matrix), ("row", Self::Row)];
}

fn packed(rows: usize, cols: usize, code_bits: u64, scales: usize) -> u64 {
    rows as u64 * (cols as u64 * code_bits).div_ceil(8) + 4 * scales as u64
}

fn number(name: &str) -> f64 {
    name.parse().expect("precisions are named by numbers")
}

/// Names from the table `ALL` of a type: `Display`, `FromStr`.
macro_rules! named {
    ($type:ident, $what:literal) => {
        impl $type {
            fn name(self) -> &'static str {
                Self::ALL.iter().find(|(_, value)| *value == self).expect("every value is in its table").0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let found = Self::ALL.iter().find(|(name, _)| *name == text.trim());
                let expected = || Self::ALL.map(|(name, _)| name).join(", ");
                found
                    .map(|(_, value)| *value)
                    .ok_or_else(|| Error::invalid($what, format!("one of {}", expected()), text))
            }
        }
    };
}

/// Precisions are written as numbers and read as numbers or strings.
macro_rules! number_or_string {
    ($type:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.name().parse::<u64>() {
                    Ok(whole) => serializer.serialize_u64(whole),
                    Err(_) => serializer.serialize_f64(number(self.name())),
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Name;

                impl de::Visitor<'_> for Name {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                        write!(f, "one of {}", $type::ALL.map(|(name, _)| name).join(", "))
                    }

                    fn visit_u64<E: de::Error>(self, value: u64) -> Result<$type, E> {
                        self.visit_str(&value.to_string())
                    }

                    fn visit_i64<E: de::Error>(self, value: i64) -> Result<$type, E> {
                        self.visit_str(&value.to_string())
                    }

                    fn visit_f64<E: de::Error>(self, value: f64) -> Result<$type, E> {
                        self.visit_str(&value.to_string())
                    }

                    fn visit_str<E: de::Error>(self, value: &str) -> Result<$type, E> {
                        value.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_any(Name)
            }
        }
    };
}

named!(WeightBits, "weight bits");
named!(EmbeddingBits, "embedding bits");
named!(Granularity, "granularity");
number_or_string!(WeightBits);
number_or_string!(EmbeddingBits);

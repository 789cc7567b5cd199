//! Vectors that stand for texts: how near two are, and the smaller forms in which they are kept.

use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

/// The vector of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// `[D]`, or fewer of a [`prefix`].
    pub values: Vec<f32>,
    /// Tokens read, frame included.
    pub tokens: usize,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
}

/// The order of bits in a byte of a [`binary`] vector. Libraries differ: faiss and sqlite-vec want the first value in the least
/// bit, NumPy's `packbits`, pgvector and DuckDB in the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum BitOrder {
    /// The first value is the least bit.
    LeastFirst,
    /// The first value is the greatest bit.
    #[default]
    MostFirst,
}

impl BitOrder {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::LeastFirst, Self::MostFirst];

    /// Its name: `least-first` or `most-first`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl FromStr for BitOrder {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::invalid("order of bits", Self::ALL.map(Self::name).join(" or "), format!("`{text}`"));
        Self::ALL.into_iter().find(|order| order.name() == text).ok_or_else(unknown)
    }
}

/// In which form the values of a vector are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// Floats of 32 bits, as the model gives them.
    #[default]
    Single,
    /// Codes of 8 bits ([`int8`]).
    Int8,
    /// A bit a value ([`binary`]).
    Binary(BitOrder),
}

/// The values of a vector in one of the forms of [`Precision`].
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Floats of 32 bits.
    Single(Vec<f32>),
    /// Codes of 8 bits.
    Int8(Vec<i8>),
    /// Bytes of eight values each.
    Binary(Vec<u8>),
}

impl Precision {
    /// A vector in this form.
    ///
    /// ```
    /// use bitspike::vector::{Precision, Values};
    /// assert_eq!(Precision::Int8.of(vec![0.5, -1.0]), Values::Int8(vec![64, -127]));
    /// ```
    pub fn of(self, values: Vec<f32>) -> Values {
        match self {
            Self::Single => Values::Single(values),
            Self::Int8 => Values::Int8(int8(&values)),
            Self::Binary(order) => Values::Binary(binary(&values, order)),
        }
    }

    /// Numbers that a vector of `dims` values takes in this form: floats, codes or bytes.
    pub fn width(self, dims: usize) -> usize {
        if let Self::Binary(_) = self { dims.div_ceil(8) } else { dims }
    }
}

impl Values {
    /// The bytes that the values take, the least of each first.
    pub fn le_bytes(&self) -> Vec<u8> {
        match self {
            Self::Single(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Int8(values) => values.iter().map(|value| value.cast_unsigned()).collect(),
            Self::Binary(bytes) => bytes.clone(),
        }
    }

    /// How many bytes that are.
    pub fn size(&self) -> usize {
        match self {
            Self::Single(values) => 4 * values.len(),
            Self::Int8(values) => values.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

impl Serialize for Values {
    /// As a list of numbers.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Single(values) => serializer.collect_seq(values),
            Self::Int8(values) => serializer.collect_seq(values),
            Self::Binary(bytes) => serializer.collect_seq(bytes),
        }
    }
}

impl Vector {
    /// The cosine of the angle to `other`.
    pub fn cosine(&self, other: &Self) -> f32 {
        cosine(&self.values, &other.values)
    }
}

/// The cosine of the angle between two vectors of one width, summed in `f64`; 0 where one is 0 throughout.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { (dot(a, b) / lengths) as f32 } else { 0.0 }
}

/// The vector brought to length 1; one that is 0 throughout stays.
///
/// ```
/// assert_eq!(bitspike::vector::unit(&[3.0, -4.0]), [0.6, -0.8]);
/// assert_eq!(bitspike::vector::unit(&[0.0]), [0.0]);
/// ```
pub fn unit(values: &[f32]) -> Vec<f32> {
    let length = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if length == 0.0 {
        return values.to_vec();
    }
    values.iter().map(|&x| (f64::from(x) / length) as f32).collect()
}

/// The first `dims` values, brought to length 1 again where `normalize`.
///
/// # Errors
/// [`Error::Invalid`] unless there are from 1 to as many.
pub fn prefix(values: &[f32], dims: usize, normalize: bool) -> Result<Vec<f32>> {
    match values.get(..dims).filter(|values| !values.is_empty()) {
        Some(values) => Ok(if normalize { unit(values) } else { values.to_vec() }),
        None => Err(Error::invalid("dimensions of a vector", format!("1 to {}", values.len()), dims)),
    }
}

/// A vector as it is asked for: `raw`, which is as the layers give it, brought to length 1 where `normalize`, and its [`prefix`] of `dims`
/// where that is given.
///
/// # Errors
/// As [`prefix`].
///
/// ```
/// use bitspike::vector::shaped;
/// assert_eq!(shaped(&[3.0, 4.0], None, true)?, [0.6, 0.8]);
/// assert_eq!(shaped(&[3.0, 4.0], Some(1), true)?, [1.0]);
/// assert_eq!(shaped(&[3.0, 4.0], Some(1), false)?, [3.0]);
/// # Ok::<(), bitspike::Error>(())
/// ```
pub fn shaped(raw: &[f32], dims: Option<usize>, normalize: bool) -> Result<Vec<f32>> {
    let whole = if normalize { unit(raw) } else { raw.to_vec() };
    match dims {
        Some(dims) => prefix(&whole, dims, normalize),
        None => Ok(whole),
    }
}

/// Codes from -127 to 127, the largest value of the vector being one of the two. What each vector was divided by is lost: angles
/// stay, lengths do not.
///
/// ```
/// assert_eq!(bitspike::vector::int8(&[0.5, -1.0, 0.0]), [64, -127, 0]);
/// ```
pub fn int8(values: &[f32]) -> Vec<i8> {
    let most = values.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let scale = if most > 0.0 { 127.0 / f64::from(most) } else { 0.0 };
    values.iter().map(|&x| (f64::from(x) * scale).round() as i8).collect()
}

/// A bit a value: 1 where it is above 0. The last byte is filled with zeros.
///
/// ```
/// use bitspike::vector::{BitOrder, binary};
/// let values = [1.0, -1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0];
/// assert_eq!(binary(&values, BitOrder::MostFirst), [0b1011_0000, 0b1000_0000]);
/// assert_eq!(binary(&values, BitOrder::LeastFirst), [0b0000_1101, 0b0000_0001]);
/// ```
pub fn binary(values: &[f32], order: BitOrder) -> Vec<u8> {
    let byte = |values: &[f32]| {
        (0..8).fold(0, |byte, i| {
            let bit = u8::from(values.get(i).is_some_and(|&x| x > 0.0));
            byte | bit << if order == BitOrder::LeastFirst { i } else { 7 - i }
        })
    };
    values.chunks(8).map(byte).collect()
}

//! Constants and where they come from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::error::{Error, Result};

/// Names and texts of the profiles that come with the program; the first is the default.
pub const PROFILES: [(&str, &str); 3] = [
    ("45nm", include_str!("profiles/45nm.toml")),
    ("45nm-integer", include_str!("profiles/45nm-integer.toml")),
    ("neuromorphic", include_str!("profiles/neuromorphic.toml")),
];

/// Largest constant: a joule.
const LARGEST: f64 = 1e12;

/// A named set of constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Profile {
    pub name: String,
    /// A line about it.
    pub description: String,
    /// Energy of operations.
    pub compute: Compute,
    /// Energy of bytes moved.
    pub memory: Memory,
}

/// Energies of operations, in picojoules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compute {
    /// Multiply-add of two FP32 values.
    pub fp32_mac: Constant,
    /// Multiply-add of two INT8 values.
    pub int8_mac: Constant,
    /// Sum of two FP32 values.
    pub fp32_add: Constant,
    /// What one spike costs at one synapse.
    pub accumulate: Constant,
    /// Adding a small integer to an integer sum: the accumulate of the quantised network, whose weights are low-bit too.
    pub int_accumulate: Constant,
    /// Adding two integers of 8 bits. Where a profile has additions by width, the narrowest that a sum provably fits stands in for
    /// `accumulate` and `int_accumulate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int8_add: Option<Constant>,
    /// Of 16 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int16_add: Option<Constant>,
    /// Of 32 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int32_add: Option<Constant>,
    /// Bringing one potential up to date.
    pub neuron_update: Constant,
    /// An exponential, a reciprocal, a reciprocal root.
    pub function: Constant,
}

impl Compute {
    /// The narrowest addition that the profile has for sums of `bits` bits.
    pub fn integer_add(&self, bits: u32) -> Option<&Constant> {
        let adds = [(8, &self.int8_add), (16, &self.int16_add), (32, &self.int32_add)];
        adds.into_iter().filter(|(width, _)| bits <= *width).find_map(|(_, add)| add.as_ref())
    }
}

/// Energies of a byte, in picojoules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Weights of a model of at most 16 MB.
    pub weights: Constant,
    /// Weights of a larger one.
    pub large_weights: Constant,
    /// Spikes, counts, values.
    pub activations: Constant,
    /// Potentials.
    pub state: Constant,
}

/// A figure with its unit and source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Constant {
    /// The figure.
    pub value: f64,
    /// `pJ` or `pJ/byte`.
    pub unit: String,
    pub source: String,
}

impl Profile {
    /// The profile that comes with the program under this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none; the message lists them.
    pub fn named(name: &str) -> Result<Self> {
        let known = PROFILES.iter().find(|(known, _)| *known == name);
        let (name, text) = known.ok_or_else(|| {
            let names: Vec<&str> = PROFILES.iter().map(|(name, _)| *name).collect();
            Error::invalid("energy profile", format!("{} or a TOML file", names.join(", ")), format!("`{name}`"))
        })?;
        Self::parse(text, name)
    }

    /// The profile that `argument` means: a file where it looks like one (an ending, or a folder before it), else a name.
    ///
    /// # Errors
    /// As [`Profile::load`] and [`Profile::named`].
    pub fn find(argument: &str) -> Result<Self> {
        let path = Path::new(argument);
        let is_file = path.extension().is_some() || path.components().count() > 1;
        if is_file { Self::load(path) } else { Self::named(argument) }
    }

    /// Reads a profile of one's own.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Profile::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Parses and checks a profile; `origin` names it in errors.
    ///
    /// # Errors
    /// That names the line: for an unknown or missing key, a constant that is negative, not finite or above a
    /// joule, or a unit other than the one expected.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let refuse = |source| Error::Toml {
            what: format!("energy profile {origin}: expected a valid profile, found"),
            source: Box::new(source),
        };
        let profile: Self = toml::from_str(text).map_err(refuse)?;
        let spans: Spans = toml::from_str(text).map_err(refuse)?;
        for (table, constants, unit) in [("compute", spans.compute, "pJ"), ("memory", spans.memory, "pJ/byte")] {
            for (key, constant) in constants {
                let line = |at: usize| text[..at].matches('\n').count() + 1;
                let value = *constant.value.get_ref();
                if !(0.0..=LARGEST).contains(&value) {
                    let line = line(constant.value.span().start);
                    let expected = format!("0 to {LARGEST:e} {unit}");
                    return Err(Error::invalid(format!("{origin}, line {line}: {table}.{key}.value"), expected, value));
                }
                if constant.unit.get_ref() != unit {
                    let line = line(constant.unit.span().start);
                    let found = format!("`{}`", constant.unit.get_ref());
                    return Err(Error::invalid(format!("{origin}, line {line}: {table}.{key}.unit"), unit, found));
                }
            }
        }
        Ok(profile)
    }

    /// What a byte of the weights of a model of `bytes` costs.
    pub fn weight_byte(&self, bytes: u64) -> f64 {
        let memory = &self.memory;
        if bytes > 16_000_000 { memory.large_weights.value } else { memory.weights.value }
    }
}

/// The same text once more, for the places of its values. Checked for keys before.
#[derive(Deserialize)]
struct Spans {
    compute: BTreeMap<String, Placed>,
    memory: BTreeMap<String, Placed>,
}

#[derive(Deserialize)]
struct Placed {
    value: Spanned<f64>,
    unit: Spanned<String>,
}

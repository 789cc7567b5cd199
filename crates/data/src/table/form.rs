//! The forms a table may have.

use std::path::Path;

use strum::VariantArray;

use crate::error::Error;

/// The form of a table, or of plain text.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown)]
pub enum Form {
    /// A text a line, or two with a tab between.
    Text,
    /// Comma-separated values with a header line, quoted as RFC 4180 says.
    Csv,
    /// Tab-separated values with a header line; a quote is a character.
    Tsv,
    /// JSON Lines: an object a line, its keys the columns; or one array of objects.
    #[strum(to_string = "jsonl", serialize = "json")]
    Jsonl,
    /// Parquet; needs the feature `parquet`.
    Parquet,
}

impl Form {
    /// Every form.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name: `text`, `csv`, `tsv`, `jsonl`, `parquet`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The form that the name of a file tells.
    ///
    /// ```
    /// use bitspike_data::table::Form;
    ///
    /// assert_eq!(Form::of("reviews.NDJSON".as_ref()), Some(Form::Jsonl));
    /// assert_eq!(Form::of("reviews.xlsx".as_ref()), None);
    /// ```
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" | "text" => Some(Self::Text),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::invalid("form", "one of text, csv, tsv, jsonl, parquet", name)
}

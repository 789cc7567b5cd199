//! Records of a table, whatever form they come from.

use std::borrow::Cow;

/// One value of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    /// A value that is none of these, as JSON.
    Json(String),
}

/// What all cells of a column are, for forms that have types; any of them may also be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    /// A float of 32 bits.
    Single,
    /// A float of 64 bits.
    Double,
    /// Text; other values are written out.
    Text,
}

/// A column of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// The columns of the input, and which of them hold the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) columns: Vec<Column>,
    pub(crate) first: usize,
    pub(crate) second: Option<usize>,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    /// 1-based line, or record number in Parquet.
    pub(crate) line: usize,
    /// By column of the header.
    pub(crate) cells: Vec<Cell>,
    /// The object of JSON Lines, as it was written.
    pub(crate) object: Option<String>,
    /// Keys of that object that the header lacks.
    pub(crate) extra: Vec<String>,
    /// Memory that the record takes, about.
    pub(crate) bytes: usize,
    /// How much of the input has been read with it: bytes, or records in Parquet.
    pub(crate) position: u64,
}

/// The columns that hold the texts; where several names are given the first one present counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) first: Vec<String>,
    pub(crate) second: Option<Vec<String>>,
}

impl Cell {
    /// The value as text; empty where it is missing.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Missing => "".into(),
            Self::Boolean(value) => value.to_string().into(),
            Self::Integer(value) => value.to_string().into(),
            Self::Number(value) => value.to_string().into(),
            Self::Text(text) | Self::Json(text) => text.into(),
        }
    }

    /// What it is, for a message.
    fn kind(&self) -> String {
        match self {
            Self::Missing => "nothing".into(),
            Self::Boolean(value) => format!("`{value}`"),
            Self::Integer(_) | Self::Number(_) => format!("the number {}", self.text()),
            Self::Text(_) => "text".into(),
            Self::Json(_) => "a list, an object or another value without text".into(),
        }
    }
}

impl Header {
    /// The header of plain text.
    pub(crate) fn plain(pair: bool) -> Self {
        let names = if pair { &["text", "text2"][..] } else { &["text"] };
        let column = |name: &&str| Column { name: (*name).to_owned(), kind: Kind::Text };
        Self { columns: names.iter().map(column).collect(), first: 0, second: pair.then_some(1) }
    }

    /// Finds the texts among the columns.
    ///
    /// # Errors
    /// A message that lists the columns, if one is missing or ambiguous.
    pub(crate) fn find(columns: Vec<Column>, wanted: &Wanted) -> Result<Self, String> {
        let find = |names: &[String], flag: &str| {
            for name in names {
                let mut places = (0..columns.len()).filter(|&i| columns[i].name.trim() == name);
                match (places.next(), places.next()) {
                    (Some(place), None) => return Ok(place),
                    (Some(_), Some(_)) => return Err(format!("the column `{name}` occurs twice; keep one of them")),
                    (None, _) => {}
                }
            }
            let found: Vec<String> = columns.iter().take(50).map(|column| shorten(&column.name)).collect();
            let (names, found) = (names.join("` or `"), found.join(", "));
            Err(format!("no column `{names}`; found {found}; name the one that holds the text with {flag}"))
        };
        let first = find(&wanted.first, "--text")?;
        let second = wanted.second.as_deref().map(|names| find(names, "--text2")).transpose()?;
        Ok(Self { columns, first, second })
    }

    /// The texts of a record.
    pub(crate) fn texts<'a>(&self, record: &'a Record) -> (&'a str, Option<&'a str>) {
        let text = |i: usize| match &record.cells[i] {
            Cell::Text(text) => text.as_str(),
            _ => "",
        };
        (text(self.first), self.second.map(text))
    }

    /// Checks that what should be text is text.
    ///
    /// # Errors
    /// A message that names the column and what it holds.
    pub(crate) fn check(&self, cells: &[Cell]) -> Result<(), String> {
        for i in [Some(self.first), self.second].into_iter().flatten() {
            if !matches!(cells[i], Cell::Text(_)) {
                return Err(format!("column `{}`: expected text, found {}", self.columns[i].name, cells[i].kind()));
            }
        }
        Ok(())
    }
}

/// `text` in quotes for a message, at most 40 characters of it.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

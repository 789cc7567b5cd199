//! Rows of a table: cells with the names of their columns, whatever form they come from.

use std::borrow::Cow;
use std::sync::Arc;

use bitspike::vector::{Precision, Values};

use crate::error::Result;

/// One value of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// JSON `null`, a Parquet null, or a key that an object lacks; text formats have none.
    Missing,
    /// `true` or `false` of a form that has them.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number of a column that has no negative ones.
    Unsigned(u64),
    /// A float of 32 bits.
    Single(f32),
    /// A float of 64 bits.
    Number(f64),
    /// Text; of CSV and TSV every value is.
    Text(String),
    /// Bytes that are no text, in hexadecimal digits.
    Bytes(String),
    /// A value that is none of these, as JSON: a list, an object, a number in its own spelling.
    Json(String),
    /// A vector; only written, never read.
    Vector(Values),
}

impl Cell {
    /// The value as text; empty where it is missing.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Missing => "".into(),
            Self::Boolean(value) => value.to_string().into(),
            Self::Integer(value) => value.to_string().into(),
            Self::Unsigned(value) => value.to_string().into(),
            Self::Single(value) => value.to_string().into(),
            Self::Number(value) => value.to_string().into(),
            Self::Text(text) | Self::Bytes(text) | Self::Json(text) => text.into(),
            Self::Vector(values) => serde_json::to_string(values).unwrap_or_default().into(),
        }
    }

    /// The value as an identifier: as it is written. None of what has no such text.
    pub(crate) fn identifier(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Json(text) if is_nested(text) => None,
            Self::Vector(_) => None,
            other => Some(other.text()).filter(|text| !text.trim().is_empty()),
        }
    }

    /// Whether nothing is there: a null, a key that an object lacks, a float that says so, a text without characters.
    pub(crate) fn is_absent(&self) -> bool {
        match self {
            Self::Missing => true,
            Self::Single(value) => value.is_nan(),
            Self::Number(value) => value.is_nan(),
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// Whether it is a list or an object.
    pub(crate) fn is_nested(&self) -> bool {
        match self {
            Self::Json(text) => is_nested(text),
            other => matches!(other, Self::Vector(_)),
        }
    }

    /// What it is, for a message.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Missing => "nothing".into(),
            Self::Boolean(value) => format!("`{value}`"),
            Self::Integer(_) | Self::Unsigned(_) | Self::Single(_) | Self::Number(_) => {
                format!("the number {}", self.text())
            }
            Self::Text(_) => "text".into(),
            Self::Bytes(_) => "bytes that are not UTF-8".into(),
            Self::Json(text) if is_nested(text) => "a list or an object".into(),
            Self::Json(text) => format!("the number {text}"),
            Self::Vector(_) => "a vector".into(),
        }
    }

    /// Memory that it takes, about.
    pub(super) fn size(&self) -> usize {
        let more = match self {
            Self::Text(text) | Self::Bytes(text) | Self::Json(text) => text.len(),
            Self::Vector(values) => values.size(),
            _ => 0,
        };
        size_of::<Self>() + more
    }
}

fn is_nested(json: &str) -> bool {
    json.starts_with(['[', '{'])
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// What all cells of a column are, for forms that have types; any of them may also be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number of 64 bits that is not negative.
    Unsigned,
    /// A float of 32 bits.
    Single,
    /// A float of 64 bits.
    Double,
    /// Text; other values are written out.
    Text,
    /// Vectors of so many values each, in that form.
    Vector(Precision, usize),
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
    /// How the file stores values that are neither text nor numbers nor truth, such as `INT64 (TIMESTAMP_MILLIS)` or `lists`;
    /// their cells are the text or JSON of them.
    pub special: Option<String>,
    /// Why this program cannot read it; such a column may be there, but not be selected.
    pub unreadable: Option<String>,
    /// What the file itself calls the classes that whole numbers in this column stand for.
    pub classes: Option<Arc<[String]>>,
}

impl Column {
    /// A column of that kind.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, special: None, unreadable: None, classes: None }
    }

    /// Whether its cells are lists or objects.
    pub(crate) fn is_nested(&self) -> bool {
        matches!(self.special.as_deref(), Some("lists" | "groups"))
    }

    /// A column of text.
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, Kind::Text)
    }
}

/// The columns of a table, shared by its rows.
pub type Columns = Arc<[Column]>;

/// One record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// 1-based line that it begins on, or its number in Parquet.
    pub line: usize,
    /// The columns of its cells: the same `Arc` as those of the row before unless, in JSON Lines, the keys changed.
    pub columns: Columns,
    /// One a column. None at all of a record that is too short, where [`ReadOptions`](super::ReadOptions) let it pass.
    pub cells: Vec<Cell>,
    /// The object of JSON Lines, as it was written.
    pub object: Option<String>,
    /// How much of the input has been read with it: bytes, or records in Parquet.
    pub position: u64,
}

impl Row {
    /// Memory that it takes, about.
    pub fn size(&self) -> usize {
        self.cells.iter().map(Cell::size).sum::<usize>() + self.object.as_ref().map_or(0, String::len)
    }
}

/// The line of a header, and its columns; none in an empty file.
pub(super) type Header = Option<(usize, Vec<Column>)>;

/// A form's reader, once it has read what comes before the first record.
pub(super) trait Reader: Send {
    /// Says which columns are to be decoded, and under which names rows give them. Objects of JSON Lines have what they have.
    fn select(&mut self, selection: Selection);

    /// Says that of objects, which have each their own keys, those alone are wanted that have one of these names, white space
    /// around it aside. The others are [`Cell::Missing`] then.
    fn want(&mut self, _names: &[String]) {}

    /// Makes `row` the next record, whose memory is used again. Nothing at the end; there may be more after an error about one
    /// record, and is nothing after one about the input as a whole.
    fn read(&mut self, row: &mut Row) -> Option<Result<()>>;
}

/// Which of a file's columns are wanted, and where their cells go.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    /// By place in the file: the place in a row.
    slots: Vec<Option<usize>>,
    /// Places in the file, in the order of a row.
    #[cfg(feature = "parquet")]
    pub(super) places: Vec<usize>,
    /// The columns of a row.
    pub(super) columns: Columns,
}

impl Selection {
    /// That of `places` among `width` columns.
    pub(super) fn new(width: usize, places: &[usize], columns: &Columns) -> Self {
        let mut slots = vec![None; width];
        places.iter().enumerate().for_each(|(slot, &place)| slots[place] = Some(slot));
        Self {
            slots,
            #[cfg(feature = "parquet")]
            places: places.to_vec(),
            columns: Arc::clone(columns),
        }
    }

    /// Columns of the file.
    pub(super) fn width(&self) -> usize {
        self.slots.len()
    }

    /// Whether the column at that place of the file is wanted.
    pub(super) fn wants(&self, place: usize) -> bool {
        self.slots.get(place).is_some_and(Option::is_some)
    }

    /// Puts the texts that are wanted into `row`, and returns how many there are in all. The row is good if they are as many as
    /// the file has columns.
    pub(super) fn fill<T: AsRef<str>>(&self, row: &mut Row, line: usize, fields: impl Iterator<Item = T>) -> usize {
        row.line = line;
        if !Arc::ptr_eq(&row.columns, &self.columns) {
            row.columns = Arc::clone(&self.columns);
        }
        row.cells.resize(self.columns.len(), Cell::Missing);
        let mut count = 0;
        for field in fields {
            if let Some(slot) = self.slots.get(count).copied().flatten() {
                row.cells[slot] = field.as_ref().into();
            }
            count += 1;
        }
        count
    }
}

//! Vectors beside their records, in a table, or alone, in an array.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use bitspike::vector::Precision;

use super::embedder::Embedder;
use super::header::{Header, Record};
use super::matrix::{MatrixForm, MatrixWriter};
use super::model::Said;
use super::options::OnError;
use super::sink::Sink;
use super::stream::{Progress, Summary, Texts, Work, stream_to, texts_to};
use crate::error::{Error, Place, Result, shorten};
use crate::table::{Cell, Column, Form, Kind, TableWriter};

/// The form of a file of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorForm {
    /// A table with the columns of the input and one of vectors; any but [`Form::Text`].
    Table(Form),
    /// An array of NumPy, a row a record.
    Npy,
    /// A tensor `vectors` of safetensors, a row a record.
    Safetensors,
}

impl VectorForm {
    /// The form that the name of a file tells.
    ///
    /// ```
    /// use bitspike_data::answers::VectorForm;
    ///
    /// assert_eq!(VectorForm::of("reviews.NPY".as_ref()), Some(VectorForm::Npy));
    /// assert_eq!(VectorForm::of("reviews.txt".as_ref()), None);
    /// ```
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "npy" => Some(Self::Npy),
            "safetensors" => Some(Self::Safetensors),
            // An object a line is not what other programs expect of a file of that name.
            "json" => None,
            _ => Form::of(path).filter(|form| *form != Form::Text).map(Self::Table),
        }
    }

    /// The form of that name: one of a table, `npy` or `safetensors`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "npy" => Ok(Self::Npy),
            "safetensors" => Ok(Self::Safetensors),
            name => match name.parse()? {
                Form::Text => Err(Error::invalid("form of vectors", "a table, npy or safetensors", name)),
                form => Ok(Self::Table(form)),
            },
        }
    }
}

/// Where vectors go.
pub enum Vectors<'a> {
    /// A table of that form, as it arrives.
    Table(Form, &'a mut (dyn Write + Send)),
    /// An array, [`VectorForm::Npy`] or [`VectorForm::Safetensors`], whose header is filled in at the end.
    Array(VectorForm, &'a mut File),
}

/// How vectors are written.
#[derive(Debug, Clone)]
pub struct VectorOptions<'a> {
    /// In which form their values.
    pub precision: Precision,
    /// The name of their column.
    pub column: String,
    /// What becomes of a record without a text: [`OnError::Null`] writes none, or a row of NaN in an array of floats.
    pub on_error: OnError,
    /// What safetensors say of the model.
    pub notes: BTreeMap<String, String>,
    /// Ends the work early, and without an error, once it is true.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for VectorOptions<'_> {
    /// Floats in a column `vector`.
    fn default() -> Self {
        Self {
            precision: Precision::Single,
            column: "vector".into(),
            on_error: OnError::Null,
            notes: BTreeMap::new(),
            cancel: None,
        }
    }
}

/// Embeds texts that are all there and writes their vectors.
///
/// # Errors
/// As [`embed_stream`].
pub fn embed_texts(
    model: &Embedder<'_>,
    texts: Vec<String>,
    vectors: Vectors<'_>,
    options: &VectorOptions<'_>,
) -> Result<Summary> {
    let work = Work { on_error: options.on_error, cancel: options.cancel, texts_only: false };
    texts_to(model, texts, work, |header| VectorWriter::new(vectors, header, model.dims(), options))
}

/// Embeds what a source gives, and writes every record with its vector: to a table with all its columns, to an array the vector alone.
/// Vectors come in the order of the records; memory does not grow with their number. `progress` is called after every chunk.
///
/// # Errors
/// If the input is at fault or has a column of that name already, once what comes before the fault is written; if the model fails or the
/// output cannot be written.
pub fn embed_stream(
    model: &Embedder<'_>,
    texts: Texts,
    vectors: Vectors<'_>,
    options: &VectorOptions<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let texts_only = matches!(vectors, Vectors::Array(..));
    let work = Work { on_error: options.on_error, cancel: options.cancel, texts_only };
    stream_to(model, texts, work, |header| VectorWriter::new(vectors, header, model.dims(), options), progress)
}

/// Writes vectors in one of the forms.
struct VectorWriter<'a> {
    column: String,
    precision: Precision,
    output: Output<'a>,
    left_out: usize,
}

enum Output<'a> {
    Table(Form, TableWriter<&'a mut (dyn Write + Send)>),
    Array(MatrixWriter<'a>),
}

impl<'a> VectorWriter<'a> {
    fn new(vectors: Vectors<'a>, header: &Header, dims: usize, options: &VectorOptions<'_>) -> Result<Self> {
        let (column, precision) = (options.column.clone(), options.precision);
        let output = match vectors {
            Vectors::Table(form, out) => {
                if header.columns.iter().any(|found| found.name == column) {
                    return Err(taken(&column));
                }
                let vector = Column::new(&column, Kind::Vector(precision, dims));
                let columns = header.columns.iter().cloned().chain([vector]).collect();
                Output::Table(form, TableWriter::create(out, form, columns)?)
            }
            Vectors::Array(form, file) => {
                let form = match form {
                    VectorForm::Npy => MatrixForm::Npy,
                    VectorForm::Safetensors => MatrixForm::Safetensors,
                    VectorForm::Table(form) => {
                        return Err(Error::invalid("form of an array", "npy or safetensors", form));
                    }
                };
                Output::Array(MatrixWriter::new(form, file, precision, dims, options.notes.clone())?)
            }
        };
        Ok(Self { column, precision, output, left_out: 0 })
    }
}

/// The name of the column of vectors is one of the input's.
fn taken(column: &str) -> Error {
    let expected = "a name that the input has not (another column for the vectors)";
    Error::invalid("column of the vectors", expected, shorten(column))
}

impl Sink for VectorWriter<'_> {
    fn write(&mut self, place: &Place, records: Vec<Record>, said: Vec<Option<Said>>) -> Result<ControlFlow<()>> {
        for (record, said) in records.into_iter().zip(said) {
            let values = said.map(|said| said.values);
            match &mut self.output {
                Output::Table(form, table) => {
                    if *form != Form::Jsonl {
                        self.left_out += usize::from(!record.extra.is_empty());
                    } else if record.extra.contains(&self.column) {
                        return Err(Error::record(place, record.row.line, taken(&self.column).to_string()));
                    }
                    let cell = values.map_or(Cell::Missing, |values| Cell::Vector(self.precision.of(values)));
                    table.write_beside(record.row, vec![cell])?;
                }
                Output::Array(array) => array.write(values)?,
            }
        }
        if let Output::Table(_, table) = &mut self.output {
            table.flush()?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(self) -> Result<(usize, usize)> {
        match self.output {
            Output::Table(_, table) => table.finish().map(|spaced| (spaced, self.left_out)),
            Output::Array(array) => array.finish().map(|()| (0, 0)),
        }
    }
}

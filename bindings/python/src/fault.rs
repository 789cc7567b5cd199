//! Errors on their way to Python: which exception, and what was expected, found, and where.

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Result with a [`Fault`].
pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

/// `value` as JSON, for Python to read.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Fault::internal)
}

/// The exceptions of `bitspike.errors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything else.
    Error,
    /// No such name or file.
    NotFound,
    /// What is named is no model, or damaged.
    Model,
    /// A setting is out of range.
    Option,
    /// Something is no text, or not as many as the model takes.
    Text,
    /// A column is missing or no text.
    Column,
    /// Examples cannot be read.
    Data,
    /// A model is not the one that was pickled.
    Changed,
    /// Training cannot begin, go on or end.
    Training,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::NotFound => "NotFoundError",
            Self::Model => "ModelError",
            Self::Option => "OptionError",
            Self::Text => "TextError",
            Self::Column => "ColumnError",
            Self::Data => "DataError",
            Self::Changed => "ChangedError",
            Self::Training => "TrainingError",
        }
    }
}

/// What goes wrong, before it is an exception.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    message: String,
    expected: Option<String>,
    found: Option<String>,
    place: Option<String>,
}

impl Fault {
    /// A fault of which the message says all.
    pub(crate) fn new(kind: Kind, message: impl ToString) -> Self {
        Self { kind, message: message.to_string(), expected: None, found: None, place: None }
    }

    /// A fault at `place`.
    pub(crate) fn at(kind: Kind, place: impl ToString, expected: impl ToString, found: impl ToString) -> Self {
        let [place, expected, found] = [place.to_string(), expected.to_string(), found.to_string()];
        Self {
            message: format!("{place}: expected {expected}, found {found}"),
            kind,
            expected: Some(expected),
            found: Some(found),
            place: Some(place),
        }
    }

    /// What only a fault of this package brings about.
    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        Self::new(
            Kind::Error,
            format!("{what}: this is a fault of bitspike itself; please report it with the text that brought it about"),
        )
    }

    /// What is said.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    fn placed(self, place: impl ToString) -> Self {
        Self { place: Some(place.to_string()), ..self }
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        Python::attach(|py| {
            let build = || -> PyResult<PyErr> {
                let class = py.import("bitspike.errors")?.getattr(fault.kind.class())?;
                let named = PyDict::new(py);
                named.set_item("expected", fault.expected)?;
                named.set_item("found", fault.found)?;
                named.set_item("where", fault.place)?;
                Ok(PyErr::from_value(class.call((fault.message,), Some(&named))?))
            };
            build().unwrap_or_else(|error| error)
        })
    }
}

impl From<bitspike::Error> for Fault {
    fn from(error: bitspike::Error) -> Self {
        use bitspike::Error;
        match &error {
            Error::Io { path, source, .. } => {
                let missing = source.kind() == std::io::ErrorKind::NotFound;
                let kind = if missing { Kind::NotFound } else { Kind::Model };
                Self::new(kind, &error).placed(path.display())
            }
            Error::Malformed { path, .. } => Self::new(Kind::Model, &error).placed(path.display()),
            Error::Bytes { .. } => Self::new(Kind::Model, &error),
            Error::Invalid { what, expected, found } => Self::at(Kind::Option, what, expected, found),
            _ => Self::new(Kind::Error, &error),
        }
    }
}

impl From<bitspike_data::Error> for Fault {
    fn from(error: bitspike_data::Error) -> Self {
        use bitspike_data::Error;
        match error {
            Error::Model(error) => error.into(),
            Error::Invalid { what, expected, found } => Self::at(Kind::Option, what, expected, found),
            Error::Record { ref place, line, .. } => {
                Self::new(Kind::Data, &error).placed(format!("{place}, line {line}"))
            }
            Error::Io { ref place, .. } | Error::Malformed { ref place, .. } => {
                Self::new(Kind::Data, &error).placed(place)
            }
            _ => Self::new(Kind::Data, &error),
        }
    }
}

impl From<bitspike_run::Error> for Fault {
    fn from(error: bitspike_run::Error) -> Self {
        match error {
            bitspike_run::Error::Core(error) => error.into(),
            bitspike_run::Error::Data(error) => error.into(),
            error @ bitspike_run::Error::Recipe { .. } => Self::new(Kind::Option, error),
            error => Self::new(Kind::Model, error),
        }
    }
}

impl From<bitspike_hub::Error> for Fault {
    fn from(error: bitspike_hub::Error) -> Self {
        use bitspike_hub::Error;
        match error {
            Error::Model(error) => error.into(),
            Error::Data(error) => error.into(),
            Error::Run(error) => error.into(),
            Error::NoName { ref argument, .. } => Self::new(Kind::NotFound, &error).placed(argument),
            Error::NotFound { ref name, .. } => Self::new(Kind::NotFound, &error).placed(name),
            Error::Ambiguous { .. } | Error::Revisions { .. } | Error::Id { .. } | Error::Revision { .. } => {
                Self::new(Kind::NotFound, error)
            }
            error => Self::new(Kind::Model, error),
        }
    }
}

impl From<bitspike_analysis::Error> for Fault {
    fn from(error: bitspike_analysis::Error) -> Self {
        use bitspike_analysis::Error;
        match error {
            Error::Core(error) => error.into(),
            Error::Data(error) => error.into(),
            Error::Hub(error) => error.into(),
            Error::Run(error) => error.into(),
            Error::Invalid { what, expected, found } => Self::at(Kind::Option, what, expected, found),
            Error::Texts(message) => Self::new(Kind::Text, message),
            error => Self::new(Kind::Data, error),
        }
    }
}

impl From<bitspike_train::Error> for Fault {
    fn from(error: bitspike_train::Error) -> Self {
        use bitspike_train::Error;
        match error {
            Error::Model(error) => error.into(),
            Error::Data(error) => error.into(),
            Error::Run(error) => error.into(),
            Error::Hub(error) => (*error).into(),
            Error::Analysis(error) => (*error).into(),
            Error::During { what, source } => {
                let fault = Self::from(*source);
                Self { message: format!("{what}: {}", fault.message), ..fault }
            }
            Error::Mismatch(_) | Error::Grid(_) | Error::GridFile { .. } => Self::new(Kind::Option, error),
            Error::Folder { ref path, .. } => Self::new(Kind::Option, &error).placed(path.display()),
            error => Self::new(Kind::Training, error),
        }
    }
}

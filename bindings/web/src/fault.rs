//! What is wrong with a model or a request.

use bitspike::Error;
use bitspike::error::explain;
use serde::Serialize;

use crate::told::json;

/// An error as a reply says it: `{"error": {"code", "message", "field"}}`, in the words of the server.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    code: &'static str,
    message: String,
    field: Option<String>,
}

impl Fault {
    /// What the engine says of a model's bytes, or of a request.
    pub(crate) fn of(error: &Error) -> Self {
        let code = match error {
            Error::Invalid { .. } => "validation",
            _ => "model",
        };
        Self { code, message: explain(error), field: None }
    }

    /// A value of the request's `field` that cannot be used.
    pub(crate) fn value(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: "validation", message: message.into(), field: Some(field.into()) }
    }

    /// A request that cannot be read.
    pub(crate) fn malformed(error: &serde_json::Error) -> Self {
        Self { code: "validation", message: error.to_string(), field: None }
    }

    /// A mistake of this module.
    pub(crate) fn internal(message: String) -> Self {
        Self { code: "internal", message, field: None }
    }

    /// The reply.
    pub(crate) fn json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Reply<'a> {
            error: &'a Fault,
        }
        json(&Reply { error: self })
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

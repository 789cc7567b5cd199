//! What is wrong with a request, and how the answer says it.
//!
//! The shape follows the route, since clients look for the message in different places: `{"error":{"message","type","code","field"}}` under
//! `/v1`, `{"error","error_type","field"}` elsewhere. `field` is the part of the request at fault, such as `inputs[2]`, or null.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Result with a [`Problem`].
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The body cannot be read.
    Syntax,
    /// The body can be read and asks for what cannot be done.
    Value,
    /// A body, a text or a number of texts beyond its limit.
    TooLarge,
    /// There is no such route or model.
    NotFound,
    /// The route does not take this method.
    Method,
    /// A key is needed, and none of the right ones was shown.
    Key,
    /// Too much is waiting.
    Busy,
    /// The time for an answer is over.
    Deadline,
    /// The server is going.
    Stopping,
    /// The body did not arrive in time.
    Slow,
    /// A mistake of the server.
    Internal,
}

impl Kind {
    /// Its status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Syntax => StatusCode::BAD_REQUEST,
            Self::Value => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Key => StatusCode::UNAUTHORIZED,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Deadline | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Its name in answers and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Syntax => "malformed",
            Self::Value => "validation",
            Self::TooLarge => "too_large",
            Self::NotFound => "not_found",
            Self::Method => "method_not_allowed",
            Self::Key => "unauthorized",
            Self::Busy => "overloaded",
            Self::Deadline => "deadline",
            Self::Stopping => "stopping",
            Self::Slow => "body_timeout",
            Self::Internal => "internal",
        }
    }
}

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    /// The part of the request at fault.
    pub(crate) field: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), field: None }
    }

    /// A value of a request that cannot be obeyed.
    pub(crate) fn value(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::Value, message).at(field)
    }

    /// Something beyond a limit.
    pub(crate) fn too_large(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, message).at(field)
    }

    /// What the engine refuses of a request that was checked.
    pub(crate) fn of_engine(error: impl std::fmt::Display) -> Self {
        Self::new(Kind::Value, error.to_string())
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// Too much is waiting; a second later there may be room.
    pub(crate) fn busy() -> Self {
        Self::new(Kind::Busy, "too many tokens are waiting for an answer; try again after a second")
    }

    pub(crate) fn deadline() -> Self {
        Self::new(Kind::Deadline, "there was no answer within the time that a request may take")
    }

    pub(crate) fn stopping() -> Self {
        Self::new(Kind::Stopping, "the server is stopping")
    }

    /// The same with the part of the request at fault.
    pub(crate) fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// As the value of `error` under `/v1`, and of a line that failed.
    pub(crate) fn object(&self) -> serde_json::Value {
        let kind = self.kind.name();
        json!({ "message": self.message, "type": kind, "code": kind, "field": self.field })
    }

    /// The answer to a request for `path`.
    pub(crate) fn answer(&self, path: &str) -> Response {
        let body = match path.starts_with("/v1") {
            true => json!({ "error": self.object() }),
            false => json!({ "error": self.message, "error_type": self.kind.name(), "field": self.field }),
        };
        let mut response = (self.kind.status(), json_type(), body.to_string()).into_response();
        response.extensions_mut().insert(self.kind);
        let headers = response.headers_mut();
        match self.kind {
            Kind::Busy => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
            Kind::Key => drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            // What follows of the body would be read for nothing.
            Kind::TooLarge | Kind::Slow | Kind::Stopping => {
                drop(headers.insert(header::CONNECTION, HeaderValue::from_static("close")));
            }
            _ => (),
        }
        response
    }
}

/// The answer waits in the response's extensions until the path is known, in `front`.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<bitspike::Error> for Problem {
    /// What a model refuses is a value of the request; nothing else of the model's errors can come of one.
    fn from(error: bitspike::Error) -> Self {
        match error {
            bitspike::Error::Invalid { .. } => Self::new(Kind::Value, error.to_string()),
            other => {
                tracing::error!(error = %other, "a model failed");
                Self::new(Kind::Internal, "the model failed; the log says why")
            }
        }
    }
}

/// The header of JSON.
pub(crate) fn json_type() -> [(HeaderName, HeaderValue); 1] {
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]
}

/// `value` as a JSON answer.
pub(crate) fn json(value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (json_type(), body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            Problem::new(Kind::Internal, "the answer cannot be written").into_response()
        }
    }
}

//! What stands in the place of traces where the feature is off.

use axum::http::StatusCode;

use super::{Asked, Batch};
use crate::error::Result;
use crate::problem::Kind;

pub(crate) struct Spans;

#[derive(Clone)]
pub(crate) struct Place;

pub(crate) fn place() -> Place {
    Place
}

pub(crate) fn within<F: Future>(_: Place, work: F) -> F {
    work
}

impl Spans {
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self)
    }

    pub(crate) fn are_wanted(&self) -> bool {
        false
    }

    pub(crate) fn begin(&self, _: &Asked) -> Place {
        Place
    }

    pub(crate) fn end(&self, _: &Place, _: StatusCode, _: Option<Kind>) {}

    pub(crate) fn computed(&self, _: Batch) {}

    pub(crate) fn finish(&self) {}
}

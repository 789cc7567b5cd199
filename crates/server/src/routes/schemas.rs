//! Schemas of fields that the types do not say.

use bitspike::Dynamics;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// `inputs`: a text, a pair, a list.
pub(super) fn inputs() -> RefOr<Schema> {
    let pair = || ObjectBuilder::new().property("text", text()).property("text_pair", text()).required("text");
    let texts = ArrayBuilder::new().items(text());
    let one = OneOfBuilder::new().item(text()).item(pair()).item(texts);
    OneOfBuilder::new().item(text()).item(pair()).item(ArrayBuilder::new().items(one)).into()
}

/// Names of the dynamics.
pub(super) fn dynamics() -> RefOr<Schema> {
    one_of(Dynamics::ALL.iter().map(|dynamics| dynamics.name()))
}

/// Names of directions.
pub(super) fn direction() -> RefOr<Schema> {
    one_of(["right", "Right"])
}

/// Names of functions.
pub(super) fn function() -> RefOr<Schema> {
    one_of(["softmax", "sigmoid", "none"])
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn one_of(names: impl IntoIterator<Item = &'static str>) -> RefOr<Schema> {
    text().enum_values(Some(names)).into()
}

//! Schemas of fields that the types do not say.

use bitspike::Dynamics;
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

/// `inputs` of `/predict` and `/`: a text, a pair, a list of texts, or a list of them.
pub(super) fn inputs() -> RefOr<Schema> {
    let texts = || ArrayBuilder::new().items(text()).min_items(Some(1));
    let one = OneOfBuilder::new().item(pair()).item(texts().max_items(Some(2)));
    let batch = ArrayBuilder::new().items(one).min_items(Some(1));
    OneOfBuilder::new().item(text()).item(pair()).item(texts()).item(batch).into()
}

/// `inputs` of `/v1/classify`: a text, a pair, or a list of them.
pub(super) fn texts() -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(OneOfBuilder::new().item(text()).item(pair())).min_items(Some(1));
    OneOfBuilder::new().item(text()).item(pair()).item(list).into()
}

/// Texts to embed: one, or a list.
pub(super) fn plain() -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(text()).min_items(Some(1));
    OneOfBuilder::new().item(text()).item(list).into()
}

/// Forms of numbers.
pub(super) fn encoding() -> RefOr<Schema> {
    one_of(["float", "base64"])
}

/// The form of numbers where there is one.
pub(super) fn float() -> RefOr<Schema> {
    one_of(["float"])
}

/// `inputs` of `/v1/trace`: a text or a pair.
pub(super) fn one() -> RefOr<Schema> {
    OneOfBuilder::new().item(text()).item(pair()).into()
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

fn pair() -> ObjectBuilder {
    let second = text().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    let closed = Some(AdditionalProperties::FreeForm(false));
    ObjectBuilder::new()
        .property("text", text())
        .property("text_pair", second)
        .required("text")
        .additional_properties(closed)
}

/// One of these names, or null, which is as if the field were not there.
fn one_of(names: impl IntoIterator<Item = &'static str>) -> RefOr<Schema> {
    let names = names.into_iter().map(Value::from).chain([Value::Null]);
    text().schema_type(SchemaType::from_iter([Type::String, Type::Null])).enum_values(Some(names)).into()
}

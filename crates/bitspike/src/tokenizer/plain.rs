//! Settings of `tokenizer_config.json` that are no tokens.

use super::json::Json;
use super::settings::{Class, Settings};
use super::token::wrong;
use super::truncation::Side;
use crate::error::Fault;

/// Lengths from which on transformers takes `model_max_length` for none.
const NO_LENGTH: f64 = 1e20;

impl Settings {
    /// A truth value that BERT's class takes.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Fault> {
        match self.arguments.get(key) {
            None => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(*value)),
            Some(Json::Null) if key == "strip_accents" => Ok(None),
            Some(other) => Err(wrong(key, "true or false", other)),
        }
    }

    /// The end that too long a text loses.
    pub(super) fn side(&self) -> Result<Option<Side>, Fault> {
        match self.arguments.get("truncation_side") {
            None => Ok(None),
            Some(Json::Text(side)) if side == "right" => Ok(Some(Side::Right)),
            Some(Json::Text(side)) if side == "left" => Ok(Some(Side::Left)),
            Some(other) => Err(wrong("truncation_side", "\"right\" or \"left\"", other)),
        }
    }

    /// The tokens that a text is cut to where nothing else is asked for.
    pub(super) fn max_length(&self) -> Result<Option<usize>, Fault> {
        match self.arguments.get("model_max_length").or_else(|| self.arguments.get("max_len")) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Number(length)) if *length > NO_LENGTH => Ok(None),
            Some(Json::Number(length)) if *length >= 1.0 && length.fract() == 0.0 => Ok(Some(*length as usize)),
            Some(other) => Err(wrong("model_max_length", "a number of tokens from 1", other)),
        }
    }

    /// The type id of a second text: 0 where the model is not given type ids.
    pub(super) fn second_type(&self) -> Result<Option<u32>, Fault> {
        match self.arguments.get("model_input_names") {
            // BERT's class gives type ids unless told otherwise, the other does not.
            None => Ok((self.class != Class::Bert).then_some(0)),
            Some(Json::List(names)) => {
                let typed = names.iter().any(|name| matches!(name, Json::Text(name) if name == "token_type_ids"));
                Ok((!typed).then_some(0))
            }
            Some(other) => Err(wrong("model_input_names", "a list of names", other)),
        }
    }
}

//! Settings of `tokenizer_config.json` that are refused.

use super::json::{Json, Object};
use super::token::wrong;
use crate::error::Fault;

/// Refuses settings that transformers obeys and this program does not, and those that its versions read differently.
pub(super) fn refuse(arguments: &Object) -> Result<(), Fault> {
    const NOT_DONE: [(&str, bool, &str); 7] = [
        ("auto_map", false, "no code beside the model; its tokeniser is a program of its own, which is not run here"),
        ("init_inputs", false, "nothing; give the vocabulary as vocab.txt or tokenizer.json"),
        ("vocab", false, "nothing; give the vocabulary as vocab.txt or tokenizer.json"),
        ("fast_tokenizer_files", false, "nothing; keep the one tokenizer.json that is meant"),
        ("never_split", false, "nothing: transformers 4 obeys it, 5 does not; add the words as added tokens"),
        ("split_special_tokens", false, "false: special tokens are found in texts"),
        ("do_basic_tokenize", true, "true: transformers 4 obeys false, 5 does not"),
    ];
    for (key, wanted, expected) in NOT_DONE {
        match arguments.get(key) {
            Some(value) if !matches!(value, Json::Null) && value.is_empty() == wanted => {
                return Err(wrong(key, expected, value));
            }
            _ => {}
        }
    }
    match arguments.get("padding_side") {
        None => Ok(()),
        Some(Json::Text(side)) if side == "right" || side == "left" => Ok(()),
        Some(other) => Err(wrong("padding_side", "\"right\" or \"left\"", other)),
    }
}

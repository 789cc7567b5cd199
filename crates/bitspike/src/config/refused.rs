//! What is refused of a model's configuration.

use std::path::Path;

use serde_json::Value;

/// What is wrong with a folder of an adapter, and what to do.
pub const ADAPTER: &str = "adapter_config.json says that this is an adapter (PEFT, LoRA), which is no model without its base; merge it \
                           into the base with `merge_and_unload()` and `save_pretrained`, and give that folder";

/// Whether a folder holds an adapter of a model that is elsewhere.
pub fn is_adapter(folder: impl AsRef<Path>) -> bool {
    folder.as_ref().join("adapter_config.json").exists()
}

/// Keys that change what a BERT computes in ways that are not computed here, unless they are off (absent, null, false, empty), and
/// what is expected instead.
pub const REFUSED: [(&str, &str); 8] = [
    ("is_decoder", "false (an encoder)"),
    ("add_cross_attention", "false (an encoder)"),
    ("is_encoder_decoder", "false (an encoder)"),
    ("pruned_heads", "none: the heads of every layer; save the model with its heads, or choose another"),
    (
        "quantization_config",
        "none: floats; give the checkpoint that was quantised, or write it back with `model.dequantize()`",
    ),
    ("auto_map", "no code beside the model; what it computes is written there, and not run here"),
    ("adapters", "none: the adapters merged into the model"),
    ("adapter_fusion", "none: the adapters merged into the model"),
];

/// Whether a key's value leaves off what the key stands for.
pub(super) fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// The beginning of a value.
pub(super) fn preview(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

//! The files of a model's folder.

/// The packed model.
pub const MODEL: &str = "model.safetensors";
/// The tokeniser, beside it where the model does not hold its own.
pub const TOKENIZER: &str = "tokenizer.json";
/// What was measured.
pub const METRICS: &str = "metrics.json";
/// The recipe of the run.
pub const RECIPE: &str = "recipe.toml";
/// The card.
pub const CARD: &str = "README.md";

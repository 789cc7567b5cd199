//! Why a recipe is refused.

/// Why a recipe is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// No TOML, an unknown key, or a value of another type.
    #[error(transparent)]
    Toml(#[from] Box<toml::de::Error>),
    /// A value outside its range.
    #[error("`{key}`: expected {expected}, found {found}")]
    Value {
        /// Its dotted key.
        key: String,
        /// The range.
        expected: &'static str,
        /// The value.
        found: f64,
    },
    /// A student or a simulation that cannot be.
    #[error("{at}{source}")]
    Part {
        /// Where in the recipe.
        at: String,
        /// Which of its settings, and why.
        source: bitspike::Error,
    },
    /// An override that sets nothing.
    #[error("override `{key}`: {message}")]
    Override {
        /// Its dotted key, or all of it.
        key: String,
        /// Why not.
        message: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Conflict(String),
}

impl From<toml::de::Error> for RecipeError {
    fn from(error: toml::de::Error) -> Self {
        Self::Toml(Box::new(error))
    }
}

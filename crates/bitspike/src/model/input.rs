//! What a model is asked.

/// A text, or a pair of texts, borrowed from whoever asks.
///
/// ```
/// use bitspike::Input;
/// let owned = String::from("a fine film");
/// assert_eq!(Input::from("a fine film"), Input::from(&owned));
/// let pair = Input::from(("It rained all day.", "It was wet."));
/// assert_eq!((pair.first, pair.second), ("It rained all day.", Some("It was wet.")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Input<'a> {
    /// The text.
    pub first: &'a str,
    /// The second of a pair.
    pub second: Option<&'a str>,
}

impl<'a> From<&'a str> for Input<'a> {
    fn from(first: &'a str) -> Self {
        Self { first, second: None }
    }
}

impl<'a> From<&&'a str> for Input<'a> {
    fn from(first: &&'a str) -> Self {
        Self::from(*first)
    }
}

impl<'a> From<&'a String> for Input<'a> {
    fn from(first: &'a String) -> Self {
        Self::from(first.as_str())
    }
}

impl<'a> From<(&'a str, &'a str)> for Input<'a> {
    fn from((first, second): (&'a str, &'a str)) -> Self {
        Self { first, second: Some(second) }
    }
}

impl<'a> From<&Input<'a>> for Input<'a> {
    fn from(input: &Input<'a>) -> Self {
        *input
    }
}

//! What a packed model is: the JSON under `config` in the file's metadata.

use serde::{Deserialize, Serialize};

use crate::config::StudentConfig;
use crate::config::{Target, Task};
use crate::error::{Error, Result};
use crate::tokenizer::Tokenizer;

/// The metadata's `format`.
pub const FORMAT: &str = "bitspike";

/// The metadata's `format_version` that this version writes of a student that can count every number up to `T`.
pub const FORMAT_VERSION: &str = "2";

/// The version of a file whose counts are not those of old, so that an older reader refuses it by its version.
pub const FORMAT_VERSION_WITH_CODE: &str = "3";

/// The version of a file with biases of attention by distance, or with two separators between the texts of a pair.
pub const FORMAT_VERSION_WITH_DISTANCES: &str = "4";

/// The version of a file whose model embeds.
pub const FORMAT_VERSION_WITH_VECTORS: &str = "5";

/// The version before, which is read too: its tokeniser is in a file beside it.
pub(super) const FORMAT_VERSION_WITHOUT_TOKENIZER: &str = "1";

/// Fewest tokens of a text: the frame `[CLS] [SEP] [SEP]`.
const MIN_LENGTH: usize = 3;

/// Everything about a packed model but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Sizes, precisions and time steps. `embedding_bits` is that of the file, whatever the tables were trained at.
    pub student: StudentConfig,
    /// What the model was trained for.
    pub task: Task,
    /// Tokens kept of a text: 3 to `student.max_positions`.
    pub max_length: usize,
}

impl Header {
    /// The `format_version` of a file with this header and `tokenizer`.
    pub(super) fn version(&self, tokenizer: &Tokenizer) -> &'static str {
        if self.student.pooling.is_some() {
            return FORMAT_VERSION_WITH_VECTORS;
        }
        match (self.student.relative_attention || tokenizer.doubles_separator(), self.student.code.is_unary()) {
            (true, _) => FORMAT_VERSION_WITH_DISTANCES,
            (false, true) => FORMAT_VERSION,
            (false, false) => FORMAT_VERSION_WITH_CODE,
        }
    }

    /// Checks every part, and that they fit each other.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the first key that is wrong, or the feedback that packed models cannot have.
    pub fn validate(&self) -> Result<()> {
        let Self { student, task, max_length } = self;
        student.validate()?;
        if student.feedback.is_some() {
            let expected = "a student without feedback: the engine runs a sentence through the layers once";
            return Err(Error::invalid(
                "student.feedback",
                expected,
                "a connection from the last layer to the embedding",
            ));
        }
        task.validate()?;
        match (&task.target, student.pooling) {
            (Target::Embedding { prefixes, .. }, Some(_)) => {
                if let Some(prefix) = prefixes.first().filter(|&&prefix| prefix >= student.hidden) {
                    let expected = format!("numbers below student.hidden = {}", student.hidden);
                    return Err(Error::invalid(format!("prefixes of task {}", task.name), expected, prefix));
                }
            }
            (Target::Embedding { .. }, None) => {
                let expected = "how the vectors of tokens become one, for a task of vectors";
                return Err(Error::invalid("student.pooling", expected, "nothing"));
            }
            (_, Some(pooling)) => {
                let expected = format!("nothing, since task {} is not of vectors", task.name);
                return Err(Error::invalid("student.pooling", expected, format!("{pooling:?}").to_lowercase()));
            }
            (_, None) => (),
        }
        if student.classes() != task.num_outputs() {
            let expected = format!("{}, the outputs of task {}", task.num_outputs(), task.name);
            return Err(Error::invalid("student.num_labels", expected, student.num_labels));
        }
        if student.labels != task.labels() {
            let expected = format!("the labels of task {}, {:?}", task.name, task.labels());
            return Err(Error::invalid("student.labels", expected, format!("{:?}", student.labels)));
        }
        if !(MIN_LENGTH..=student.max_positions).contains(max_length) {
            let expected = format!("{MIN_LENGTH} to student.max_positions = {}", student.max_positions);
            return Err(Error::invalid("max_length", expected, max_length));
        }
        Ok(())
    }
}

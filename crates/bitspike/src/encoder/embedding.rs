//! From token ids to the current of the embedding population.

use super::Norm;
use crate::arithmetic::vectorised;
use crate::error::{Error, Result};
use crate::format::Packed;
use crate::tokenizer::Encoding;

/// The three tables, which stay in the file, and the norm of their sum.
#[derive(Debug)]
pub(crate) struct Embedding {
    norm: Norm,
    /// Rows of the word, position and type tables.
    rows: [usize; 3],
}

/// Names of the tables in a packed file.
const TABLES: [&str; 3] = ["words", "embeddings.position", "embeddings.token_type"];

impl Embedding {
    pub(crate) fn new(packed: &Packed) -> Self {
        let student = &packed.header().student;
        Self {
            norm: Norm {
                gain: packed.vector("embeddings.norm.gain"),
                bias: packed.vector("embeddings.norm.bias"),
                epsilon: student.layer_norm_eps,
            },
            rows: [student.vocab_size, student.max_positions, student.type_vocab],
        }
    }

    /// Refuses what the tables have no row for.
    pub(crate) fn check(&self, encoding: &Encoding) -> Result<()> {
        let [words, positions, types] = self.rows;
        let length = encoding.ids.len();
        if length == 0 || length > positions || encoding.type_ids.len() != length {
            let expected = format!("1 to {positions} token ids and as many types");
            let found = format!("{length} ids and {} types", encoding.type_ids.len());
            return Err(Error::invalid("tokens", expected, found));
        }
        for (what, ids, rows) in [("token id", &encoding.ids, words), ("token type", &encoding.type_ids, types)] {
            if let Some(id) = ids.iter().find(|&&id| id as usize >= rows) {
                return Err(Error::invalid(what, format!("0 to {}", rows - 1), id));
            }
        }
        Ok(())
    }

    /// `LN(word + position + type)` of every token of every sentence, `[M, D]`, in the trainer's order of operations.
    pub(crate) fn currents(&self, packed: &Packed, encodings: &[Encoding], out: &mut Vec<f32>) {
        let width = self.norm.width();
        let tokens: usize = encodings.iter().map(|encoding| encoding.ids.len()).sum();
        out.resize(tokens * width, 0.0);
        let [words, positions, types] = TABLES.map(|name| packed.table(name));
        let ids = encodings.iter().flat_map(|encoding| encoding.ids.iter().zip(&encoding.type_ids).enumerate());
        let (mut of_position, mut of_type) = (vec![0.0; width], vec![0.0; width]);
        // A text has one type, or two: their rows are not decoded for every token.
        let mut known = None;
        for (current, (position, (&id, &kind))) in out.chunks_exact_mut(width).zip(ids) {
            words.row(id as usize, current);
            positions.row(position, &mut of_position);
            if known.replace(kind) != Some(kind) {
                types.row(kind as usize, &mut of_type);
            }
            for row in [&of_position, &of_type] {
                current.iter_mut().zip(row).for_each(|(x, y)| *x += y);
            }
            vectorised!(|| self.norm.alone(current));
        }
    }
}

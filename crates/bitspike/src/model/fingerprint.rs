//! Digests that tell whether two machines compute the same bits.

use super::Model;
use crate::error::Result;
use crate::tokenizer::Encoding;

/// Digests of what a model computed of some texts, one after another: equal on every machine, instruction set and number of threads.
///
/// Both are FNV-1a of 64 bits (Fowler, Noll, Vo): of the answers' logits as little-endian `f32`, and of the sums of all neurons, which
/// in `phased` are their spike counts, in the same form.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
/// use bitspike::model::Fingerprint;
/// let model = bitspike::Model::load(path)?;
/// let texts = ["a fine film", "dull from start to finish"].map(|text| model.encode(text));
/// let at_once = model.fingerprint(&texts, Fingerprint::default())?;
/// let first = model.fingerprint(&texts[..1], Fingerprint::default())?;
/// assert_eq!(model.fingerprint(&texts[1..], first)?, at_once);
/// assert_ne!(first, at_once);
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Of the classifier's outputs, or of vectors before they are brought to length 1.
    pub logits: u64,
    /// Of the sums of every neuron at every token, population by population.
    pub counts: u64,
}

impl Default for Fingerprint {
    /// Of no text.
    fn default() -> Self {
        Self { logits: EMPTY, counts: EMPTY }
    }
}

/// FNV-1a of nothing.
const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

fn add(digest: u64, values: &[f32]) -> u64 {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    bytes.fold(digest, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Model {
    /// `so_far` and what this model computes of texts that are token ids, in its own simulation: answers as
    /// [`Model::classify_ids`], sums as [`Model::simulate_ids`].
    ///
    /// # Errors
    /// As [`Model::classify_ids`].
    pub fn fingerprint(&self, encodings: &[Encoding], so_far: Fingerprint) -> Result<Fingerprint> {
        let outputs = self.outputs(encodings)?;
        let logits = outputs.iter().fold(so_far.logits, |digest, (logits, _)| add(digest, logits));
        let mut counts = so_far.counts;
        // One by one: the sums of a text take a megabyte.
        for encoding in encodings {
            for run in self.simulate_ids(std::slice::from_ref(encoding), true)? {
                counts = run.sums.iter().fold(counts, |digest, sums| add(digest, sums));
            }
        }
        Ok(Fingerprint { logits, counts })
    }
}

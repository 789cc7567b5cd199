//! `--embedding-bits`, `--trits`

use bitspike::format::Packing;
use bitspike::quantize::EmbeddingBits;

/// How a student is packed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct PackingArgs {
    /// Precision of the embedding tables, 32, 8, 4, 1.58 or 1; unless given, the one they were trained at
    #[arg(long, value_name = "BITS")]
    pub(crate) embedding_bits: Option<EmbeddingBits>,
    /// Five ternary weights a byte instead of four: smaller, a little slower to load, the same answers
    #[arg(long)]
    pub(crate) trits: bool,
    /// Tokens kept of a text, up to the positions of the teacher; unless given, as many as in training
    #[arg(long, value_name = "N")]
    pub(crate) max_length: Option<usize>,
}

impl From<PackingArgs> for Packing {
    fn from(PackingArgs { embedding_bits, trits, max_length }: PackingArgs) -> Self {
        Self { embedding_bits, trits, max_length }
    }
}

//! A small packed model of random weights that embeds. Tests of other crates include it too.

#[path = "../../../../fixtures/embedder/packed.rs"]
mod packed;

use bitspike::config::{Pooling, StudentConfig, Target, Task};
use bitspike::format::Header;
use bitspike::neuron::Levels;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};

const TOKENS: [&str; 9] = ["[UNK]", "[CLS]", "[SEP]", "a", "##b", "\u{597d}", "film", "good", "bad"];

/// A header of a model of 24 values, of which the first 8 are a vector too, that reads 12 tokens.
pub(crate) fn header(pooling: Pooling, normalize: bool) -> Header {
    let mut task = Task::classification("embed", "text", ["x", "y"]);
    task.target = Target::Embedding { normalize, prefixes: vec![8] };
    task.metrics = vec!["spearman".into()];
    let student = StudentConfig {
        hidden: 24,
        heads: 2,
        intermediate: 40,
        layers: 2,
        vocab_size: TOKENS.len(),
        max_positions: 12,
        type_vocab: 1,
        layer_norm_eps: 1e-12,
        num_labels: 24,
        labels: Vec::new(),
        time_steps: 16,
        code: Levels::Unary,
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Row,
        embedding_bits: EmbeddingBits::Four,
        relative_attention: false,
        feedback: None,
        pooling: Some(pooling),
    };
    Header { student, task, max_length: 12 }
}

/// The packed file of that header, its weights made of the names of its tensors.
pub(crate) fn file(header: &Header) -> Vec<u8> {
    packed::packed(header, &TOKENS)
}

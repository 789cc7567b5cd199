//! A small packed model of random weights that embeds. Tests of other crates include it too.

use bitspike::config::{Pooling, StudentConfig, Target, Task};
use bitspike::format::{Header, Packing, Role, pack, tensors};
use bitspike::neuron::Levels;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;

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
    let vocabulary: serde_json::Map<_, _> =
        TOKENS.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id.into())).collect();
    let description = serde_json::json!({
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                  "vocab": vocabulary}
    });
    let tokenizer = Tokenizer::from_json(description.to_string().as_bytes()).unwrap();
    let all = tensors(&header.student);
    pack(header, &tokenizer, Packing::default(), |name| {
        let tensor = all.iter().find(|tensor| tensor.name == name).expect("one of this model's");
        let mut state = name.bytes().fold(7, |state: u64, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let value = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
            if tensor.role == Role::Threshold { 1.0 + value.abs() } else { value }
        };
        Ok::<_, bitspike::Error>((0..tensor.rows * tensor.columns).map(value).collect())
    })
    .unwrap()
}

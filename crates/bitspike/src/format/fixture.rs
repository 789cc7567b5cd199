//! Small models of odd sizes, and files taken apart and put together wrongly.

use serde_json::{Map, Value, json};

use super::*;
use crate::config::{StudentConfig, Task};
use crate::error::Result;
use crate::quantize::{EmbeddingBits, Granularity, WeightBits};
use crate::tokenizer::Tokenizer;
use crate::tokenizer::packed::{LENGTHS, TEXT};

/// A header of a model whose rows fill the last byte in no form: D = 6 or 22, F = 11 or 13.
pub(super) fn header(
    wide: bool,
    weight_bits: WeightBits,
    granularity: Granularity,
    embedding_bits: EmbeddingBits,
) -> Header {
    let task = Task { glue: Some("sst2".into()), ..Task::classification("sst2", "sentence", ["negative", "positive"]) };
    let student = StudentConfig {
        hidden: if wide { 22 } else { 6 },
        heads: 2,
        intermediate: if wide { 13 } else { 11 },
        layers: 2,
        vocab_size: 7,
        max_positions: 5,
        type_vocab: 2,
        layer_norm_eps: 1e-12,
        num_labels: 2,
        labels: task.labels().to_vec(),
        time_steps: 16,
        code: crate::neuron::Levels::Unary,
        signed: true,
        weight_bits,
        granularity,
        embedding_bits,
        relative_attention: wide,
        feedback: None,
        pooling: None,
    };
    Header { student, task, max_length: 4 }
}

/// The header of most tests: ternary matrices, 4-bit tables.
pub(super) fn plain() -> Header {
    header(false, WeightBits::Ternary, Granularity::Row, EmbeddingBits::Four)
}

/// Random latent weights of a tensor, the same for a name and number of values at every call; thresholds are above 0.
pub(super) fn latent(header: &Header, name: &str) -> Result<Vec<f32>> {
    let tensor = layout::tensors(&header.student).into_iter().find(|tensor| tensor.name == name).expect("a tensor");
    let mut state = name.bytes().fold(1, |state: u64, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let value = |_| if tensor.role == Role::Threshold { 0.1 + next().abs() } else { next() };
    Ok((0..tensor.rows * tensor.columns).map(value).collect())
}

/// Tokens of the fixtures; the first three are needed.
pub(super) const TOKENS: [&str; 7] = ["[UNK]", "[CLS]", "[SEP]", "a", "##b", "\u{597d}", "film"];

/// An uncased tokeniser of the first `tokens` of [`TOKENS`].
pub(super) fn tokenizer(tokens: usize) -> Tokenizer {
    let vocabulary: Map<String, Value> = (0..tokens).map(|id| (TOKENS[id].to_owned(), json!(id))).collect();
    let added = json!({"id": 1, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": true});
    let description = json!({
        "added_tokens": [added],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                  "vocab": vocabulary}
    });
    Tokenizer::from_json(description.to_string().as_bytes()).unwrap()
}

/// The packed model of [`latent`] weights.
pub(super) fn packed(header: &Header, packing: Packing) -> Vec<u8> {
    pack(header, &tokenizer(header.student.vocab_size), packing, |name| latent(header, name)).unwrap()
}

/// The same in version 1, which has no tokeniser.
pub(super) fn packed_without_tokenizer(header: &Header, packing: Packing) -> Vec<u8> {
    let (mut header, mut data) = take_apart(&packed(header, packing));
    let metadata = header["__metadata__"].as_object_mut().unwrap();
    metadata.insert("format_version".into(), "1".into());
    metadata.remove("tokenizer");
    let ([start, middle], [same, end]) = (place(&header, LENGTHS), place(&header, TEXT));
    assert_eq!((middle, end), (same, data.len()));
    data.truncate(start);
    header.retain(|name, _| ![LENGTHS, TEXT].contains(&name.as_str()));
    put_together(&header, &data)
}

/// A file as its JSON header and its data.
pub(super) fn take_apart(file: &[u8]) -> (Map<String, Value>, Vec<u8>) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let Value::Object(header) = serde_json::from_slice(&file[8..8 + length]).unwrap() else { panic!("an object") };
    (header, file[8 + length..].to_vec())
}

/// The file of a JSON header and data.
pub(super) fn put_together(header: &Map<String, Value>, data: &[u8]) -> Vec<u8> {
    let json = serde_json::to_vec(header).unwrap();
    [&(json.len() as u64).to_le_bytes()[..], &json, data].concat()
}

/// Where in the data a tensor begins and ends.
pub(super) fn place(header: &Map<String, Value>, name: &str) -> [usize; 2] {
    serde_json::from_value(header[name]["data_offsets"].clone()).unwrap()
}

//! A binary or wide ternary student as a BERT in GGUF, for llama.cpp: the network without its neurons.
//!
//! llama.cpp has no operator that counts: values are the currents that neurons would round and clip, and its products round
//! activations to 8 bits. Answers are close, counts are not there.

mod file;

use bitspike::Model;
use bitspike::format::{Form, PackedMatrix, PackedTable};

use self::file::{File, Value};
use crate::error::{Error, Result};

/// Types of tensors, as `ggml.h` numbers them.
const F32: u32 = 0;
const Q8_0: u32 = 8;
const TQ2_0: u32 = 35;
const Q1_0: u32 = 41;

/// Largest `f16`, and the least from which on all its eleven bits count.
const HALF: [f32; 2] = [6.104e-5, 65_504.0];

/// The file of a student.
///
/// # Errors
/// [`Error::Unfit`] for what llama.cpp cannot hold: pairs of texts, rows that its blocks do not divide, scales beyond `f16`.
pub(crate) fn write(model: &Model, name: &str) -> Result<Vec<u8>> {
    let packed = model.packed();
    let student = &packed.header().student;
    if model.task().is_pair() {
        return Err(unfit("pairs of texts", "llama.cpp gives every token the first segment type; use --to onnx"));
    }
    if student.granularity != bitspike::quantize::Granularity::Row && student.hidden == 0 {
        unreachable!("a student has a width");
    }
    let mut file = File::default();
    settings(&mut file, model, name)?;
    table(&mut file, "token_embd.weight", &packed.table("words"))?;
    plain(&mut file, "position_embd.weight", &packed.table("embeddings.position"));
    plain(&mut file, "token_types.weight", &packed.table("embeddings.token_type"));
    let vector = |file: &mut File, to: &str, from: &str| {
        let values = packed.vector(from);
        file.tensor(to, &[values.len()], F32, floats(&values));
    };
    vector(&mut file, "token_embd_norm.weight", "embeddings.norm.gain");
    vector(&mut file, "token_embd_norm.bias", "embeddings.norm.bias");
    for i in 0..student.layers {
        let from = format!("layers.{i}");
        for (to, name) in [
            ("attn_q", "query"),
            ("attn_k", "key"),
            ("attn_v", "value"),
            ("attn_output", "attention_output"),
            ("ffn_up", "intermediate"),
            ("ffn_down", "output"),
        ] {
            let matrix = packed.matrix(&format!("{from}.{name}.weight"));
            let (kind, bytes) = blocks(&matrix, &format!("{from}.{name}.weight"))?;
            file.tensor(&format!("blk.{i}.{to}.weight"), &[matrix.columns, matrix.rows], kind, bytes);
            vector(&mut file, &format!("blk.{i}.{to}.bias"), &format!("{from}.{name}.bias"));
        }
        for (to, name) in [("attn_output_norm", "attention_norm"), ("layer_output_norm", "output_norm")] {
            vector(&mut file, &format!("blk.{i}.{to}.weight"), &format!("{from}.{name}.gain"));
            vector(&mut file, &format!("blk.{i}.{to}.bias"), &format!("{from}.{name}.bias"));
        }
    }
    let weight = packed.vector("classifier.weight");
    file.tensor("cls.output.weight", &[student.hidden, student.num_labels], F32, floats(&weight));
    vector(&mut file, "cls.output.bias", "classifier.bias");
    Ok(file.finish())
}

fn unfit(what: impl Into<String>, instead: impl Into<String>) -> Error {
    Error::Unfit { target: "llama.cpp", what: what.into(), instead: instead.into() }
}

/// Architecture, sizes, words and labels.
fn settings(file: &mut File, model: &Model, name: &str) -> Result<()> {
    let student = &model.header().student;
    let tokenizer = model.tokenizer();
    let frame = tokenizer.encode("", None, model.header().max_length).ids;
    let (cls, sep) = (frame[0], frame[frame.len() - 1]);
    let number = |value: usize| Value::U32(value as u32);
    let labels = match model.labels() {
        [] => vec!["score".to_owned()],
        labels => labels.to_vec(),
    };
    let words: Vec<Option<String>> = (0..student.vocab_size as u32).map(|id| tokenizer.token(id)).collect();
    let is_special = |word: &str| word.starts_with('[') && word.ends_with(']');
    // Words that begin one have a mark; pieces that go on lose theirs.
    let marked = |word: &Option<String>| match word.as_deref() {
        None => "[PAD]".to_owned(),
        Some(word) if is_special(word) => word.to_owned(),
        Some(word) => word.strip_prefix("##").map_or_else(|| format!("\u{2581}{word}"), str::to_owned),
    };
    let kind = |word: &Option<String>| match word.as_deref() {
        None => 5,
        Some(word) if is_special(word) => 3,
        Some(_) => 1,
    };
    let written: serde_json::Value = serde_json::from_str(&tokenizer.to_json()?).expect("our own JSON");
    let unknown = written.pointer("/model/unk_token").and_then(serde_json::Value::as_str).unwrap_or("[UNK]");
    let unknown = words.iter().position(|word| word.as_deref() == Some(unknown)).unwrap_or(0);
    for (key, value) in [
        ("general.architecture", Value::Text("bert".to_owned())),
        ("general.name", Value::Text(name.to_owned())),
        ("bert.block_count", number(student.layers)),
        ("bert.context_length", number(student.max_positions)),
        ("bert.embedding_length", number(student.hidden)),
        ("bert.feed_forward_length", number(student.intermediate)),
        ("bert.attention.head_count", number(student.heads)),
        ("bert.attention.layer_norm_epsilon", Value::F32(student.layer_norm_eps)),
        ("bert.attention.causal", Value::Bool(false)),
        // RANK: the classifier at the first token.
        ("bert.pooling_type", Value::U32(4)),
        ("bert.classifier.output_labels", Value::Texts(labels)),
        ("tokenizer.ggml.model", Value::Text("bert".to_owned())),
        ("tokenizer.ggml.token_type_count", number(student.type_vocab)),
        ("tokenizer.ggml.tokens", Value::Texts(words.iter().map(marked).collect())),
        ("tokenizer.ggml.token_type", Value::I32s(words.iter().map(kind).collect())),
        ("tokenizer.ggml.bos_token_id", Value::U32(cls)),
        ("tokenizer.ggml.cls_token_id", Value::U32(cls)),
        ("tokenizer.ggml.eos_token_id", Value::U32(sep)),
        ("tokenizer.ggml.seperator_token_id", Value::U32(sep)),
        ("tokenizer.ggml.unknown_token_id", number(unknown)),
        ("tokenizer.ggml.padding_token_id", Value::U32(tokenizer.pad_id())),
    ] {
        file.setting(key, value);
    }
    Ok(())
}

/// The blocks of a matrix: bits for binary codes, two bits for ternary ones.
fn blocks(matrix: &PackedMatrix<'_>, name: &str) -> Result<(u32, Vec<u8>)> {
    let (kind, width) = if matrix.form == Form::OneBit { (Q1_0, 128) } else { (TQ2_0, 256) };
    let columns = matrix.columns;
    if !columns.is_multiple_of(width) {
        let kind = if kind == Q1_0 { "binary" } else { "ternary" };
        return Err(unfit(
            format!("{kind} {name} with rows of {columns}"),
            format!(
                "its {kind} type takes rows of multiples of {width}; binary students of multiples of 128 fit, --to onnx takes any"
            ),
        ));
    }
    let mut codes = vec![0; columns];
    let mut bytes = Vec::new();
    for row in 0..matrix.rows {
        matrix.codes_row(row, &mut codes);
        let scale = half(matrix.scales[row % matrix.scales.len()], name)?;
        for codes in codes.chunks_exact(width) {
            if kind == Q1_0 {
                bytes.extend(scale);
                bytes.extend(
                    codes.chunks(8).map(|codes| {
                        codes.iter().enumerate().fold(0, |byte, (i, &code)| byte | u8::from(code > 0) << i)
                    }),
                );
            } else {
                // Two halves of 128 codes; a byte holds the codes 32 apart.
                for codes in codes.chunks_exact(128) {
                    bytes.extend(
                        (0..32).map(|at| (0..4).fold(0, |byte, i| byte | ((codes[at + 32 * i] + 1) as u8) << (2 * i))),
                    );
                }
                bytes.extend(scale);
            }
        }
    }
    Ok((kind, bytes))
}

/// A table by its codes, each block of 32 with the row's scale.
fn table(file: &mut File, to: &str, table: &PackedTable<'_>) -> Result<()> {
    let columns = table.columns;
    if table.form == Form::Full || !columns.is_multiple_of(32) {
        plain(file, to, table);
        return Ok(());
    }
    let mut codes = vec![0; columns];
    let mut bytes = Vec::with_capacity(table.rows * columns / 32 * 34);
    for row in 0..table.rows {
        table.codes_row(row, &mut codes);
        let scale = half(table.scale(row), to)?;
        for codes in codes.chunks_exact(32) {
            bytes.extend(scale);
            bytes.extend(codes.iter().map(|&code| code as u8));
        }
    }
    file.tensor(to, &[columns, table.rows], Q8_0, bytes);
    Ok(())
}

/// A table as it is.
fn plain(file: &mut File, to: &str, table: &PackedTable<'_>) {
    let mut values = vec![0.0; table.rows * table.columns];
    values.chunks_exact_mut(table.columns).enumerate().for_each(|(i, row)| table.row(i, row));
    file.tensor(to, &[table.columns, table.rows], F32, floats(&values));
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A scale as `f16`, ties to even; 0 of a row without weights stays.
fn half(scale: f32, name: &str) -> Result<[u8; 2]> {
    if scale != 0.0 && !(HALF[0]..=HALF[1]).contains(&scale) {
        let instead = "scales are of f16 there, from 6.1e-5 to 65,504; use --to onnx";
        return Err(unfit(format!("the scale {scale:e} of {name}"), instead));
    }
    if scale == 0.0 {
        return Ok([0, 0]);
    }
    // Normal numbers alone: 13 bits of the fraction go, the exponent's bias from 127 to 15.
    let bits = scale.to_bits();
    let rounded = bits + 0x0fff + (bits >> 13 & 1);
    Ok((((rounded >> 13) - (112 << 10)) as u16).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn scales_round_to_the_nearest_half() {
        for (scale, bits) in [
            (1.0, 0x3c00u16),
            (0.0317, 0x280f),
            (65_504.0, 0x7bff),
            (6.1035e-5 * 1.01, 0x040a),
            (1.0 + 1.0 / 2048.0, 0x3c00),
            (1.0 + 3.0 / 2048.0, 0x3c02),
            (0.0, 0),
        ] {
            assert_eq!(u16::from_le_bytes(half(scale, "x").unwrap()), bits, "{scale}");
        }
        for scale in [1e-8, 65_520.0] {
            let error = half(scale, "layers.0.key.weight").unwrap_err().to_string();
            assert!(error.contains("f16") && error.contains("layers.0.key.weight"), "{error}");
        }
    }
}

//! What is read, obeyed and refused of other people's models: every row is tried, and `docs/models-read.md` is made of them.
//!
//! `BITSPIKE_WRITE_DOCS=1` writes the page anew.

use std::fs;
use std::path::{Path, PathBuf};

use bitspike_train::Device;
use bitspike_train::teacher::Teacher;
use serde_json::{Map, Value, json};

/// What becomes of it.
enum Verdict {
    Read,
    /// With what the error says.
    Refused(&'static str),
}
use Verdict::{Read, Refused};

/// How it is made of a plain folder.
enum Change {
    /// A file with this text.
    File(&'static str, &'static str),
    /// A key of `config.json`.
    Key(&'static str, fn() -> Value),
    /// The names and types of the tensors.
    Tensors(fn(&mut Map<String, Value>)),
    /// The folder.
    Folder(fn(&Path)),
}
use Change::{File, Folder, Key, Tensors};

/// Where, what, how it is made, what becomes of it, and what the page says.
type Row = (&'static str, &'static str, Change, Verdict, &'static str);

const CONFIG: &str = "tokenizer_config.json";
const MAP: &str = "special_tokens_map.json";

fn tokenisers() -> Vec<Row> {
    vec![
        (
            "tokenizer.json, vocab.txt",
            "vocabulary",
            Folder(|_| ()),
            Read,
            "`tokenizer.json` before `vocab.txt`; lines lose the spaces at their ends, of a token named twice the last line counts",
        ),
        (
            CONFIG,
            "tokenizer_class",
            File(CONFIG, r#"{"tokenizer_class": "BertTokenizer"}"#),
            Read,
            "BertTokenizer, DistilBertTokenizer, MPNetTokenizer, their names with Fast, or none (then the class of `model_type`): `tokenizer.json` gives the vocabulary, the settings below the rest. PreTrainedTokenizerFast, TokenizersBackend: `tokenizer.json` gives all, the type ids of pairs are 0 unless `model_input_names` has `token_type_ids`",
        ),
        (
            CONFIG,
            "tokenizer_class",
            File(CONFIG, r#"{"tokenizer_class": "BertJapaneseTokenizer"}"#),
            Refused("BertJapaneseTokenizer"),
            "any other class",
        ),
        (
            CONFIG,
            "do_lower_case, strip_accents, tokenize_chinese_chars",
            File(CONFIG, r#"{"do_lower_case": false}"#),
            Read,
            "obeyed for BertTokenizer, whatever `tokenizer.json` says (a note says so); defaults true, as `do_lower_case`, true",
        ),
        (
            CONFIG,
            "unk_token, cls_token, sep_token, pad_token, mask_token, bos_token, eos_token, any ..._token",
            File(CONFIG, r#"{"eos_token": "[E1]"}"#),
            Read,
            "names of the frame, and added tokens",
        ),
        (
            CONFIG,
            "additional_special_tokens, extra_special_tokens",
            File(CONFIG, r#"{"additional_special_tokens": []}"#),
            Read,
            "added tokens",
        ),
        (
            CONFIG,
            "added_tokens_decoder",
            File(CONFIG, r#"{"added_tokens_decoder": {}}"#),
            Read,
            "added tokens; where it is, no other file names tokens (a note lists those that are not read)",
        ),
        (
            MAP,
            "all keys",
            File(MAP, r#"{"mask_token": {"content": "[MASK]"}}"#),
            Read,
            "as the same keys above, which it overrules",
        ),
        (
            "added_tokens.json",
            "tokens",
            File("added_tokens.json", "{}"),
            Read,
            "added tokens; ids are given in their order from the first that is free, and a note says where the file has others",
        ),
        (
            CONFIG,
            "truncation_side",
            File(CONFIG, r#"{"truncation_side": "left"}"#),
            Read,
            "obeyed; else `truncation.direction` of `tokenizer.json`; pairs are cut longest first, an odd token goes to the longer",
        ),
        (
            CONFIG,
            "model_max_length, max_len",
            File(CONFIG, r#"{"model_max_length": 1e30}"#),
            Read,
            "the length of texts in `eval` and `tokens` where `--max-length` is not given and it is below 128; in `teacher` and `distil` wherever more is asked for, and a note says so",
        ),
        (
            CONFIG,
            "model_input_names",
            File(CONFIG, r#"{"model_input_names": ["input_ids"]}"#),
            Read,
            "without `token_type_ids` both texts of a pair have type 0",
        ),
        (
            CONFIG,
            "padding, padding_side, clean_up_tokenization_spaces, chat_template, other keys",
            File(CONFIG, r#"{"padding_side": "left"}"#),
            Read,
            "of no meaning for the tokens of a text",
        ),
        (
            CONFIG,
            "split_special_tokens",
            File(CONFIG, r#"{"split_special_tokens": true}"#),
            Refused("`split_special_tokens`"),
            "true",
        ),
        (
            CONFIG,
            "do_basic_tokenize",
            File(CONFIG, r#"{"do_basic_tokenize": false}"#),
            Refused("`do_basic_tokenize`"),
            "false: transformers 4 and 5 differ",
        ),
        (
            CONFIG,
            "never_split",
            File(CONFIG, r#"{"never_split": ["a"]}"#),
            Refused("`never_split`"),
            "words: transformers 4 and 5 differ",
        ),
        (
            CONFIG,
            "auto_map",
            File(CONFIG, r#"{"auto_map": ["x.Y", null]}"#),
            Refused("`auto_map`"),
            "code beside the model",
        ),
        (
            CONFIG,
            "vocab, init_inputs, fast_tokenizer_files",
            File(CONFIG, r#"{"vocab": {"a": 0}}"#),
            Refused("`vocab`"),
            "vocabularies in other places",
        ),
        (
            "tokenizer.json",
            "model.type",
            File("tokenizer.json", r#"{"model": {"type": "BPE", "vocab": {}, "merges": []}}"#),
            Refused("WordPiece"),
            "models other than WordPiece; steps other than those of docs/format.md; frames other than BERT's and MPNet's",
        ),
    ]
}

fn configurations() -> Vec<Row> {
    vec![
        (
            "config.json",
            "model_type",
            Folder(|at| of_family(at, "mpnet-micro")),
            Read,
            "bert, or none; mpnet (its biases of attention by distance are kept in students; `<pad>` within a text is a token like others); distilbert (dropout as in BERT)",
        ),
        (
            "config.json",
            "dim, n_layers, n_heads, hidden_dim, activation, dropout, attention_dropout",
            Folder(|at| of_family(at, "distilbert-micro")),
            Read,
            "distilbert's names of the sizes and of what follows below",
        ),
        (
            "config.json",
            "model_type",
            Key("model_type", || json!("roberta")),
            Refused("`model_type`"),
            "any other: RoBERTa's tokeniser works on bytes; ALBERT shares layers, ELECTRA and others have parts of their own",
        ),
        (
            "config.json",
            "relative_attention_num_buckets",
            Folder(|at| {
                of_family(at, "mpnet-micro");
                apply(&Key("relative_attention_num_buckets", || json!(64)), at);
            }),
            Refused("`relative_attention_num_buckets`"),
            "of mpnet: anything but 32, which is what transformers computes with, whatever stands there",
        ),
        (
            "config.json",
            "sizes, layer_norm_eps, dropout, initializer_range",
            Key("hidden_dropout_prob", || json!(0)),
            Read,
            "obeyed",
        ),
        ("config.json", "hidden_act", Key("hidden_act", || json!("gelu_python")), Read, "gelu, gelu_python"),
        (
            "config.json",
            "hidden_act",
            Key("hidden_act", || json!("gelu_new")),
            Refused("`hidden_act`"),
            "other activations",
        ),
        (
            "config.json",
            "id2label",
            Key("id2label", || json!({"0": 1, "1": 2})),
            Read,
            "names, numbers and truth values, by their ids",
        ),
        (
            "config.json",
            "id2label",
            Key("id2label", || json!({"0": null})),
            Refused("`id2label`"),
            "lists, null, ids that are missing",
        ),
        (
            "config.json",
            "label2id",
            Key("label2id", || json!({"a": 0, "b": 1})),
            Read,
            "names of the classes where `id2label` has none but LABEL_0, ..; not read beside names",
        ),
        (
            "config.json",
            "problem_type",
            Key("problem_type", || json!("multi_label_classification")),
            Read,
            "multi_label_classification and regression: refused once the answers are those of a task whose texts have one class",
        ),
        (
            "config.json",
            "any key above",
            Key("vocab_size", || json!("40")),
            Refused("`vocab_size`: expected a whole number"),
            "a value of another type",
        ),
        (
            "config.json",
            "type_vocab_size",
            Key("type_vocab_size", || json!(3)),
            Refused("token_type_embeddings"),
            "sizes that the tensors have not; 1 where the task is on pairs, before anything runs",
        ),
        (
            "config.json",
            "position_embedding_type",
            Key("position_embedding_type", || json!("relative_key")),
            Refused("`position_embedding_type`"),
            "anything but absolute",
        ),
        (
            "config.json",
            "is_decoder, add_cross_attention, is_encoder_decoder",
            Key("is_decoder", || json!(true)),
            Refused("`is_decoder`"),
            "true",
        ),
        ("config.json", "pruned_heads", Key("pruned_heads", || json!({"0": [1]})), Refused("`pruned_heads`"), "any"),
        (
            "config.json",
            "quantization_config",
            Key("quantization_config", || json!({"bits": 8})),
            Refused("`quantization_config`"),
            "any",
        ),
        (
            "config.json",
            "auto_map",
            Key("auto_map", || json!({"AutoModel": "x.Y"})),
            Refused("`auto_map`"),
            "code beside the model",
        ),
        ("config.json", "adapters, adapter_fusion", Key("adapters", || json!({"a": 1})), Refused("`adapters`"), "any"),
        (
            "config.json",
            "chunk_size_feed_forward, use_cache, dtype, output_attentions, other keys",
            Key("chunk_size_feed_forward", || json!(8)),
            Read,
            "of no meaning for what a BERT computes; kept",
        ),
    ]
}

fn prefixed(header: &mut Map<String, Value>, prefix: &str) {
    let tensors: Vec<String> = header.keys().filter(|key| *key != "__metadata__").cloned().collect();
    for name in tensors {
        let tensor = header.remove(&name).expect("a key");
        header.insert(format!("{prefix}{name}"), tensor);
    }
}

fn checkpoints() -> Vec<Row> {
    vec![
        (
            "model.safetensors, pytorch_model.bin",
            "one file",
            Folder(|_| ()),
            Read,
            "F64, F32, F16, BF16; with or without the family's prefix (`bert.`, `distilbert.`, `mpnet.`); gamma and beta as weight and bias",
        ),
        ("...index.json", "split files", Folder(split), Read, "both formats; every file must be there"),
        (
            "weights",
            "prefix",
            Tensors(|header| prefixed(header, "module._orig_mod.")),
            Read,
            "`module.`, `_orig_mod.`, `model.` and one key of a trainer (`state_dict.`, ...) before every name are taken off, and a note says so",
        ),
        (
            "weights",
            "prefix",
            Tensors(|header| prefixed(header, "auto_model.")),
            Refused("`auto_model.`"),
            "any other; one that some names have not; two models; one before weights in half precision, the rounded copy of a training",
        ),
        (
            "weights",
            "integers",
            Tensors(quantised),
            Refused("quantised"),
            "integers and 8-bit floats, except `position_ids` and `token_type_ids`",
        ),
        (
            "weights",
            "pointer",
            Folder(|at| {
                fs::write(at.join("model.safetensors"), "version https://git-lfs.github.com/spec/v1\nsize 9\n").unwrap()
            }),
            Refused("git lfs pull"),
            "a pointer of Git LFS or Xet in the place of any file",
        ),
        (
            "adapter_config.json",
            "adapter",
            Folder(|at| fs::write(at.join("adapter_config.json"), "{}").unwrap()),
            Refused("merge_and_unload"),
            "an adapter, with or without its base",
        ),
        (
            "weights",
            "adapter",
            Tensors(|header| renamed(header, "self.query.weight", "self.query.base_layer.weight")),
            Refused("merge_and_unload"),
            "tensors of an adapter that is not merged",
        ),
        (
            "weights",
            "other tensors",
            Tensors(|header| {
                renamed(header, "classifier.weight", "score.weight");
                renamed(header, "classifier.bias", "score.bias");
            }),
            Read,
            "left out, and a note names them (but for the heads of pretraining: `cls.`, `vocab_...`, `lm_head.`, MPNet's `pooler`); within the encoder refused",
        ),
        (
            "weights",
            "other formats",
            Folder(|at| fs::rename(at.join("model.safetensors"), at.join("tf_model.h5")).unwrap()),
            Refused("tf_model.h5"),
            "TensorFlow, Flax, ONNX, GGUF, variants such as model.fp16.safetensors",
        ),
        (
            "weights",
            "missing tensors",
            Tensors(|header| header.retain(|name, _| !name.ends_with("encoder.layer.0.output.dense.bias"))),
            Refused("encoder.layer.0.output.dense.bias"),
            "a tensor of the encoder that is missing, has another shape, or is not finite",
        ),
    ]
}

fn renamed(header: &mut Map<String, Value>, end: &str, to: &str) {
    let names: Vec<String> = header.keys().filter(|name| name.ends_with(end)).cloned().collect();
    for name in names {
        let tensor = header.remove(&name).expect("a key");
        header.insert(name.replace(end, to), tensor);
    }
}

fn quantised(header: &mut Map<String, Value>) {
    let (_, tensor) = header.iter_mut().find(|(name, _)| name.ends_with("intermediate.dense.bias")).expect("a bias");
    let ends: Vec<u64> = serde_json::from_value(tensor["data_offsets"].clone()).unwrap();
    *tensor = json!({"dtype": "I8", "shape": [ends[1] - ends[0]], "data_offsets": ends});
}

fn split(at: &Path) {
    fs::rename(at.join("model.safetensors"), at.join("model-00001-of-00001.safetensors")).unwrap();
    let bytes = fs::read(at.join("model-00001-of-00001.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let map: Map<String, Value> =
        tensors.names().into_iter().map(|name| (name.to_owned(), "model-00001-of-00001.safetensors".into())).collect();
    fs::write(at.join("model.safetensors.index.json"), json!({"weight_map": map}).to_string()).unwrap();
}

fn fixture() -> PathBuf {
    fixtures().join("bert-micro-f32")
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Puts the model of another family in the place of the one in `at`.
fn of_family(at: &Path, name: &str) {
    for file in ["config.json", "vocab.txt", "tokenizer_config.json", "model.safetensors"] {
        fs::copy(fixtures().join(name).join(file), at.join(file)).unwrap();
    }
}

fn apply(change: &Change, at: &Path) {
    match change {
        File(name, text) => fs::write(at.join(name), text).unwrap(),
        Key(key, value) => {
            let mut config: Value = serde_json::from_slice(&fs::read(at.join("config.json")).unwrap()).unwrap();
            config[*key] = value();
            fs::write(at.join("config.json"), config.to_string()).unwrap();
        }
        Tensors(edit) => {
            let bytes = fs::read(at.join("model.safetensors")).unwrap();
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let mut header: Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
            let before = header.len();
            edit(&mut header);
            let mut data = bytes[8 + length..].to_vec();
            if header.len() < before {
                // Whatever was taken out leaves no hole.
                let (mut packed, mut entries): (Vec<u8>, Vec<_>) = (Vec::new(), header.iter_mut().collect());
                entries.retain(|(name, _)| *name != "__metadata__");
                for (_, tensor) in entries {
                    let ends: [usize; 2] = serde_json::from_value(tensor["data_offsets"].clone()).unwrap();
                    let start = packed.len();
                    packed.extend_from_slice(&data[ends[0]..ends[1]]);
                    tensor["data_offsets"] = json!([start, packed.len()]);
                }
                data = packed;
            }
            let text = Value::Object(header).to_string();
            fs::write(
                at.join("model.safetensors"),
                [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &data].concat(),
            )
            .unwrap();
        }
        Folder(change) => change(at),
    }
}

fn tables() -> [(&'static str, Vec<Row>); 3] {
    [("Tokenisers", tokenisers()), ("Configurations", configurations()), ("Checkpoints", checkpoints())]
}

#[test]
fn every_row_of_the_page_is_so() {
    for (_, rows) in tables() {
        for (file, what, change, verdict, _) in rows {
            let folder = tempfile::tempdir().unwrap();
            for name in ["config.json", "vocab.txt", "model.safetensors"] {
                fs::copy(fixture().join(name), folder.path().join(name)).unwrap();
            }
            apply(&change, folder.path());
            let found = Teacher::with_tokenizer(folder.path(), &Device::flex()).map_err(|e| e.to_string());
            match (verdict, found) {
                (Read, Ok(_)) => {}
                (Refused(word), Err(error)) => assert!(error.contains(word), "{file}, {what}: no {word:?} in: {error}"),
                (Read, Err(error)) => panic!("{file}, {what}: refused: {error}"),
                (Refused(_), Ok(_)) => panic!("{file}, {what}: read"),
            }
        }
    }
}

#[test]
fn tensors_that_are_left_out_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "vocab.txt", "model.safetensors"] {
        fs::copy(fixture().join(name), folder.path().join(name)).unwrap();
    }
    let said = |at: &Path| Teacher::load(at, &Device::flex()).unwrap().notes.join("\n");
    assert_eq!(said(folder.path()), "");
    apply(&Tensors(|header| renamed(header, "classifier.bias", "score.bias")), folder.path());
    apply(&Tensors(|header| renamed(header, "classifier.weight", "score.weight")), folder.path());
    let found = said(folder.path());
    assert!(
        found.contains("2 tensors that an encoder with a `classifier` does not have are left out: `score."),
        "{found}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_weights_that_are_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture().join("config.json"), folder.path().join("config.json")).unwrap();
    std::os::unix::fs::symlink(".git/annex/objects/x", folder.path().join("model.safetensors")).unwrap();
    let error = Teacher::load(folder.path(), &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors: a link to a file that is not there"), "{error}");
}

#[test]
fn the_page_is_made_of_the_rows() {
    let mut page = String::from(
        "# What is read, obeyed and refused of other people's models\n\n\
         A teacher is a BERT, a DistilBERT or an MPNet in the layout of Hugging Face. What its files say is obeyed, or refused by the name of the\n\
         key; where\n\
         files contradict each other, what transformers 5 does is done, and a note on standard error says what is not. `bitspike tokens`\n\
         shows what became of a text. This page is written by `crates/train/tests/models_read.rs`, which tries every row.\n",
    );
    for (title, rows) in tables() {
        page += &format!("\n## {title}\n\n| file | what | | |\n|---|---|---|---|\n");
        for (file, what, _, verdict, words) in rows {
            let verdict = if matches!(verdict, Read) { "read" } else { "refused" };
            page += &format!("| {file} | {what} | {verdict} | {words} |\n");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/models-read.md");
    if std::env::var_os("BITSPIKE_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/models-read.md is out of date; BITSPIKE_WRITE_DOCS=1 cargo test --test models_read writes it"
    );
}

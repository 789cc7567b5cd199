//! The JSON files beside the weights, in the words of transformers.

use bitspike::Model;
use bitspike::config::Target as Answers;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Target;
use crate::error::Result;

/// JSON for people.
pub(super) fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("names and numbers are JSON");
    bytes.push(b'\n');
    bytes
}

/// What a packed file says and operators do not: with it a model can be read back.
pub(super) fn metadata(model: &Model) -> Vec<(&'static str, String)> {
    let packed = model.packed();
    let header = serde_json::to_string(packed.header()).expect("a header is JSON");
    let forms: Map<String, Value> = packed
        .tensors()
        .filter(|(_, form, _)| *form != bitspike::format::Form::Full)
        .map(|(tensor, form, _)| (tensor.name.clone(), form.to_string().into()))
        .collect();
    vec![("bitspike.config", header), ("bitspike.forms", Value::Object(forms).to_string())]
}

/// `config.json`: a BERT for those who read no more than that.
pub(super) fn config(model: &Model, target: Target) -> Result<Vec<u8>> {
    let student = &model.header().student;
    let labels = match &model.task().target {
        Answers::Classification { labels } => labels.clone(),
        Answers::Regression { .. } | Answers::Embedding { .. } => vec!["score".to_owned()],
    };
    let by_index: Map<String, Value> =
        labels.iter().enumerate().map(|(i, label)| (i.to_string(), label.as_str().into())).collect();
    let by_label: Map<String, Value> = labels.iter().enumerate().map(|(i, label)| (label.clone(), i.into())).collect();
    let mut config = json!({
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification"],
        "hidden_size": student.hidden,
        "num_hidden_layers": student.layers,
        "num_attention_heads": student.heads,
        "intermediate_size": student.intermediate,
        "hidden_act": "gelu",
        "vocab_size": student.vocab_size,
        "max_position_embeddings": student.max_positions,
        "type_vocab_size": student.type_vocab,
        "layer_norm_eps": student.layer_norm_eps,
        "pad_token_id": model.tokenizer().pad_id(),
        "id2label": by_index,
        "label2id": by_label,
    });
    // One output is a score; transformers.js would make 1 of each by a softmax.
    let problem = if labels.len() > 1 { "single_label_classification" } else { "multi_label_classification" };
    config["problem_type"] = problem.into();
    if target == Target::TransformersJs {
        config["transformers.js_config"] = json!({"dtype": "q2"});
    }
    Ok(pretty(&config))
}

/// `tokenizer_config.json`: the class that gives segment ids, and the length that texts are cut to.
pub(super) fn tokenizer_config(model: &Model) -> Result<Vec<u8>> {
    let tokenizer = model.tokenizer();
    let written: Value = serde_json::from_str(&tokenizer.to_json()?).expect("our own JSON");
    let frame = tokenizer.encode("", None, model.header().max_length).ids;
    let token = |id: Option<&u32>| id.and_then(|&id| tokenizer.token(id));
    let added = written.pointer("/added_tokens").and_then(Value::as_array);
    let masks = added.is_some_and(|added| added.iter().any(|token| token["content"] == "[MASK]"));
    let lower = written.pointer("/normalizer/lowercase").and_then(Value::as_bool).unwrap_or(false);
    Ok(pretty(&json!({
        "tokenizer_class": "BertTokenizer",
        "model_max_length": model.header().max_length,
        "do_lower_case": lower,
        "cls_token": token(frame.first()),
        "sep_token": token(frame.last()),
        "pad_token": tokenizer.token(tokenizer.pad_id()),
        "unk_token": written.pointer("/model/unk_token"),
        "mask_token": masks.then_some("[MASK]"),
    })))
}

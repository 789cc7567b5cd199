//! The families of encoders that are read: what each calls what BERT has, and in what it differs.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// A family of encoders whose layers are BERT's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// BERT itself.
    Bert,
    /// DistilBERT: no token types, and a rectifier before the classifier where BERT's pooler has `tanh`.
    DistilBert,
    /// MPNet: no token types, positions that begin at row 2, and biases of attention scores by distance.
    Mpnet,
}

/// In what a family differs from BERT.
struct Traits {
    /// Its `model_type`, and what stands before the names of its tensors in a model with a head.
    model_type: &'static str,
    /// Keys of `config.json`: BERT's, and its own.
    keys: &'static [(&'static str, &'static str)],
    /// Parts of the names of tensors: BERT's, and its own. The first that is found counts.
    parts: &'static [(&'static str, &'static str)],
    /// Rows of the position table before that of the first token.
    first_position: usize,
    has_types: bool,
    /// Beginnings of names of tensors that the encoder and its classifier do not read: what it was trained with first.
    other_heads: &'static [&'static str],
}

const BERT: Traits =
    Traits { model_type: "bert", keys: &[], parts: &[], first_position: 0, has_types: true, other_heads: &["cls."] };

const DISTIL_BERT: Traits = Traits {
    model_type: "distilbert",
    keys: &[
        ("hidden_size", "dim"),
        ("num_hidden_layers", "n_layers"),
        ("num_attention_heads", "n_heads"),
        ("intermediate_size", "hidden_dim"),
        ("hidden_act", "activation"),
        ("hidden_dropout_prob", "dropout"),
        ("attention_probs_dropout_prob", "attention_dropout"),
    ],
    parts: &[
        (".attention.self.query.", ".attention.q_lin."),
        (".attention.self.key.", ".attention.k_lin."),
        (".attention.self.value.", ".attention.v_lin."),
        (".attention.output.dense.", ".attention.out_lin."),
        (".attention.output.LayerNorm.", ".sa_layer_norm."),
        (".intermediate.dense.", ".ffn.lin1."),
        (".output.dense.", ".ffn.lin2."),
        (".output.LayerNorm.", ".output_layer_norm."),
        ("pooler.dense.", "pre_classifier."),
    ],
    first_position: 0,
    has_types: false,
    other_heads: &["vocab_transform.", "vocab_layer_norm.", "vocab_projector."],
};

const MPNET: Traits = Traits {
    model_type: "mpnet",
    keys: &[],
    parts: &[
        (".attention.self.query.", ".attention.attn.q."),
        (".attention.self.key.", ".attention.attn.k."),
        (".attention.self.value.", ".attention.attn.v."),
        (".attention.output.dense.", ".attention.attn.o."),
        (".attention.output.LayerNorm.", ".attention.LayerNorm."),
        // Its own pooler is read by no classifier; the classifier has a map and `tanh` of its own, as BERT's pooler is one.
        (UNREAD_POOLER, "pooler.dense."),
        ("pooler.dense.", "classifier.dense."),
        ("classifier.", "classifier.out_proj."),
    ],
    first_position: 2,
    has_types: false,
    other_heads: &["lm_head.", UNREAD_POOLER],
};

/// What MPNet's pooler is called here.
const UNREAD_POOLER: &str = "unread_pooler.";

/// Names of layers of DistilBERT begin with this, where those of the others begin with [`LAYERS`].
const DISTIL_BERT_LAYERS: &str = "transformer.layer.";
const LAYERS: &str = "encoder.layer.";

impl Family {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bert, Self::DistilBert, Self::Mpnet];

    /// The family that `model_type` names.
    pub fn of(model_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.model_type() == model_type)
    }

    fn traits(self) -> &'static Traits {
        match self {
            Self::Bert => &BERT,
            Self::DistilBert => &DISTIL_BERT,
            Self::Mpnet => &MPNET,
        }
    }

    /// Its `model_type`.
    pub fn model_type(self) -> &'static str {
        self.traits().model_type
    }

    /// What transformers calls its classifier of texts.
    pub fn classifier(self) -> &'static str {
        match self {
            Self::Bert => "BertForSequenceClassification",
            Self::DistilBert => "DistilBertForSequenceClassification",
            Self::Mpnet => "MPNetForSequenceClassification",
        }
    }

    /// Whether it has a table of token types.
    pub fn has_types(self) -> bool {
        self.traits().has_types
    }

    /// Whether its attention scores have a bias by distance.
    pub fn has_distances(self) -> bool {
        self == Self::Mpnet
    }

    /// Whether what its classifier reads went through a rectifier instead of `tanh`.
    pub fn rectifies(self) -> bool {
        self == Self::DistilBert
    }

    /// Rows of its position table before that of the first token.
    pub fn first_position(self) -> usize {
        self.traits().first_position
    }

    /// Whether a tensor, under BERT's name, is of a head that the encoder was trained with first.
    pub fn is_other_head(self, name: &str) -> bool {
        self.traits().other_heads.iter().any(|head| name.starts_with(head))
    }

    /// BERT's name for a tensor that the family calls `name`, with the family's prefix or without.
    ///
    /// ```
    /// use bitspike::config::Family;
    /// let own = "distilbert.transformer.layer.0.ffn.lin2.bias";
    /// let bert = Family::DistilBert.bert_name(own);
    /// assert_eq!(bert, "encoder.layer.0.output.dense.bias");
    /// assert_eq!(Family::DistilBert.own_name(&bert), own);
    /// ```
    pub fn bert_name(self, name: &str) -> String {
        let Traits { model_type, parts, .. } = self.traits();
        let name = name.strip_prefix(model_type).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
        let name = match name.strip_prefix(DISTIL_BERT_LAYERS) {
            Some(rest) if self == Self::DistilBert => format!("{LAYERS}{rest}"),
            _ => name.to_owned(),
        };
        renamed(&name, parts.iter().map(|&(bert, own)| (own, bert)))
    }

    /// What the family calls a tensor that BERT calls `name`, with the family's prefix where it is not of the head.
    pub fn own_name(self, name: &str) -> String {
        let own = renamed(name, self.traits().parts.iter().copied());
        let own = match own.strip_prefix(LAYERS) {
            Some(rest) if self == Self::DistilBert => format!("{DISTIL_BERT_LAYERS}{rest}"),
            _ => own,
        };
        let is_head = name.starts_with("classifier.") || (self != Self::Bert && name.starts_with("pooler."));
        if is_head { own } else { format!("{}.{own}", self.model_type()) }
    }

    /// What stands before the names of tensors of a model with a head.
    pub fn prefix(self) -> String {
        format!("{}.", self.model_type())
    }

    /// A config with BERT's keys and meanings: the position table without the rows before the first token, one type where there is no
    /// table of types.
    pub(super) fn to_bert(self, mut config: Map<String, Value>) -> Result<Map<String, Value>> {
        let Traits { keys, first_position, has_types, .. } = self.traits();
        for (bert, own) in *keys {
            match config.remove(*own) {
                Some(value) => drop(config.insert((*bert).to_owned(), value)),
                None if ["dim", "n_layers", "n_heads", "hidden_dim"].contains(own) => {
                    return Err(Error::invalid(format!("`{own}`"), "a whole number", "nothing"));
                }
                None => {}
            }
        }
        if !has_types {
            config.insert("type_vocab_size".into(), 1.into());
        }
        if *first_position > 0
            && let Some(rows) = config.get("max_position_embeddings").and_then(Value::as_u64)
        {
            let rows = rows.checked_sub(*first_position as u64).filter(|&rows| rows > 0).ok_or_else(|| {
                Error::invalid("`max_position_embeddings`", format!("more than {first_position}"), rows)
            })?;
            config.insert("max_position_embeddings".into(), rows.into());
        }
        if self.has_distances() {
            let buckets = config.get("relative_attention_num_buckets");
            if let Some(found) = buckets.filter(|buckets| **buckets != crate::arithmetic::RELATIVE_BUCKETS) {
                let expected = "32, the only number that transformers computes with whatever stands here";
                return Err(Error::invalid("`relative_attention_num_buckets`", expected, found));
            }
        }
        Ok(config)
    }

    /// The inverse of [`Family::to_bert`].
    pub(super) fn of_bert(self, mut config: Map<String, Value>) -> Map<String, Value> {
        let Traits { keys, first_position, has_types, .. } = self.traits();
        for (bert, own) in *keys {
            if let Some(value) = config.remove(*bert) {
                config.insert((*own).to_owned(), value);
            }
        }
        if !has_types {
            config.remove("type_vocab_size");
        }
        if self != Self::Bert {
            config.remove("position_embedding_type");
        }
        if let Some(rows) = config.get("max_position_embeddings").and_then(Value::as_u64) {
            config.insert("max_position_embeddings".into(), (rows + *first_position as u64).into());
        }
        config
    }
}

/// `name` with the first of the parts that it has replaced.
fn renamed<'a>(name: &str, mut parts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let at_start = |part: &str| !part.starts_with('.');
    let found = parts.find(|(from, _)| if at_start(from) { name.starts_with(from) } else { name.contains(from) });
    found.map_or_else(|| name.to_owned(), |(from, to)| name.replacen(from, to, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_family_come_back() {
        let parts = [
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
            "attention.output.LayerNorm",
            "intermediate.dense",
            "output.dense",
            "output.LayerNorm",
        ];
        let layers = parts.iter().map(|part| format!("encoder.layer.11.{part}.weight"));
        let others = [
            "embeddings.word_embeddings.weight",
            "embeddings.LayerNorm.bias",
            "pooler.dense.bias",
            "classifier.weight",
        ];
        let names: Vec<String> = layers.chain(others.map(str::to_owned)).collect();
        for family in Family::ALL {
            let own: Vec<String> = names.iter().map(|name| family.own_name(name)).collect();
            assert_eq!(own.iter().map(|own| family.bert_name(own)).collect::<Vec<_>>(), names, "{family:?}");
        }
        assert_eq!(Family::Mpnet.own_name("classifier.bias"), "classifier.out_proj.bias");
        assert_eq!(Family::Mpnet.bert_name("mpnet.pooler.dense.bias"), "unread_pooler.bias");
        assert_eq!(Family::DistilBert.own_name("pooler.dense.bias"), "pre_classifier.bias");
    }
}

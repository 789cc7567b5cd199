//! Models of random weights, to be measured where no trained one is at hand.

use std::collections::BTreeMap;

use bitspike::config::StudentConfig;
use bitspike::format::{Header, Packed, Packing, pack, tensors};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike::{Model, Options};
use bitspike_data::TaskSpec;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};

/// Sizes of random models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomSize {
    /// MiniLM: 6 layers, D = 384, F = 1536, 12 heads.
    Mini,
    /// BERT-base: 12 layers, D = 768, F = 3072, 12 heads.
    Base,
}

impl RandomSize {
    /// What a model of this size is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mini => "random mini",
            Self::Base => "random base",
        }
    }

    /// Everything about it but its weights.
    pub fn config(self) -> StudentConfig {
        let (layers, hidden) = match self {
            Self::Mini => (6, 384),
            Self::Base => (12, 768),
        };
        StudentConfig {
            hidden,
            heads: 12,
            intermediate: 4 * hidden,
            layers,
            vocab_size: 30_522,
            max_positions: 512,
            type_vocab: 2,
            layer_norm_eps: 1e-12,
            num_labels: 2,
            labels: vec!["negative".into(), "positive".into()],
            time_steps: 16,
            code: bitspike::neuron::Levels::Unary,
            signed: true,
            weight_bits: WeightBits::Ternary,
            granularity: Granularity::Row,
            embedding_bits: EmbeddingBits::Ternary,
            relative_attention: false,
            feedback: None,
            pooling: None,
        }
    }
}

/// A model of random weights for SST-2, as large and as sparse as a trained one; its words are `w5`, `w6`, ...
///
/// ```
/// use bitspike::Options;
/// use bitspike_analysis::bench::{RandomSize, random_model};
///
/// let config = bitspike::config::StudentConfig { layers: 1, vocab_size: 100, ..RandomSize::Mini.config() };
/// let model = random_model(&config, &Options::new())?;
/// assert_eq!(model.labels(), ["negative", "positive"]);
/// # Ok::<(), bitspike_analysis::Error>(())
/// ```
///
/// # Errors
/// If the configuration or an option is out of range.
pub fn random_model(config: &StudentConfig, options: &Options) -> Result<Model> {
    let header =
        Header { student: config.clone(), task: TaskSpec::glue("sst2")?.for_model(), max_length: config.max_positions };
    let tokenizer = tokenizer(config.vocab_size)?;
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let sizes: BTreeMap<String, usize> =
        tensors(config).into_iter().map(|tensor| (tensor.name, tensor.rows * tensor.columns)).collect();
    let bytes = pack(&header, &tokenizer, Packing::default(), |name| {
        let count = sizes.get(name).copied().unwrap_or(0);
        Ok::<_, bitspike::Error>(match name {
            _ if name.ends_with("theta") => vec![2.0; count],
            _ if name.ends_with("gain") => vec![1.0; count],
            _ => (0..count).map(|_| rng.random_range(-0.1f32..0.1)).collect(),
        })
    })?;
    Ok(options.build(Packed::from_bytes(bytes)?, None)?)
}

/// A tokeniser of `size` words.
fn tokenizer(size: usize) -> Result<Tokenizer> {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from);
    let words: Vec<String> = special.into_iter().chain((5..size).map(|i| format!("w{i}"))).collect();
    let folder = tempfile::tempdir().map_err(|e| Error::io("make a temporary folder in", std::env::temp_dir(), e))?;
    let file = folder.path().join("vocab.txt");
    std::fs::write(&file, words.join("\n")).map_err(|e| Error::io("write", &file, e))?;
    Ok(Tokenizer::load(folder.path())?)
}

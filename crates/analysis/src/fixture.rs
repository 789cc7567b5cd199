//! Small models and data for tests.

use std::path::{Path, PathBuf};

use bitspike::config::StudentConfig;
use bitspike::format::{Packed, Packing, pack, tensors};
use bitspike::quantize::EmbeddingBits;
use bitspike::{Model, Options};

use crate::bench::{RandomSize, random_model};
use crate::examples::EncodedSplit;

/// Two layers of width 16 and feed-forward width 24, 16 steps.
pub(crate) fn config() -> StudentConfig {
    StudentConfig {
        hidden: 16,
        heads: 2,
        intermediate: 24,
        layers: 2,
        vocab_size: 40,
        max_positions: 32,
        embedding_bits: EmbeddingBits::Full,
        ..RandomSize::Mini.config()
    }
}

/// A model of [`config`] with random weights.
pub(crate) fn model() -> Model {
    random_model(&config(), &Options::new()).expect("a valid configuration")
}

/// The same with thresholds so high that no neuron ever spikes.
pub(crate) fn silent_model() -> Model {
    let (model, config) = (model(), config());
    let all = tensors(&config);
    let latent = |name: &str| {
        let tensor = all.iter().find(|tensor| tensor.name == name).expect("one of this model's");
        let value = if name.ends_with("theta") { 1e6 } else { 0.5 };
        Ok::<_, bitspike::Error>(vec![value; tensor.rows * tensor.columns])
    };
    let file = pack(model.header(), model.tokenizer(), Packing::default(), latent).expect("a valid model");
    Options::new().build(Packed::from_bytes(file).expect("a packed model"), None).expect("a valid model")
}

/// A shipped model of this repository.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(name)
}

/// The small model of `fixtures` that embeds.
pub(crate) fn embedder() -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embedder/model.safetensors");
    Model::load(path).expect("a packed model")
}

/// A dev set of pairs with scores in `folder`, by which vectors are judged; three of them.
pub(crate) fn write_pairs(folder: &Path) {
    let rows = "a film\ta movie\t4.5\na film\tan egg\t0.5\nhow to boil\tboiling <b>\t3.0\n";
    std::fs::write(folder.join("dev.tsv"), format!("sentence1\tsentence2\tscore\n{rows}"))
        .expect("a folder to write in");
}

/// Sentences and labels.
pub(crate) const SENTENCES: [(&str, u8); 4] =
    [("w6 w7 w8", 1), ("w9 <b> w30 w31 w32 w33", 0), ("w6", 1), ("w20 & w21", 0)];

/// A dev set of [`SENTENCES`] in `folder`.
pub(crate) fn write_data(folder: &Path) {
    let rows: String = SENTENCES.iter().map(|(text, label)| format!("{text}\t{label}\n")).collect();
    std::fs::write(folder.join("dev.tsv"), format!("sentence\tlabel\n{rows}")).expect("a folder to write in");
}

/// [`SENTENCES`] as `model` reads them.
pub(crate) fn dev_of(model: &Model) -> EncodedSplit {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_data(folder.path());
    EncodedSplit::dev_of(model, folder.path()).expect("good data")
}

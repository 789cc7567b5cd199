//! `bitspike teacher`, `distil`, `eval` and `quickstart` as a user runs them, on an encoder of a few thousand weights and a task that it
//! learns in a second.

#[allow(dead_code, reason = "its runs of random weights are for others")]
#[path = "../small_run/mod.rs"]
mod small_run;

mod classes;
mod eval;
mod families;
mod going_on;
mod quickstart;
#[cfg(unix)]
mod signals;
mod soft_labels;

use std::fs;
use std::path::{Path, PathBuf};

use bitspike::config::BertConfig;
use bitspike_run::weights::Weights;
use bitspike_train::Device;
use bitspike_train::teacher::Teacher;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const GOOD: [&str; 4] = ["good", "great", "fine", "lovely"];
const WORDS: [&str; 30] = [
    "good", "great", "fine", "lovely", "bad", "film", "movie", "a", "the", "very", "not", "is", "was", "dull", "poor",
    "plot", "actor", "i", "like", "hate", "it", "and", "but", "so", "long", "short", "sad", "one", "two", "end",
];

/// The task that [`Folder`] has data of, as flags.
const TASK: [&str; 8] = ["--task", "mood", "--text", "text", "--label", "label", "--data", "data"];

/// A folder with an encoder (`encoder`) and data (`data`): whether a text has one of four words.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.encoder("encoder", 3);
        folder.data("data", 600, ["neg", "pos"]);
        folder
    }

    /// The same with a teacher that was fine-tuned on the data (`teacher`).
    fn with_teacher() -> Self {
        let folder = Self::new();
        folder.runs(&folder.fine_tuning("teacher"), 0);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes an encoder of random weights.
    fn encoder(&self, name: &str, seed: u64) {
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
        let vocabulary: Vec<&str> = special.into_iter().chain(WORDS).collect();
        let config = BertConfig {
            hidden_size: 24,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 32,
            vocab_size: vocabulary.len(),
            max_position_embeddings: 16,
            hidden_dropout_prob: 0.0,
            initializer_range: 0.1,
            ..BertConfig::default()
        };
        let teacher = Teacher::random(config, &mut ChaCha8Rng::seed_from_u64(seed), &Device::flex());
        fs::create_dir_all(self.path(name)).unwrap();
        teacher.save(&self.path(name)).unwrap();
        fs::write(self.path(name).join("vocab.txt"), vocabulary.join("\n")).unwrap();
    }

    /// Writes training and dev examples of two classes.
    fn data(&self, name: &str, count: usize, classes: [&str; 2]) {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut rows = |count: usize| {
            let mut text = String::from("text,label\n");
            for _ in 0..count {
                let words: Vec<&str> = (0..rng.random_range(2..6)).map(|_| *WORDS.choose(&mut rng).unwrap()).collect();
                let class = usize::from(words.iter().any(|word| GOOD.contains(word)));
                text += &format!("{},{}\n", words.join(" "), classes[class]);
            }
            text
        };
        fs::create_dir_all(self.path(name)).unwrap();
        fs::write(self.path(name).join("train.csv"), rows(count)).unwrap();
        fs::write(self.path(name).join("dev.csv"), rows(200)).unwrap();
    }

    /// The command that makes the teacher `out`.
    fn fine_tuning<'a>(&self, out: &'a str) -> Vec<&'a str> {
        let settings =
            ["--epochs", "6", "--batch-size", "16", "--max-length", "16", "--learning-rate", "3e-3", "--threads", "1"];
        [&["teacher", "--model", "encoder", "--out", out][..], &TASK, &settings].concat()
    }

    /// The command that distils the run `out` of `teacher`.
    fn distilling<'a>(&self, teacher: &'a str, out: &'a str) -> Vec<&'a str> {
        let settings =
            ["--batch-size", "16", "--max-length", "16", "--epochs", "2", "--learning-rate", "2e-3", "--threads", "1"];
        let stage =
            ["--set", "stage.0.kind=internal", "--set", "stage.0.prediction_weight=1", "--set", "run.log_every=1"];
        [&["distil", "--teacher", teacher, "--out", out][..], &TASK, &settings, &stage].concat()
    }

    /// Runs the program, checks the exit code, and returns standard output and standard error.
    fn runs(&self, arguments: &[&str], code: i32) -> (String, String) {
        small_run::exits(self.0.path(), arguments, code)
    }

    /// The accuracy of `model` on the dev set of `data`, and what was said.
    fn accuracy(&self, model: &str, more: &[&str]) -> (f64, String) {
        let (out, said) = self.runs(&[&["eval", model, "--json", "--threads", "1"][..], more].concat(), 0);
        let scores: Value = serde_json::from_str(&out).unwrap();
        (scores[0]["metrics"]["accuracy"].as_f64().unwrap(), said)
    }

    /// Copies a teacher and gives its classes another order and other names: output `i` of the copy is output `order[i]`.
    fn permuted(&self, teacher: &str, copy: &str, order: &[usize], names: &[&str]) {
        let (from, to) = (self.path(teacher), self.path(copy));
        fs::create_dir_all(&to).unwrap();
        for file in ["config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json"] {
            if from.join(file).exists() {
                fs::copy(from.join(file), to.join(file)).unwrap();
            }
        }
        let mut weights = Weights::load(&from.join("model.safetensors")).unwrap();
        for name in ["classifier.weight", "classifier.bias"] {
            let array = weights.remove(name).unwrap();
            let width = array.values.len() / order.len();
            let rows = order.iter().flat_map(|&row| array.values[row * width..][..width].to_vec()).collect();
            weights.insert(name, &array.shape, rows);
        }
        weights.save(&to.join("model.safetensors")).unwrap();
        let mut config: Value = serde_json::from_slice(&fs::read(to.join("config.json")).unwrap()).unwrap();
        let classes = names.iter().enumerate().map(|(id, name)| (id.to_string(), Value::from(*name)));
        config["id2label"] = Value::Object(classes.collect());
        config.as_object_mut().unwrap().remove("label2id");
        fs::write(to.join("config.json"), config.to_string()).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Every file of a folder with its content, but for the lock.
    fn contents(&self, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.path(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| !file.file_name().unwrap().to_string_lossy().starts_with('.'));
        files.sort();
        files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
    }
}

/// Whether two files of weights hold the same.
fn same_weights(a: &Path, b: &Path) {
    let (a, b) = (Weights::load(a).unwrap(), Weights::load(b).unwrap());
    assert_eq!(a.names().collect::<Vec<_>>(), b.names().collect::<Vec<_>>());
    a.names().for_each(|name| assert_eq!(a.get(name), b.get(name), "{name}"));
}

//! A folder with a packed model, and the program run in it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bitspike::config::StudentConfig;
use bitspike::format::{Header, Packing, Role, Tensor, save, tensors};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike::{Answer, Input, Model};
use bitspike_data::TaskSpec;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const VOCABULARY: [&str; 11] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "fine", "film", "dull", "plot", ".", "##s"];

/// A folder with a model and the files of a test.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    /// A folder with `m/model.safetensors` for `task`, of 12 tokens at most.
    pub(crate) fn new(task: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("m");
        std::fs::create_dir(&model).unwrap();
        let vocabulary = folder.path().join("vocabulary");
        std::fs::create_dir(&vocabulary).unwrap();
        std::fs::write(vocabulary.join("vocab.txt"), VOCABULARY.join("\n")).unwrap();
        let tokenizer = Tokenizer::load(&vocabulary).unwrap().fitted(VOCABULARY.len()).unwrap();
        let task = TaskSpec::glue(task).unwrap();
        let student = StudentConfig {
            hidden: 8,
            heads: 2,
            intermediate: 12,
            layers: 1,
            vocab_size: VOCABULARY.len(),
            max_positions: 16,
            type_vocab: 2,
            layer_norm_eps: 1e-12,
            num_labels: task.num_outputs(),
            labels: task.labels().to_vec(),
            time_steps: 16,
            code: bitspike::neuron::Levels::Unary,
            signed: true,
            weight_bits: WeightBits::Ternary,
            granularity: Granularity::Matrix,
            embedding_bits: EmbeddingBits::Four,
            relative_attention: false,
            feedback: None,
            pooling: None,
        };
        let header = Header { student, task: task.for_model(), max_length: 12 };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let roles: BTreeMap<String, Tensor> =
            tensors(&header.student).into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
        let get = |name: &str| -> bitspike::Result<Vec<f32>> {
            let tensor = &roles[name];
            let range = if tensor.role == Role::Threshold { 0.125..0.5 } else { -1.0..1.0 };
            Ok((0..tensor.rows * tensor.columns).map(|_| rng.random_range(range.clone())).collect())
        };
        save(&model.join("model.safetensors"), &header, &tokenizer, Packing::default(), get).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.file(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// What the engine says of texts.
    pub(crate) fn answers(&self, texts: &[(&str, Option<&str>)]) -> (Vec<Answer>, Vec<String>) {
        let model = Model::load(self.file("m/model.safetensors")).unwrap();
        let texts = texts.iter().map(|&(first, second)| Input { first, second });
        (model.classify(texts).unwrap(), model.labels().to_vec())
    }

    /// The program with the model and `arguments`, its three streams piped.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
        command.current_dir(self.path()).args(["classify", "--model", "m/model.safetensors"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("starts")
    }

    /// Runs with `input` as standard input, checks the exit code, and returns standard output and standard error.
    pub(crate) fn exits(&self, arguments: &[&str], input: &[u8], code: i32) -> (String, String) {
        let mut child = self.start(arguments);
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
        // A program that has said what is wrong need not read on.
        let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}{err}");
        assert!(!err.contains("panicked"), "{err}");
        (out, err)
    }
}

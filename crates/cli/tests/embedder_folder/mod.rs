//! A folder with a small model that embeds, and the program run in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bitspike::Model;
use bitspike::config::Pooling;

#[path = "../../../bitspike/tests/small_embedder/mod.rs"]
mod small_embedder;

pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

#[allow(dead_code, reason = "each test program uses a part of it")]
impl Folder {
    /// A folder with `m/model.safetensors`, and another model in `n/model.safetensors`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, pooling) in [("m", Pooling::Mean), ("n", Pooling::Max)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            let file = small_embedder::file(&small_embedder::header(pooling, true));
            std::fs::write(folder.path().join(name).join("model.safetensors"), file).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.file(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    pub(crate) fn model(&self) -> Model {
        Model::load(self.file("m/model.safetensors")).unwrap()
    }

    /// The vector of a text, as the engine gives it.
    pub(crate) fn vector(&self, text: &str) -> Vec<f32> {
        self.model().embed([text]).unwrap().swap_remove(0).values
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
        command.current_dir(self.folder.path()).args(arguments);
        command.env_remove("BITSPIKE_MODELS").env("HF_HUB_CACHE", self.file("hub"));
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
        let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}{err}");
        assert!(!err.contains("panicked"), "{err}");
        (out, err)
    }

    /// Unfinished files.
    pub(crate) fn unfinished(&self) -> Vec<PathBuf> {
        let entries = Path::new(self.folder.path()).read_dir().unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))).collect()
    }
}

//! The folder of an export: what each runtime loads as it is.

mod card;
mod files;

use std::fs;
use std::path::Path;

use bitspike::Model;
use bitspike::config::population_names;
use serde::{Deserialize, Serialize};

use crate::error::{Error, MANIFEST, Result};
use crate::onnx::{Codes, Opset};
use crate::student::{Style, student};
use crate::{gguf, onnx, openvino, parity};

/// What an export is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "kebab-case")]
pub enum Target {
    /// ONNX Runtime.
    Onnx {
        /// Which operators, and thereby how codes are stored.
        opset: Opset,
        /// Attention and GELU by ONNX Runtime's own operators, settled in the engine's order where a count is in doubt.
        #[serde(default)]
        fast: bool,
    },
    /// OpenVINO.
    #[serde(rename = "openvino")]
    OpenVino,
    /// transformers.js.
    TransformersJs,
    /// llama.cpp.
    Gguf,
}

/// What `bitspike.json` says: what the folder is, and what a comparison needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version that wrote it.
    pub bitspike: String,
    /// The model's name.
    pub name: String,
    /// What it is for.
    #[serde(flatten)]
    pub target: Target,
    /// The file with the weights.
    pub model: String,
    /// Names of the values that are counts, in the order of computation.
    pub populations: Vec<String>,
}

/// The files of an export, by their paths within the folder.
#[derive(Debug)]
pub struct Export {
    /// Paths and contents.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Target {
    /// The file with the weights.
    pub fn model_file(self) -> &'static str {
        match self {
            Self::Onnx { .. } => "model.onnx",
            Self::OpenVino => "openvino_model.xml",
            Self::TransformersJs => "onnx/model.onnx",
            Self::Gguf => "model.gguf",
        }
    }

    /// What runs it.
    pub(crate) fn runtime(self) -> &'static str {
        match self {
            Self::Onnx { .. } => "ONNX Runtime",
            Self::OpenVino => "OpenVINO",
            Self::TransformersJs => "transformers.js",
            Self::Gguf => "llama.cpp",
        }
    }

    /// How it is installed.
    pub(crate) fn installed(self) -> &'static str {
        match self {
            Self::Onnx { .. } => {
                "it needs `pip install onnxruntime==1.32.0 numpy`; --runtime names the Python that has it"
            }
            Self::Gguf => "it needs `pip install xllamacpp==2026.10.11549`; --runtime names the Python that has it",
            Self::OpenVino => "it needs `pip install openvino==2026.4.1 numpy`; --runtime names the Python that has it",
            Self::TransformersJs => {
                "it needs `npm install @huggingface/transformers@4.3.2`; start it in the folder that has node_modules"
            }
        }
    }

    /// The program that answers texts with it, behind the interpreter's flags for one.
    pub(crate) fn script(self) -> &'static [&'static str] {
        match self {
            Self::Onnx { .. } => &["-c", include_str!("check/onnxruntime.py")],
            Self::Gguf => &["-c", include_str!("check/llama.py")],
            Self::OpenVino => &["-c", include_str!("check/openvino.py")],
            Self::TransformersJs => &["--input-type=module", "-e", include_str!("check/transformers.mjs")],
        }
    }

    /// The interpreter, unless one is named.
    pub fn program(self) -> &'static str {
        match self {
            Self::Onnx { .. } | Self::OpenVino | Self::Gguf => "python3",
            Self::TransformersJs => "node",
        }
    }

    /// Bytes of the weights' files in `folder`.
    pub(crate) fn model_bytes(self, folder: &Path) -> std::io::Result<u64> {
        let length = |file: &str| Ok(folder.join(file).metadata()?.len());
        match self {
            Self::OpenVino => Ok(length("openvino_model.xml")? + length("openvino_model.bin")?),
            _ => length(self.model_file()),
        }
    }
}

impl Export {
    /// The export of `model`, which its folder calls `name`.
    ///
    /// # Errors
    /// [`Error::Unfit`] if the format cannot carry the model.
    pub fn new(model: &Model, name: &str, target: Target) -> Result<Self> {
        if model.is_embedder() {
            let what = "vectors, the last layer at every token".to_owned();
            let instead = "classifiers and scores are exported; run this one with bitspike itself".to_owned();
            return Err(Error::Unfit { target: target.runtime(), what, instead });
        }
        let packed = model.packed();
        let header = packed.header();
        if header.student.weight_bits == bitspike::quantize::WeightBits::Full {
            return Err(Error::Unfit {
                target: target.runtime(),
                what: "weights of 32 bits".to_owned(),
                instead: "export a student of 1 or 1.58 bits".to_owned(),
            });
        }
        if header.student.relative_attention || model.tokenizer().doubles_separator() {
            return Err(Error::Unfit {
                target: target.runtime(),
                what: "biases of attention by distance, or the frame of pairs, of a student of an MPNet".to_owned(),
                instead: "export a student whose teacher is a BERT or a DistilBERT".to_owned(),
            });
        }
        let metadata = files::metadata(model);
        let net = |has_doubles, fast| student(packed, Style { has_doubles, fast });
        let mut populations = population_names(header.student.layers);
        let mut files = Vec::new();
        match target {
            Target::Onnx { opset, fast } => {
                files.push(("model.onnx".to_owned(), onnx::write(&net(true, fast), opset, Codes::Integers, &metadata)));
            }
            Target::OpenVino => {
                let (operators, constants) = openvino::write(&net(false, false), name);
                files.push(("openvino_model.xml".to_owned(), operators));
                files.push(("openvino_model.bin".to_owned(), constants));
            }
            Target::TransformersJs => {
                // In browsers there are no casts to f64, nor from INT4 or INT2.
                let file = onnx::write(&net(false, true), Opset::V21, Codes::Bytes, &metadata);
                files.push(("onnx/model.onnx".to_owned(), file.clone()));
                files.push(("onnx/model_q2.onnx".to_owned(), file));
            }
            Target::Gguf => {
                files.push(("model.gguf".to_owned(), gguf::write(model, name)?));
                populations.clear();
            }
        }
        let manifest = Manifest {
            bitspike: env!("CARGO_PKG_VERSION").to_owned(),
            name: name.to_owned(),
            target,
            model: target.model_file().to_owned(),
            populations,
        };
        files.push(("config.json".to_owned(), files::config(model, target)?));
        files.push(("tokenizer.json".to_owned(), model.tokenizer().to_json()?.into_bytes()));
        files.push(("tokenizer_config.json".to_owned(), files::tokenizer_config(model)?));
        files.push(("README.md".to_owned(), card::card(model, name, target).into_bytes()));
        files.push((MANIFEST.to_owned(), files::pretty(&manifest)));
        Ok(Self { files })
    }

    /// Writes the folder under another name beside `folder`, then renames it: it is there whole or not at all.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is something and it is not `forced`, [`Error::NoExport`] if it is and is no export;
    /// [`Error::Io`] if a file cannot be written.
    pub fn write(&self, folder: &Path, forced: bool) -> Result<()> {
        vacant(folder, forced)?;
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(Error::io("create folder", parent))?;
        let unfinished = tempfile::Builder::new().prefix(".writing-").tempdir_in(parent);
        let unfinished = unfinished.map_err(Error::io("create a folder in", parent))?;
        let new = unfinished.path().join("new");
        for (name, bytes) in &self.files {
            let path = new.join(name);
            let within = path.parent().expect("a file of the folder");
            fs::create_dir_all(within).map_err(Error::io("create folder", within))?;
            let write = || {
                let mut file = fs::File::create(&path)?;
                std::io::Write::write_all(&mut file, bytes)?;
                file.sync_all()
            };
            write().map_err(Error::io("write", &folder.join(name)))?;
        }
        if folder.exists() {
            let old = unfinished.path().join("old");
            fs::rename(folder, old).map_err(Error::io("replace", folder))?;
        }
        fs::rename(&new, folder).map_err(Error::io("write", folder))
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }
}

impl Manifest {
    /// Of the export in `folder`.
    ///
    /// # Errors
    /// If there is none, or it is not one of ours.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        serde_json::from_slice(&bytes)
            .map_err(|e| Error::Malformed { path, message: format!("expected what `bitspike export` wrote: {e}") })
    }
}

/// Refuses to write over `folder`; checked before anything is computed.
///
/// # Errors
/// As [`Export::write`].
pub fn vacant(folder: &Path, forced: bool) -> Result<()> {
    match (folder.symlink_metadata().is_ok(), forced) {
        (false, _) => Ok(()),
        (true, false) => Err(Error::Exists { path: folder.to_owned() }),
        (true, true) if folder.join(MANIFEST).is_file() => Ok(()),
        (true, true) => Err(Error::NoExport { path: folder.to_owned() }),
    }
}

/// Writes what a comparison found into the folder that was compared.
///
/// # Errors
/// If the file cannot be written.
pub fn record(folder: &Path, parity: &parity::Parity) -> Result<()> {
    let bytes = files::pretty(parity);
    Ok(bitspike::atomic_file::write(&folder.join("parity.json"), |file| std::io::Write::write_all(file, &bytes))?)
}

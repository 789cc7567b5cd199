//! The weights of a checkpoint in the Hugging Face layout: in one file or in several, under a prefix or not.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bitspike::config::{ADAPTER, is_adapter};
use bitspike::pointer;
use bitspike_run::weights::{Weights, floats};
use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::Deserialize;

use super::prefix::Prefix;
use crate::error::{Error, Result};

/// Where the weights are, in the order in which they are looked for; an index says which files they are split over.
const FILES: [(&str, bool); 4] = [
    ("model.safetensors", false),
    ("model.safetensors.index.json", true),
    ("pytorch_model.bin", false),
    ("pytorch_model.bin.index.json", true),
];

/// Ends of names of files that hold weights in other forms.
const FOREIGN: [&str; 9] = [".safetensors", ".bin", ".h5", ".msgpack", ".ckpt.index", ".onnx", ".gguf", ".pt", ".pth"];

/// Tensors of integers that a model computes nothing with.
const BUFFERS: [&str; 2] = ["position_ids", "token_type_ids"];

/// A file of weights, opened.
enum Opened {
    Safetensors(Vec<u8>),
    Pickle(HashMap<String, Tensor>),
}

/// An index of weights that are split over files.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Reads the weights of a folder, and says what was done to their names.
///
/// # Errors
/// If there are none, a file is missing or is not what its name says, or they are of a kind that is not read.
pub(super) fn load(folder: &Path) -> Result<(Weights, Vec<String>)> {
    let has = |name: &str| folder.join(name).exists();
    if is_adapter(folder) {
        return Err(Error::checkpoint(folder, ADAPTER));
    }
    let Some(&(name, split)) = FILES.iter().find(|(name, _)| has(name)) else { return Err(nothing(folder)) };
    let path = folder.join(name);
    let paths = if split { parts(folder, &path)? } else { vec![path.clone()] };
    let files = paths.into_iter().map(|path| Ok((Opened::open(&path)?, path))).collect::<Result<Vec<_>>>()?;
    let mut names = Vec::new();
    for (file, path) in &files {
        names.extend(file.names(path)?);
    }
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::checkpoint(
            &path,
            format!("tensor `{}` is in two of its files; expected it in one", pair[0]),
        ));
    }
    let of_adapter = |name: &&String| name.contains(".lora_") || name.contains(".base_layer.");
    if let Some(name) = names.iter().find(of_adapter) {
        let message = format!(
            "tensor `{name}` is of an adapter (PEFT, LoRA) that is not merged; merge it with `merge_and_unload()` and write the model \
             with `save_pretrained`"
        );
        return Err(Error::checkpoint(&path, message));
    }
    let prefix = Prefix::of(&names).map_err(|message| Error::checkpoint(&path, message))?;
    let mut weights = Weights::from_file(&path);
    for (file, path) in files {
        file.read(&path, &prefix, &mut weights)?;
    }
    Ok((weights, prefix.note().map(|note| format!("{}: {note}", path.display())).into_iter().collect()))
}

impl Opened {
    fn open(path: &Path) -> Result<Self> {
        let read = |e| Error::io("read", path, e);
        let mut beginning = Vec::new();
        File::open(path).map_err(read)?.take(1024).read_to_end(&mut beginning).map_err(read)?;
        if let Some(message) = pointer::explain(&beginning) {
            return Err(Error::checkpoint(path, message));
        }
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            return Ok(Self::Safetensors(std::fs::read(path).map_err(read)?));
        }
        let reader = PytorchReader::new(path)
            .map_err(|e| Error::checkpoint(path, format!("not a PyTorch state dictionary: {e}")))?;
        Ok(Self::Pickle(reader.into_tensors()))
    }

    fn names(&self, path: &Path) -> Result<Vec<String>> {
        Ok(match self {
            Self::Safetensors(bytes) => safetensors(bytes, path)?.names().into_iter().map(str::to_owned).collect(),
            Self::Pickle(tensors) => tensors.keys().cloned().collect(),
        })
    }

    /// Adds the tensors under `prefix`.
    fn read(self, path: &Path, prefix: &Prefix, weights: &mut Weights) -> Result<()> {
        let mut add = |name: &str, kind: Kind, shape: &[usize], bytes: &mut dyn FnMut() -> Result<Vec<f32>>| {
            let Some(inner) = prefix.strip(name) else { return Ok(()) };
            match kind {
                Kind::Float { half } if half && prefix.is_wrapper() => Err(Error::checkpoint(path, prefix.half(name))),
                Kind::Float { .. } => {
                    weights.insert(inner, shape, bytes()?);
                    Ok(())
                }
                Kind::Other(_) if BUFFERS.iter().any(|buffer| inner.ends_with(buffer)) => Ok(()),
                Kind::Other(kind) => Err(Error::checkpoint(
                    path,
                    format!(
                        "tensor `{name}` has type {kind}; expected F64, F32, F16 or BF16. The checkpoint is quantised; give the one \
                         it was made from, or write it back with `model.dequantize()` and `save_pretrained`"
                    ),
                )),
            }
        };
        match self {
            Self::Safetensors(bytes) => {
                for (name, view) in safetensors(&bytes, path)?.iter() {
                    let kind = match view.dtype() {
                        Dtype::F64 | Dtype::F32 => Kind::Float { half: false },
                        Dtype::F16 | Dtype::BF16 => Kind::Float { half: true },
                        other => Kind::Other(format!("{other:?}")),
                    };
                    let mut values = || Ok(floats(view.data(), view.dtype()).expect("a type of floats"));
                    add(name, kind, view.shape(), &mut values)?;
                }
            }
            Self::Pickle(tensors) => {
                for (name, tensor) in &tensors {
                    let (dtype, half) = match tensor.dtype() {
                        DType::F64 => (Dtype::F64, false),
                        DType::F32 => (Dtype::F32, false),
                        DType::F16 => (Dtype::F16, true),
                        DType::BF16 => (Dtype::BF16, true),
                        other => {
                            add(name, Kind::Other(format!("{other:?}")), &[], &mut || unreachable!("not read"))?;
                            continue;
                        }
                    };
                    let mut values = || {
                        let bytes = tensor.read().map_err(|e| {
                            Error::checkpoint(path, format!("not a PyTorch state dictionary: tensor `{name}`: {e}"))
                        })?;
                        Ok(floats(&bytes, dtype).expect("a type of floats"))
                    };
                    add(name, Kind::Float { half }, tensor.shape(), &mut values)?;
                }
            }
        }
        Ok(())
    }
}

/// What a tensor's values are.
enum Kind {
    Float {
        half: bool,
    },
    /// By the name of the type.
    Other(String),
}

fn safetensors<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes)
        .map_err(|source| bitspike_run::Error::Safetensors { path: path.to_path_buf(), source }.into())
}

/// The files that an index names, each once.
fn parts(folder: &Path, index: &Path) -> Result<Vec<PathBuf>> {
    let bytes = std::fs::read(index).map_err(|e| Error::io("read", index, e))?;
    let found: Index = serde_json::from_slice(&bytes).map_err(|e| {
        Error::checkpoint(index, format!("expected an index with `weight_map`, from tensors to files, found {e}"))
    })?;
    let mut names: Vec<&String> = found.weight_map.values().collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Err(Error::checkpoint(index, "`weight_map`: expected the file of every tensor, found none"));
    }
    let of_folder = |name: &&String| !name.contains(['/', '\\', ':']) && !matches!(name.as_str(), "" | "." | "..");
    if let Some(name) = names.iter().find(|name| !of_folder(name)) {
        return Err(Error::checkpoint(
            index,
            format!("`weight_map`: expected files of the same folder, found {name:?}"),
        ));
    }
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    match paths.iter().find(|path| !path.exists()) {
        None => Ok(paths),
        Some(missing) => {
            let file = missing.file_name().unwrap_or_default().to_string_lossy();
            let message = format!(
                "`weight_map` names {file}, which is not in the folder; expected all of its {} files, fetched together by `bitspike \
                 data fetch --model`",
                paths.len()
            );
            Err(Error::checkpoint(index, message))
        }
    }
}

/// That a folder has no weights that are read, and which it has.
fn nothing(folder: &Path) -> Error {
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).is_symlink()) {
        let message =
            "a link to a file that is not there (of git-annex, or a cache that was cleared?); fetch that file";
        return Error::checkpoint(folder.join(name), message);
    }
    let files =
        folder.read_dir().into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut foreign: Vec<String> = files.filter(|name| FOREIGN.iter().any(|end| name.ends_with(end))).collect();
    foreign.sort();
    let found = match foreign.is_empty() {
        true => String::new(),
        false => format!(
            ", found {}, which is not read (load it with transformers and write it with `save_pretrained`)",
            foreign.join(", ")
        ),
    };
    let message = format!(
        "no model.safetensors or pytorch_model.bin{found}; give a Hugging Face BERT folder or fetch one with `bitspike data fetch \
         --model`"
    );
    Error::checkpoint(folder, message)
}

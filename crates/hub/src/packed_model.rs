//! A packed model that was found, and the one that is compiled in.

use std::fmt;
use std::path::{Path, PathBuf};

use bitspike::format::Packed;
use bitspike::{Model, Options};

use crate::error::{Result, io};
use crate::{METRICS, MODEL};

/// The model that answers where none is named.
const BUILTIN: &str = "sst2-tiny";

/// Its files, which are those of `models/sst2-tiny`: a crate that is packaged holds what it compiles in.
static FILES: [(&str, &[u8]); 2] = [
    (MODEL, include_bytes!("../builtin/sst2-tiny/model.safetensors")),
    (METRICS, include_bytes!("../builtin/sst2-tiny/metrics.json")),
];

/// A packed model: its name and where its files are.
///
/// ```
/// use bitspike::Options;
/// use bitspike_hub::PackedModel;
///
/// let model = PackedModel::builtin().load(&Options::new())?;
/// assert_eq!(model.labels(), ["negative", "positive"]);
/// # Ok::<(), bitspike_hub::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedModel {
    name: String,
    /// The packed file; none for the one that is compiled in.
    path: Option<PathBuf>,
}

/// One file of a packed model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFile {
    /// On disk, if it is there.
    Path(PathBuf),
    /// In the program.
    Bytes(&'static [u8]),
}

impl ModelFile {
    /// What the file holds, read anew and not checked.
    ///
    /// # Errors
    /// If it is missing or cannot be read.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::Path(path) => std::fs::read(path).map_err(io("read", path)),
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
        }
    }
}

impl PackedModel {
    /// The model that is compiled into the program.
    pub fn builtin() -> Self {
        Self { name: BUILTIN.to_owned(), path: None }
    }

    /// The model in the file `path`. `sst2-tiny/model.safetensors` is called after its folder, any other file after itself.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let named = if path.file_name().is_some_and(|file| file == MODEL) { path.parent() } else { None };
        let named = named.and_then(Path::file_name).or(path.file_stem()).unwrap_or(path.as_os_str());
        Self { name: named.to_string_lossy().into_owned(), path: Some(path) }
    }

    /// The same model under the name that it was asked for by.
    pub(crate) fn called(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The model's name: that of its folder, or of its repository.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The packed file; none for the one that is compiled in.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The packed file, wherever it is.
    pub fn packed(&self) -> ModelFile {
        match &self.path {
            Some(path) => ModelFile::Path(path.clone()),
            None => ModelFile::Bytes(FILES[0].1),
        }
    }

    /// The model's own file under [`MODEL`], or one beside it: [`TOKENIZER`](crate::TOKENIZER), [`METRICS`], [`RECIPE`](crate::RECIPE),
    /// [`CARD`](crate::CARD). None of those that are not compiled in.
    pub fn beside(&self, file: &str) -> Option<ModelFile> {
        match &self.path {
            _ if file == MODEL => Some(self.packed()),
            Some(path) => Some(ModelFile::Path(path.with_file_name(file))),
            None => FILES.iter().find(|(name, _)| *name == file).map(|(_, bytes)| ModelFile::Bytes(bytes)),
        }
    }

    /// Opens the packed file.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn open(&self) -> Result<Packed> {
        Ok(match &self.path {
            Some(path) => Packed::open(path)?,
            None => Packed::from_bytes(FILES[0].1)?,
        })
    }

    /// Loads the model with its tokeniser: its own, or the one in `tokenizer.json` beside it.
    ///
    /// # Errors
    /// If either is missing or damaged, or an option is out of range.
    pub fn load(&self, options: &Options) -> Result<Model> {
        Ok(match &self.path {
            Some(path) => options.load(path)?,
            None => options.build(self.open()?, None)?,
        })
    }
}

impl fmt::Display for PackedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => path.display().fmt(f),
            None => write!(f, "{} (compiled in)", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_after_its_folder_or_its_file() {
        for (path, name) in
            [("a/b/model.safetensors", "b"), ("b/other.safetensors", "other"), ("model.safetensors", "model")]
        {
            assert_eq!(PackedModel::file(path).name(), name);
        }
        assert_eq!(
            PackedModel::file("b/x.bin").beside(METRICS),
            Some(ModelFile::Path(Path::new("b").join("metrics.json")))
        );
        assert_eq!(PackedModel::file("b/x.bin").beside(MODEL), Some(ModelFile::Path("b/x.bin".into())));
    }

    #[test]
    fn what_is_compiled_in_is_what_is_shipped() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(BUILTIN);
        for (name, compiled) in FILES {
            // A packaged crate stands alone.
            match std::fs::read(shipped.join(name)) {
                Ok(bytes) => assert!(bytes == compiled, "crates/hub/builtin/{BUILTIN}/{name}: copy it from models/"),
                Err(error) => assert!(!shipped.exists(), "{name}: {error}"),
            }
        }
    }

    #[test]
    fn the_compiled_model_answers() {
        let builtin = PackedModel::builtin();
        assert_eq!(
            (builtin.name(), builtin.path(), builtin.to_string().as_str()),
            (BUILTIN, None, "sst2-tiny (compiled in)")
        );
        assert_eq!(builtin.beside("README.md"), None);
        assert_eq!(builtin.beside(MODEL).unwrap().read().unwrap().len(), builtin.open().unwrap().file_bytes().len());
    }
}

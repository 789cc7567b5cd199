//! Named `f32` arrays on disk: safetensors of any common float type in, safetensors of `f32` out.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use bitspike::atomic_file;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The metadata's entry of the checksum.
const CHECKSUM: &str = "sha256";

/// One array.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes of the dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f32>,
}

/// Named arrays with the file they came from, and the file's text metadata.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    arrays: BTreeMap<String, Array>,
    /// Free text that the file carries.
    pub metadata: BTreeMap<String, String>,
    origin: PathBuf,
}

impl Weights {
    /// Reads a safetensors file whose tensors are F64, F32, F16 or BF16; tensors of integers (position ids) are passed over.
    ///
    /// # Errors
    /// If the file is missing, is no safetensors file, or holds a float type of another kind.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let malformed = |source| Error::Safetensors { path: path.to_path_buf(), source };
        let tensors = SafeTensors::deserialize(&bytes).map_err(malformed)?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(malformed)?;
        let mut weights = Self { origin: path.to_path_buf(), ..Self::default() };
        weights.metadata.extend(header.metadata().clone().into_iter().flatten());
        for (name, view) in tensors.iter() {
            if let Some(values) = floats(view.data(), view.dtype()) {
                weights.arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), values });
            } else if !matches!(
                view.dtype(),
                Dtype::I64 | Dtype::I32 | Dtype::I16 | Dtype::I8 | Dtype::U8 | Dtype::BOOL
            ) {
                let message = format!("tensor `{name}` has type {:?}; expected F64, F32, F16 or BF16", view.dtype());
                return Err(Error::checkpoint(path, message));
            }
        }
        match weights.metadata.remove(CHECKSUM) {
            Some(written) if written != weights.checksum() => {
                Err(Error::checkpoint(path, "damaged: its values are not those that were written, by their checksum"))
            }
            _ => Ok(weights),
        }
    }

    /// An empty set of arrays that come from the file at `origin`.
    pub fn from_file(origin: &Path) -> Self {
        Self { origin: origin.to_path_buf(), ..Self::default() }
    }

    /// Writes a safetensors file of F32 arrays: to a temporary file beside it, flushed to the disk, renamed.
    ///
    /// # Errors
    /// If the folder cannot be written or the disk is full; the old file, if any, is then untouched.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.save_then(path, || Ok(()))
    }

    /// [`Weights::save`] with a checksum of all values, by which [`Weights::load`] knows them again, as a checkpoint that training goes on
    /// from; where `earlier` is given, the file that was there is kept under that name.
    ///
    /// # Errors
    /// As [`Weights::save`].
    pub fn save_checked(&mut self, path: &Path, earlier: Option<&Path>) -> Result<()> {
        self.metadata.insert(CHECKSUM.into(), self.checksum());
        self.save_then(path, || match earlier {
            // Between this and the end of the writing the file is there under the other name alone.
            Some(earlier) if path.exists() => std::fs::rename(path, earlier),
            _ => Ok(()),
        })
    }

    /// SHA-256 of names, shapes, values and metadata, in hexadecimal digits.
    fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for text in self.metadata.iter().filter(|(key, _)| *key != CHECKSUM).flat_map(|(key, value)| [key, value]) {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        for (name, array) in &self.arrays {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            array.shape.iter().for_each(|&size| hash.update((size as u64).to_le_bytes()));
            hash.update(bytemuck::cast_slice(&array.values));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn save_then(&self, path: &Path, written: impl FnOnce() -> std::io::Result<()>) -> Result<()> {
        let views = self.arrays.iter().map(|(name, array)| {
            let bytes = bytemuck::cast_slice(&array.values);
            (name, TensorView::new(Dtype::F32, array.shape.clone(), bytes).expect("sizes agree with shape"))
        });
        let metadata: HashMap<String, String> = self.metadata.clone().into_iter().collect();
        Ok(atomic_file::replace(path, |temporary| {
            safetensors::serialize_to_file(views, Some(metadata), temporary).map_err(std::io::Error::other)?;
            written()
        })?)
    }

    /// Adds an array.
    ///
    /// # Panics
    /// If `values` does not fill `shape`.
    pub fn insert(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "values fill the shape");
        self.arrays.insert(name.into(), Array { shape: shape.to_vec(), values });
    }

    /// Removes and returns the array `name`, which must have `shape` (`[1, D]` and `[D]` are one).
    ///
    /// # Errors
    /// If it is missing, has another shape, or holds a value that is not finite.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some(array) = self.arrays.remove(name) else {
            return Err(Error::checkpoint(&self.origin, format!("tensor `{name}` of shape {shape:?} is missing")));
        };
        let squeezed = |shape: &[usize]| shape.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        if squeezed(&array.shape) != squeezed(shape) {
            let message = format!("tensor `{name}`: expected shape {shape:?}, found {:?}", array.shape);
            return Err(Error::checkpoint(&self.origin, message));
        }
        if let Some(at) = array.values.iter().position(|x| !x.is_finite()) {
            let message = format!("tensor `{name}`: value {at} is {}; the checkpoint is damaged", array.values[at]);
            return Err(Error::checkpoint(&self.origin, message));
        }
        Ok(array.values)
    }

    /// Reads values that are subnormal as 0, as the engine does ([`bitspike::arithmetic::flushed`]): weights that decay pruned would
    /// take a hundred times as long. Not for a checkpoint that training goes on from, whose every bit counts.
    pub fn flush(&mut self) {
        for array in self.arrays.values_mut() {
            array.values.iter_mut().for_each(|x| *x = bitspike::arithmetic::flushed(*x));
        }
    }

    /// Takes out the array `name`, whatever its shape.
    pub fn remove(&mut self, name: &str) -> Option<Array> {
        self.arrays.remove(name)
    }

    /// Whether there is an array `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// The array `name`.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    /// Renames every array.
    pub fn rename(&mut self, f: impl Fn(&str) -> String) {
        self.arrays = std::mem::take(&mut self.arrays).into_iter().map(|(name, array)| (f(&name), array)).collect();
    }

    /// Names of the arrays, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// The file the arrays came from.
    pub fn origin(&self) -> &Path {
        &self.origin
    }
}

/// The values of a tensor of F64 (rounded to the nearest), F32, F16 or BF16; none for other types.
pub fn floats(data: &[u8], dtype: Dtype) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F64 => data.as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b) as f32).collect(),
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        Dtype::F16 => data.as_chunks::<2>().0.iter().map(|&b| half::f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks::<2>().0.iter().map(|&b| half::bf16::from_le_bytes(b).to_f32()).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(header: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
        file.write_all(header.as_bytes()).unwrap();
        file.write_all(data).unwrap();
        file
    }

    #[test]
    fn saved_arrays_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let mut weights = Weights::default();
        weights.insert("a.b", &[2, 3], vec![1.0, -2.5, 3.0, 0.0, f32::MIN_POSITIVE, 6.0]);
        weights.metadata.insert("step".into(), "7".into());
        weights.save(&path).unwrap();
        let mut back = Weights::load(&path).unwrap();
        assert_eq!(back.metadata["step"], "7");
        assert_eq!(back.take("a.b", &[2, 3]).unwrap(), [1.0, -2.5, 3.0, 0.0, f32::MIN_POSITIVE, 6.0]);
        assert!(back.take("a.b", &[2, 3]).unwrap_err().to_string().contains("missing"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn subnormal_values_are_read_as_zeros_where_that_is_asked_for() {
        let mut weights = Weights::default();
        weights.insert("x", &[4], vec![1e-40, -1e-45, f32::MIN_POSITIVE, -2.0]);
        weights.flush();
        assert_eq!(weights.take("x", &[4]).unwrap(), [0.0, 0.0, f32::MIN_POSITIVE, -2.0]);
    }

    #[test]
    fn damaged_files_are_refused_by_name() {
        for (header, data, expected) in [
            ("{", &b""[..], "not a safetensors file"),
            (r#"{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, &[0u8; 1], "type F8_E4M3"),
            (
                r#"{"x":{"dtype":"F32","shape":[9999999],"data_offsets":[0,39999996]}}"#,
                b"1234",
                "not a safetensors file",
            ),
        ] {
            let file = file(header, data);
            let error = Weights::load(file.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let nan = file(r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, &f32::NAN.to_le_bytes());
        let error = Weights::load(nan.path()).unwrap().take("x", &[1]).unwrap_err().to_string();
        assert!(error.contains("value 0 is NaN"), "{error}");
        let wide = file(r#"{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#, &0.1f64.to_le_bytes());
        assert_eq!(Weights::load(wide.path()).unwrap().take("x", &[1]).unwrap(), [0.1]);
        let shape = file(r#"{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, &[0; 4]);
        let error = Weights::load(shape.path()).unwrap().take("x", &[3]).unwrap_err().to_string();
        assert!(error.contains("expected shape [3], found [2]"), "{error}");
    }
}

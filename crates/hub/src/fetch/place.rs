//! Copies of fetched files in a folder of the user's.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::cache::create;
use super::{FetchError, Fetched};
use crate::error::{Result, io};

impl Fetched {
    /// Copies every fetched file into `out` under its last name (`sst2/train.parquet` becomes `train.parquet`), all of them
    /// completely written before the first gets its final name. A file that is there already with the same bytes stays.
    ///
    /// # Errors
    /// If a file of that name with other bytes is there and `replace` is not given, two fetched files have the same last name,
    /// or the folder cannot be written; then no file in it has changed, unless the system refuses a rename half-way.
    pub fn copy_to(&self, out: &Path, replace: bool) -> Result<Vec<PathBuf>> {
        create(out)?;
        let mut targets: Vec<PathBuf> = Vec::new();
        let mut staged: Vec<(NamedTempFile, PathBuf)> = Vec::new();
        for file in &self.files {
            let name = file.rsplit('/').next().unwrap_or(file);
            let (source, target) = (self.folder.join(file), out.join(name));
            if targets.contains(&target) {
                return Err(FetchError::SameName { name: name.to_owned() }.into());
            }
            targets.push(target.clone());
            if target.symlink_metadata().is_ok() {
                if same_bytes(&source, &target).map_err(io("read", &target))? {
                    continue;
                }
                if !replace {
                    return Err(FetchError::Occupied { path: target }.into());
                }
            }
            staged.push((stage(&source, out).map_err(io("write", &target))?, target));
        }
        for (file, target) in staged {
            file.persist(&target).map_err(|e| io("write", &target)(e.error))?;
        }
        Ok(targets)
    }
}

fn stage(source: &Path, out: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fetch-");
    // A temporary file is private by default; a fetched one is as readable as any file that the user makes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(out)?;
    io::copy(&mut File::open(source)?, file.as_file_mut())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn same_bytes(a: &Path, b: &Path) -> io::Result<bool> {
    let found = fs::metadata(b)?;
    if !found.is_file() || fs::metadata(a)?.len() != found.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (BufReader::new(File::open(a)?), BufReader::new(File::open(b)?));
    loop {
        let (x, y) = (a.fill_buf()?, b.fill_buf()?);
        let common = x.len().min(y.len());
        if common == 0 || x[..common] != y[..common] {
            return Ok(x.is_empty() && y.is_empty());
        }
        a.consume(common);
        b.consume(common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(folder: &Path, files: &[(&str, &str)]) -> Fetched {
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        Fetched { commit: "0".repeat(40), folder: folder.to_owned(), files }
    }

    #[test]
    fn a_file_of_the_users_is_not_replaced_unasked() {
        let (cache, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let fetched = fetched(cache.path(), &[("sst2/train.parquet", "new"), ("sst2/test.parquet", "t")]);
        fs::write(out.path().join("train.parquet"), "old").unwrap();
        let error = fetched.copy_to(out.path(), false).unwrap_err().to_string();
        assert!(error.contains("train.parquet") && error.contains("--force"), "{error}");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1, "nothing else was written");

        assert_eq!(fetched.copy_to(out.path(), true).unwrap().len(), 2);
        assert_eq!(fs::read_to_string(out.path().join("train.parquet")).unwrap(), "new");
        assert_eq!(fetched.copy_to(out.path(), false).unwrap().len(), 2, "the same bytes are no conflict");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn two_files_of_one_name_do_not_overwrite_each_other() {
        let (cache, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let fetched = fetched(cache.path(), &[("a/x", "1"), ("b/x", "2")]);
        assert!(fetched.copy_to(out.path(), false).unwrap_err().to_string().contains("`x`"));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}

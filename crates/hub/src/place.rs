//! Copies of fetched files in a folder of the user's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use super::Fetched;
use super::cache::create;

/// Copies every fetched file into `out` under its last name (`sst2/train.parquet` becomes `train.parquet`), all of them
/// completely written before the first gets its final name. A file that is there already with the same bytes stays.
///
/// # Errors
/// If a file of that name with other bytes is there and `replace` is not given, two fetched files have the same last name,
/// or the folder cannot be written; then no file in it has changed, unless the system refuses a rename half-way.
pub(crate) fn place(fetched: &Fetched, out: &Path, replace: bool) -> Result<Vec<PathBuf>> {
    create(out)?;
    let mut names = Vec::new();
    let mut staged: Vec<(NamedTempFile, PathBuf)> = Vec::new();
    for file in &fetched.files {
        let name = file.rsplit('/').next().unwrap_or(file);
        ensure!(
            !names.contains(&name),
            "two of the fetched files are called `{name}`; leave out --out to keep their folders"
        );
        names.push(name);
        let (source, target) = (fetched.folder.join(file), out.join(name));
        if target.symlink_metadata().is_ok() {
            if same_bytes(&source, &target)? {
                continue;
            }
            ensure!(
                replace,
                "{} is there already with another content; give --force to replace it, or another folder",
                target.display()
            );
        }
        staged.push((stage(&source, out).with_context(|| format!("write {}", target.display()))?, target));
    }
    for (file, target) in staged {
        file.persist(&target).with_context(|| format!("write {}", target.display()))?;
    }
    Ok(names.into_iter().map(|name| out.join(name)).collect())
}

fn stage(source: &Path, out: &Path) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fetch-");
    // A temporary file is private by default; a fetched one is as readable as any file that the user makes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(out)?;
    std::io::copy(&mut File::open(source)?, file.as_file_mut())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn same_bytes(a: &Path, b: &Path) -> Result<bool> {
    let read = |path: &Path| File::open(path).with_context(|| format!("open {}", path.display()));
    let length = |path: &Path| fs::metadata(path).with_context(|| format!("read {}", path.display()));
    let (length_a, found_b) = (length(a)?.len(), length(b)?);
    if !found_b.is_file() || length_a != found_b.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (std::io::BufReader::new(read(a)?), std::io::BufReader::new(read(b)?));
    loop {
        let (x, y) = (std::io::BufRead::fill_buf(&mut a)?, std::io::BufRead::fill_buf(&mut b)?);
        let common = x.len().min(y.len());
        if common == 0 || x[..common] != y[..common] {
            return Ok(x.is_empty() && y.is_empty());
        }
        std::io::BufRead::consume(&mut a, common);
        std::io::BufRead::consume(&mut b, common);
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
        let error = place(&fetched, out.path(), false).unwrap_err().to_string();
        assert!(error.contains("train.parquet") && error.contains("--force"), "{error}");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1, "nothing else was written");

        assert_eq!(place(&fetched, out.path(), true).unwrap().len(), 2);
        assert_eq!(fs::read_to_string(out.path().join("train.parquet")).unwrap(), "new");
        assert_eq!(place(&fetched, out.path(), false).unwrap().len(), 2, "the same bytes are no conflict");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn two_files_of_one_name_do_not_overwrite_each_other() {
        let (cache, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let fetched = fetched(cache.path(), &[("a/x", "1"), ("b/x", "2")]);
        assert!(place(&fetched, out.path(), false).unwrap_err().to_string().contains("`x`"));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}

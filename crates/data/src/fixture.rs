//! Invented data files for the tests of this module.

use super::{Dataset, Split, TaskSpec, load};

/// Loads `bytes`, written to a file called `name` in an empty folder, as the split that the name says.
pub(super) fn read(task: &str, name: &str, bytes: &[u8]) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let split = match name {
        _ if name.contains("mismatched") && name.starts_with("dev") => Split::DevMismatched,
        _ if name.contains("mismatched") => Split::TestMismatched,
        _ if name.contains("train") => Split::Train,
        _ if name.contains("test") => Split::Test,
        _ => Split::Dev,
    };
    load(&TaskSpec::glue(task).unwrap(), folder.path(), split).map_err(|e| e.to_string())
}

/// The first texts of a data set.
pub(super) fn firsts(dataset: &Dataset) -> Vec<&str> {
    dataset.examples.iter().map(|example| example.first.as_str()).collect()
}

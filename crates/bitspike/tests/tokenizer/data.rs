//! Every text of the real data, where it is at hand.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::both;

/// The folder of real data: in `BITSPIKE_SHARED`, or beside the repository.
fn folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("BITSPIKE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("data");
    if !folder.is_dir() {
        eprintln!("{}: no such folder, and BITSPIKE_SHARED names no other: real data not compared", folder.display());
        return None;
    }
    Some(folder)
}

/// Fields of a file of tab-separated values, or lines of a text.
fn lines(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    String::from_utf8_lossy(&bytes).lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn every_text_of_the_data_has_the_same_tokens() {
    let Some(folder) = folder() else { return };
    let (ours, reference) = both();
    let mut texts = 0;
    for set in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in set.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            let lines = lines(&path);
            lines.par_iter().for_each(|fields| {
                fields.iter().for_each(|text| reference.agrees(&ours, text, &[3, 16, 128, 512]));
                let long: Vec<&String> = fields.iter().filter(|field| field.len() > 12).collect();
                for pair in long.windows(2) {
                    reference.pair_agrees(&ours, (pair[0], pair[1]), &[3, 8, 17, 32, 128, 512]);
                }
            });
            texts += lines.iter().map(Vec::len).sum::<usize>();
        }
    }
    eprintln!("{texts} texts compared");
    assert!(texts > 100_000, "{texts} texts");
}

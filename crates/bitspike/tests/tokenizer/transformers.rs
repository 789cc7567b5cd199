//! Folders of tokeniser files, written at random, beside the tokens that transformers gives: `fixtures/tokenizers/generate.py`.

use std::path::Path;

use bitspike::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A folder of files, and what becomes of texts there.
#[derive(Deserialize)]
struct Folder {
    seed: u64,
    files: Map<String, Value>,
    cases: Vec<Case>,
}

/// First text, second text, length, ids, tokens of type 1.
type Case = (String, Option<String>, Option<usize>, Vec<u32>, usize);

/// What refusals say: what transformers takes, and this program does not.
const REFUSALS: [&str; 9] = [
    "`tokenizer_class`: expected BertTokenizer",
    "`split_special_tokens`: expected false",
    "`post_processor`",
    "the vocabulary has no",
    "to be free",
    "that read",
    "nothing left by the normaliser",
    "expected one token of each id",
    "`added_tokens_decoder`",
];

fn folders() -> Vec<Folder> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tokenizers/cases.jsonl.zst");
    let packed = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let text = String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Writes the files as they stand there: text as it is, anything else as JSON in the order of its keys.
fn write(folder: &Folder, at: &Path) {
    for (name, content) in &folder.files {
        let text = content.as_str().expect("files are text");
        std::fs::write(at.join(name), text).unwrap();
    }
}

#[test]
fn random_folders_give_the_tokens_of_transformers_or_are_refused() {
    let folders = folders();
    let texts: usize = folders.iter().map(|folder| folder.cases.len()).sum();
    assert!(texts >= 10_000, "{texts} texts");
    let results: Vec<Result<usize, String>> = folders.par_iter().map(compare).collect();
    let compared: usize = results.iter().flatten().sum();
    let refused: Vec<&String> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    for message in &refused {
        assert!(REFUSALS.iter().any(|known| message.contains(known)), "refused for another reason: {message}");
    }
    eprintln!("{compared} texts compared, {} of {} folders refused", refused.len(), folders.len());
    assert!(compared > texts * 3 / 4, "{compared} of {texts} texts compared");
}

/// The texts that have the same tokens, or why the folder is refused.
fn compare(folder: &Folder) -> Result<usize, String> {
    let at = tempfile::tempdir().unwrap();
    write(folder, at.path());
    let tokenizer = Tokenizer::load(at.path()).map_err(|e| e.to_string())?;
    // What is saved, and what is packed within it, is the same tokeniser.
    let again = Tokenizer::from_json(tokenizer.to_json().unwrap().as_bytes()).unwrap();
    for (first, second, asked, ids, second_types) in &folder.cases {
        let length = asked.or(tokenizer.max_length()).unwrap_or(usize::MAX);
        let found = tokenizer.encode(first, second.as_deref(), length);
        let types = found.type_ids.iter().filter(|&&kind| kind == 1).count();
        let seed = folder.seed;
        assert!(
            found.ids == *ids && types == *second_types,
            "seed {seed}, {first:?}, {second:?}, {length}: expected {ids:?} with {second_types} of type 1, found {:?} with {types}",
            found.ids
        );
        assert_eq!(again.encode(first, second.as_deref(), length), found, "seed {seed}, {first:?}, saved");
    }
    Ok(folder.cases.len())
}

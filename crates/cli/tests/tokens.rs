//! `bitspike tokens` and teachers with one token type, as a user runs them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Standard output and error of a command that ends with `code`.
#[track_caller]
fn exits(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    command.env("HF_HUB_CACHE", folder.join("hub")).env("HF_HUB_OFFLINE", "1").current_dir(folder).args(arguments);
    let output = command.output().expect("the program starts");
    let [out, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{error}");
    (out, error)
}

fn tokeniser(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "caf\u{e9}", "cafe", "film", "##s", "!"];
    fs::write(folder.path().join("vocab.txt"), tokens.join("\n")).unwrap();
    fs::write(folder.path().join("tokenizer_config.json"), settings).unwrap();
    folder
}

#[test]
fn tokens_of_a_text_are_shown_with_their_places_and_what_is_cut() {
    let folder = tokeniser("{}");
    let json = |arguments: &[&str]| -> Value {
        let arguments = [&["tokens", "."], arguments, &["--json"]].concat();
        serde_json::from_str(&exits(folder.path(), &arguments, 0).0).expect("JSON")
    };
    let found = json(&["Caf\u{e9} films!"]);
    let row = |token: &Value| (token["id"].as_u64().unwrap(), token["start"].as_u64(), token["end"].as_u64());
    let rows: Vec<_> = found["tokens"].as_array().unwrap().iter().map(row).collect();
    let at = |start, end| (Some(start), Some(end));
    let place = |id, (start, end)| (id, start, end);
    let expected = [
        (2, None, None),
        place(6, at(0, 4)),
        place(7, at(5, 9)),
        place(8, at(9, 10)),
        place(9, at(10, 11)),
        (3, None, None),
    ];
    assert_eq!(rows, expected);
    assert_eq!(
        (found["tokens"][1]["piece"].as_str(), found["tokens"][1]["characters"].as_str()),
        (Some("cafe"), Some("Caf\u{e9}"))
    );
    let pair = json(&["film film film", "film ! !", "--max-length", "7"]);
    assert_eq!((pair["tokens"].as_array().unwrap().len(), pair["cut"].as_array().unwrap().len()), (7, 2));
    assert_eq!(pair["cut"][0]["text"], 1);
    let (text, _) = exits(folder.path(), &["tokens", ".", "film films", "--max-length", "3"], 0);
    assert!(text.contains("cut at the right end, to keep 3: 2 tokens") && text.contains("##s"), "{text}");
    let left = tokeniser(r#"{"truncation_side": "left", "model_max_length": 3}"#);
    let (text, _) = exits(left.path(), &["tokens", ".", "film !"], 0);
    assert!(text.contains("cut at the left end") && text.contains("0..4"), "{text}");
    exits(folder.path(), &["tokens", "."], 2);
    exits(folder.path(), &["tokens", "sst2-tiny", "a fine film"], 0);
    let (_, error) = exits(folder.path(), &["tokens", "nothing-here", "x"], 1);
    assert!(error.contains("nothing-here"), "{error}");
}

#[test]
fn a_folder_of_an_adapter_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("adapter_config.json"), "{}").unwrap();
    let (_, error) = exits(folder.path(), &["eval", ".", "--data", "x", "--task", "sst2"], 1);
    assert!(error.contains("adapter") && error.contains("merge_and_unload"), "{error}");
}

/// A BERT that was fetched is found by its name, and by that of its revision where there are two.
#[test]
fn a_fetched_teacher_is_found_by_name_and_revision() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("hub/models--own--bert");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bert-micro-f32");
    let add = |commit: &str, revision: &str| {
        let snapshot = repository.join("snapshots").join(commit);
        fs::create_dir_all(&snapshot).unwrap();
        fs::create_dir_all(repository.join("refs")).unwrap();
        for file in ["config.json", "vocab.txt", "model.safetensors"] {
            fs::copy(source.join(file), snapshot.join(file)).unwrap();
        }
        fs::write(repository.join("refs").join(revision), commit).unwrap();
    };
    add(&"1".repeat(40), "v1");
    exits(folder.path(), &["tokens", "own/bert", "a"], 0);
    exits(folder.path(), &["tokens", "bert@v1", "a"], 0);
    add(&"2".repeat(40), "v2");
    let (_, error) = exits(folder.path(), &["tokens", "own/bert", "a"], 1);
    assert!(error.contains("own/bert@v1, own/bert@v2"), "{error}");
    exits(folder.path(), &["tokens", "own/bert@v2", "a"], 0);
    #[cfg(feature = "train")]
    {
        fs::create_dir(folder.path().join("d")).unwrap();
        for split in ["train", "dev"] {
            let rows = "text,label\na,yes\nb,no\n".to_owned() + &"a,yes\nb,no\n".repeat(4);
            fs::write(folder.path().join("d").join(format!("{split}.csv")), rows).unwrap();
        }
        let task = [
            "--data",
            "d",
            "--text",
            "text",
            "--label",
            "label",
            "--epochs",
            "1",
            "--max-length",
            "8",
            "--threads",
            "1",
        ];
        let teacher = |model: &str, out: &str, code| {
            exits(folder.path(), &[&["teacher", "--model", model, "--out", out][..], &task].concat(), code).1
        };
        teacher("own/bert@v1", "out", 0);
        let error = teacher("own/none", "other", 1);
        assert!(error.contains("own/none: no such folder"), "{error}");
    }
}

//! `bitspike export` and the way back, as a user runs them, on the model that is compiled in.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Standard output and error of a command that ends with `code`.
#[track_caller]
fn exits(folder: &Path, line: &str, code: i32) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    command.env("HF_HUB_CACHE", folder.join("hub")).env("HF_HUB_OFFLINE", "1").current_dir(folder);
    let output = command.args(line.split_whitespace()).output().expect("the program starts");
    let [out, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert_eq!(output.status.code(), Some(code), "{line}: {out}{error}");
    (out, error)
}

#[test]
fn a_model_goes_out_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (out, _) = exits(folder.path(), "export sst2-tiny --to onnx -o x", 0);
    assert!(out.starts_with("wrote x, ") && out.lines().count() == 1, "{out}");
    let json: Value = serde_json::from_slice(&fs::read(folder.path().join("x/bitspike.json")).unwrap()).unwrap();
    assert_eq!((&json["target"], &json["opset"], &json["name"]), (&"onnx".into(), &"21".into(), &"sst2-tiny".into()));
    exits(folder.path(), "pack --from-onnx x/model.onnx -o back.safetensors", 0);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");
    assert!(fs::read(folder.path().join("back.safetensors")).unwrap() == fs::read(shipped).unwrap());
    let (_, error) = exits(folder.path(), "export sst2-tiny --to openvino -o x", 1);
    assert!(error.contains("x: exists; give --force"), "{error}");
    exits(folder.path(), "export sst2-tiny --to openvino -o x --force", 0);
    assert!(!folder.path().join("x/model.onnx").exists());
}

#[test]
fn what_the_command_line_shows_to_be_wrong_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (line, said) in [
        ("export sst2-tiny --to onnx -o x --opset 17", "21 (codes in 4 bits) or 25"),
        ("export sst2-tiny --to coreml -o x", "onnx, openvino, transformers-js, gguf"),
        ("export sst2-tiny --to onnx", "--out"),
        ("export sst2-tiny --check x", "--data"),
        ("pack --from-onnx x", "--out"),
    ] {
        let (_, error) = exits(folder.path(), line, 2);
        assert!(error.contains(said), "{line}: {error}");
    }
    for (line, said) in [
        ("export sst2-tiny --to gguf -o x", "llama.cpp cannot carry ternary"),
        ("export sst2-tiny --check x --data SST-2", "bitspike.json"),
        ("pack --from-onnx x -o y", "read x"),
    ] {
        let (_, error) = exits(folder.path(), line, 1);
        assert!(error.contains(said), "{line}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half-written");
}

#[test]
fn a_runtime_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("SST-2")).unwrap();
    fs::write(folder.path().join("SST-2/dev.tsv"), "sentence\tlabel\na fine film\t1\ndull\t0\n").unwrap();
    let line = "export sst2-tiny --to onnx -o x --data SST-2 --runtime ./no-python";
    let (_, error) = exits(folder.path(), line, 1);
    assert!(error.contains("start ./no-python"), "{error}");
    // A program that answers nothing.
    let line = "export sst2-tiny --check x --data SST-2 --runtime true";
    let (_, error) = exits(folder.path(), line, 1);
    assert!(error.contains("ONNX Runtime") && error.contains("pip install onnxruntime"), "{error}");
    assert!(!folder.path().join("x/parity.json").exists());
}

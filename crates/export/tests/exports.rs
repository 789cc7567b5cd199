//! Exports as files: their bytes, their way back, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};

use bitspike::Model;
use bitspike_export::{Error, Export, Manifest, Opset, Target, from_onnx, vacant};
use sha2::{Digest, Sha256};

const ONNX: Target = Target::Onnx { opset: Opset::V21, fast: false };

fn model_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../models/{name}/model.safetensors"))
}

fn model(name: &str) -> Model {
    Model::load(model_file(name)).unwrap()
}

/// An export of the smallest model, written.
fn written(folder: &Path, target: Target) -> PathBuf {
    let out = folder.join("export");
    Export::new(&model("sst2-tiny"), "sst2-tiny", target).unwrap().write(&out, false).unwrap();
    out
}

#[test]
fn every_byte_is_as_it_was_read() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden.txt");
    let mut found = String::new();
    for (name, target) in [
        ("onnx", ONNX),
        ("onnx-25-fast", Target::Onnx { opset: Opset::V25, fast: true }),
        ("openvino", Target::OpenVino),
        ("transformers-js", Target::TransformersJs),
        ("gguf", Target::Gguf),
    ] {
        let model = model(if target == Target::Gguf { "sst2-binary" } else { "sst2-tiny" });
        for (file, bytes) in Export::new(&model, "golden", target).unwrap().files {
            let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            found.push_str(&format!("{name}/{file} {} {digest}\n", bytes.len()));
        }
    }
    if std::env::var_os("BITSPIKE_RENEW").is_some() {
        fs::write(&golden, &found).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    assert!(found == expected, "other files; if it is meant, set BITSPIKE_RENEW=1 and run again:\n{found}");
}

#[test]
fn what_was_exported_is_read_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sst2-tiny", "sst2-binary", "sst2-sparse", "stsb-ternary"] {
        let onnx = |opset, fast| (Target::Onnx { opset, fast }, "model.onnx");
        let targets = [onnx(Opset::V21, false), onnx(Opset::V25, true), (Target::TransformersJs, "onnx/model_q2.onnx")];
        for (i, (target, file)) in targets.into_iter().enumerate() {
            let out = folder.path().join(format!("{name}-{i}"));
            Export::new(&model(name), name, target).unwrap().write(&out, false).unwrap();
            let back = from_onnx(&out.join(file)).unwrap();
            assert!(back == fs::read(model_file(name)).unwrap(), "{name}");
        }
    }
}

#[test]
fn a_folder_is_replaced_only_if_it_is_an_export_and_forced() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(folder.path(), ONNX);
    assert_eq!(Manifest::read(&out).unwrap().target, ONNX);
    let export = Export::new(&model("sst2-tiny"), "again", Target::OpenVino).unwrap();
    let error = export.write(&out, false).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }) && error.to_string().contains("--force"), "{error}");
    export.write(&out, true).unwrap();
    assert!(!out.join("model.onnx").exists() && out.join("openvino_model.bin").exists());
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.txt"), "years of work").unwrap();
    let error = export.write(&other, true).unwrap_err();
    assert!(matches!(error, Error::NoExport { .. }), "{error}");
    assert_eq!(fs::read_to_string(other.join("thesis.txt")).unwrap(), "years of work");
    let mut left: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["export", "other"]);
}

#[test]
fn a_folder_that_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let export = Export::new(&model("sst2-tiny"), "x", ONNX).unwrap();
    let error = export.write(&file.join("export"), false).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    // A file name that no file system takes stands for a disk that refuses one of the files.
    let broken = Export { files: vec![("a".into(), vec![1]), ("b".repeat(300), vec![2])] };
    let error = broken.write(&folder.path().join("broken"), false).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "only the file that was there");
    assert!(vacant(&folder.path().join("new"), false).is_ok());
}

#[test]
fn what_a_format_cannot_carry_is_refused_with_what_fits() {
    for (name, said) in [("sst2-ternary", "binary students"), ("rte-ternary", "pairs of texts")] {
        let error = Export::new(&model(name), name, Target::Gguf).unwrap_err().to_string();
        assert!(error.contains("llama.cpp cannot carry") && error.contains(said), "{error}");
    }
}

#[test]
fn what_is_no_export_is_refused_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(folder.path(), ONNX);
    let path = out.join("model.onnx");
    let bytes = fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        from_onnx(&path).unwrap_err().to_string()
    };
    for end in [0, 1, 100, bytes.len() / 2, bytes.len() - 1] {
        let error = refused(&bytes[..end]);
        assert!(error.contains("model.onnx"), "{error}");
    }
    let error = refused(b"{\"model\": \"bert\"}");
    assert!(error.contains("expected an ONNX file"), "{error}");
    // A graph of one node of another program: field 7 holds field 1, which holds name 3, operator 4, domain 7.
    let text = |number: u8, text: &str| [&[number << 3 | 2, text.len() as u8], text.as_bytes()].concat();
    let node = [text(3, "Quant_0"), text(4, "Quant"), text(7, "qonnx.custom_op.general")].concat();
    let node = [&[0x0a, node.len() as u8], &node[..]].concat();
    let error = refused(&[&[0x3a, node.len() as u8], &node[..]].concat());
    assert!(error.contains("`Quant_0` (Quant of qonnx.custom_op.general)"), "{error}");
    // A weight that is no constant any more: its name is another.
    let name = b"layers.0.query.weight.scales";
    let mut renamed = bytes.clone();
    let places: Vec<usize> = (0..bytes.len() - name.len()).filter(|&at| bytes[at..].starts_with(name)).collect();
    assert!(places.len() >= 2, "its initialiser, and who reads it");
    places.into_iter().for_each(|at| renamed[at] = b'm');
    let error = refused(&renamed);
    assert!(error.contains("layers.0.query.weight"), "{error}");
    // Another model's tokenizer, or none.
    fs::remove_file(out.join("tokenizer.json")).unwrap();
    let error = refused(&bytes);
    assert!(error.contains("tokenizer.json"), "{error}");
}

//! `bitspike pack` and `bitspike inspect` as a user runs them, on a small student of random weights.

mod small_run;

use std::fs;
use std::path::Path;

use bitspike::config::Feedback;
use bitspike::format::{Form, Packed, Role};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike_run::run::RunFolder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use small_run::exits;

fn inspected(folder: &Path, model: &str) -> Value {
    serde_json::from_str(&exits(folder, &["inspect", model, "--json"], 0).0).expect("JSON")
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_becomes_one_file_that_holds_its_weights() {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "sst2", |config| config.embedding_bits = EmbeddingBits::Four);
    let (text, _) = exits(folder.path(), &["pack", "run", "-o", "new/model.safetensors"], 0);
    for part in ["embedding tables ", "encoder matrices ", "times smaller", "wrote new/model.safetensors\n"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(names(&folder.path().join("new")), ["model.safetensors"], "the vocabulary is in the file");

    let path = folder.path().join("new/model.safetensors");
    let packed = Packed::open(&path).unwrap();
    let run = RunFolder::open(&folder.path().join("run")).unwrap();
    let (description, weights) = (run.description().unwrap(), run.weights().unwrap());
    let header = packed.header();
    assert_eq!(
        (&header.student, &header.task, header.max_length),
        (&description.student, &description.task.for_model(), 12)
    );
    for (tensor, form, _) in packed.tensors() {
        let latent = &weights.get(&tensor.name).expect("a tensor of the run").values;
        let shape = [tensor.rows, tensor.columns];
        match tensor.role {
            Role::Matrix => {
                let quantized = WeightBits::Ternary.quantize(latent, shape, Granularity::Matrix).unwrap().unwrap();
                let matrix = packed.matrix(&tensor.name);
                assert_eq!((form, &matrix.scales), (Form::TwoBit, &quantized.scales));
                let mut codes = vec![0; tensor.columns];
                for (row, expected) in quantized.codes.chunks_exact(tensor.columns).enumerate() {
                    matrix.codes_row(row, &mut codes);
                    assert_eq!(codes, expected);
                }
            }
            Role::Table => {
                let expected = EmbeddingBits::Four.quantize(latent, shape).unwrap().unwrap().dequantize();
                let mut values = vec![0.0; tensor.columns];
                for (row, expected) in expected.chunks_exact(tensor.columns).enumerate() {
                    packed.table(&tensor.name).row(row, &mut values);
                    assert_eq!(values, expected);
                }
            }
            _ => assert_eq!(&packed.vector(&tensor.name), latent),
        }
    }
    let (ours, theirs) = (packed.tokenizer().unwrap(), Tokenizer::load_saved(folder.path().join("run")).unwrap());
    assert_eq!(ours.encode("a fine <b> film", None, 12), theirs.encode("a fine <b> film", None, 12));

    let bytes = fs::read(&path).unwrap();
    let contents = inspected(folder.path(), "new/model.safetensors");
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&contents["sha256"], &contents["bytes"]), (&sha256.into(), &bytes.len().into()));
    assert_eq!(contents["config"]["student"]["embedding_bits"], 4);
    assert_eq!(contents["full_bytes"], header.student.full_bytes());
    let sum: u64 = contents["tensors"].as_array().unwrap().iter().map(|tensor| tensor["bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum, header.student.packed_bytes());
    let [header_bytes, vocabulary] = ["header_bytes", "vocabulary_bytes"].map(|name| contents[name].as_u64().unwrap());
    assert_eq!(sum + header_bytes + vocabulary, bytes.len() as u64);
    let query = contents["tensors"].as_array().unwrap().iter().find(|t| t["name"] == "layers.1.query.weight").unwrap();
    let matrix = packed.matrix("layers.1.query.weight");
    let (mut zeros, mut codes) = (0, vec![0; 16]);
    for row in 0..16 {
        matrix.codes_row(row, &mut codes);
        zeros += codes.iter().filter(|&&code| code == 0).count();
    }
    assert_eq!(query["zeros"], zeros as f64 / 256.0);
    assert_eq!(query["scales"]["min"].as_f64().unwrap() as f32, matrix.scales[0]);
    let (text, _) = exits(folder.path(), &["inspect", "new/model.safetensors"], 0);
    for part in [
        "sst2: sentence to negative, positive",
        "signed neurons, T = 16",
        "layers.1.query.weight              2-bit       16 x 16",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn forms_are_chosen_and_models_replaced() {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "stsb", |config| config.granularity = Granularity::Row);
    let forms = |arguments: &[&str]| {
        let arguments = [&["pack", "run", "--force", "-o", "m/m.safetensors", "--json"], arguments].concat();
        let packed: Value = serde_json::from_str(&exits(folder.path(), &arguments, 0).0).unwrap();
        assert_eq!(packed, inspected(folder.path(), "m/m.safetensors"));
        assert_eq!(names(&folder.path().join("m")), ["m.safetensors"]);
        ["words", "layers.0.output.weight"].map(|name| {
            let tensor = packed["tensors"].as_array().unwrap().iter().find(|tensor| tensor["name"] == name).unwrap();
            tensor["form"].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(forms(&[]), ["f32", "2-bit"]);
    assert_eq!(forms(&["--trits"]), ["f32", "1.6-bit"]);
    assert_eq!(forms(&["--embedding-bits", "8"]), ["8-bit", "2-bit"]);
    assert_eq!(forms(&["--embedding-bits", "4"]), ["4-bit", "2-bit"]);
    assert_eq!(forms(&["--embedding-bits", "1.58", "--trits"]), ["1.6-bit", "1.6-bit"]);
    assert_eq!(forms(&["--embedding-bits", "1"]), ["1-bit", "2-bit"]);
    // Into the run's own folder too.
    exits(folder.path(), &["pack", "run", "-o", "run/packed.safetensors"], 0);
}

#[test]
fn an_old_model_becomes_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/packed-v1");
    for name in ["model.safetensors", "tokenizer.json"] {
        fs::copy(old.join(name), folder.path().join(name)).unwrap();
    }
    let classify =
        |model: &str| exits(folder.path(), &["classify", "--model", model, "--json", "the film was good"], 0).0;
    let answer = classify("model.safetensors");
    exits(folder.path(), &["pack", "--upgrade", "model.safetensors", "-o", "alone/new.safetensors"], 0);
    assert_eq!(inspected(folder.path(), "model.safetensors")["format_version"], "1");
    assert_eq!(inspected(folder.path(), "alone/new.safetensors")["format_version"], "2");
    assert_eq!(classify("alone/new.safetensors"), answer);
    // In place, and once more without effect.
    exits(folder.path(), &["pack", "--upgrade", "model.safetensors"], 0);
    let new = fs::read(folder.path().join("alone/new.safetensors")).unwrap();
    assert_eq!(fs::read(folder.path().join("model.safetensors")).unwrap(), new);
    exits(folder.path(), &["pack", "--upgrade", "alone/new.safetensors"], 0);
    assert_eq!(fs::read(folder.path().join("alone/new.safetensors")).unwrap(), new);
    let (_, error) = exits(folder.path(), &["pack", "--upgrade", "sst2-tiny-of-nobody"], 1);
    assert!(error.contains("no model of that name"), "{error}");
    exits(folder.path(), &["pack", "run", "--upgrade", "model.safetensors"], 2);
}

#[test]
fn nothing_of_value_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "sst2", |_| ());
    let refused = |output: &str, says: &str| {
        for force in [&["--out", output][..], &["--out", output, "--force"]] {
            let (_, error) = exits(folder.path(), &[&["pack", "run"], force].concat(), 1);
            assert!(error.contains(says), "{error}");
        }
    };
    let checkpoint = fs::read(folder.path().join("run/best.safetensors")).unwrap();
    refused("run/best.safetensors", "exists and is no packed model");
    refused("run", "found a folder");
    refused("run/tokenizer.json", "exists and is no packed model");
    let (_, error) = exits(folder.path(), &["pack", "run", "--out", ".."], 2);
    assert!(error.contains("expected the name of a file"), "{error}");
    assert_eq!(fs::read(folder.path().join("run/best.safetensors")).unwrap(), checkpoint);

    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    // What lies beside a model is left alone, and not read.
    fs::write(other.join("tokenizer.json"), "{}").unwrap();
    exits(folder.path(), &["pack", "run", "--out", "other/m.safetensors", "--force"], 0);
    assert_eq!(fs::read_to_string(other.join("tokenizer.json")).unwrap(), "{}");
    exits(folder.path(), &["classify", "--model", "other/m.safetensors", "fine"], 0);

    // A file where a folder must be: nothing can be written, and nothing is left.
    let before = names(folder.path());
    fs::write(folder.path().join("file"), "").unwrap();
    refused("file/m.safetensors", "file");
    fs::remove_file(folder.path().join("file")).unwrap();
    assert_eq!(names(folder.path()), before);
}

/// A disk that is full after eight blocks, by a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_failed_write_leaves_the_earlier_model() {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "sst2", |_| ());
    exits(folder.path(), &["pack", "run", "-o", "m/m.safetensors"], 0);
    let earlier = fs::read(folder.path().join("m/m.safetensors")).unwrap();
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" pack run --force --trits -o m/m.safetensors";
    let mut shell = std::process::Command::new("sh");
    let output =
        shell.current_dir(folder.path()).args(["-c", script, env!("CARGO_BIN_EXE_bitspike")]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("write m/m.safetensors"), "{error}");
    assert_eq!(fs::read(folder.path().join("m/m.safetensors")).unwrap(), earlier);
    assert_eq!(names(&folder.path().join("m")), ["m.safetensors"]);
}

#[test]
fn runs_that_cannot_be_packed_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "sst2", |config| config.feedback = Some(Feedback::default()));
    let run = folder.path().join("run");
    let refused = |says: &str| {
        let (_, error) = exits(folder.path(), &["pack", "run", "-o", "out/m.safetensors"], 1);
        assert!(error.contains(says), "{error}");
        assert!(!folder.path().join("out").exists(), "a refused model leaves nothing behind");
    };
    refused("student.feedback: expected a student without feedback");
    let description = fs::read_to_string(run.join("model.json")).unwrap();
    let mut value: Value = serde_json::from_str(&description).unwrap();
    value["student"].as_object_mut().unwrap().remove("feedback");
    let mut change = |key: &str, to: Value| {
        value["student"][key] = to;
        fs::write(run.join("model.json"), value.to_string()).unwrap();
    };
    change("vocab_size", 9.into());
    refused("ids below the model's vocab_size = 9");
    change("vocab_size", 11.into());
    refused("words: expected 176 values, found 160");
    change("vocab_size", 10.into());
    change("layers", 3.into());
    refused("tensor `layers.2.query.weight` is missing");
    change("layers", 2.into());
    let mut weights = RunFolder::open(&run).unwrap().weights().unwrap();
    let mut bias = weights.remove("classifier.bias").unwrap();
    bias.values[1] = f32::NAN;
    weights.insert("classifier.bias", &bias.shape, bias.values);
    weights.save(&run.join("best.safetensors")).unwrap();
    refused("classifier.bias: expected finite values, found NaN");
    fs::write(run.join("best.safetensors"), "not weights").unwrap();
    refused("best.safetensors: not a safetensors file");
    fs::remove_file(run.join("best.safetensors")).unwrap();
    refused("no checkpoint");
    let (_, error) = exits(folder.path(), &["pack", "nowhere", "-o", "out/m.safetensors"], 1);
    assert!(error.contains("no run here"), "{error}");
    for arguments in [&["pack", "run"][..], &["pack", "-o", "m"], &["pack", "run", "-o", "m", "--embedding-bits", "3"]]
    {
        exits(folder.path(), arguments, 2);
    }
}

#[test]
fn files_that_are_no_models_are_not_inspected() {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "sst2", |_| ());
    exits(folder.path(), &["pack", "run", "-o", "m/m.safetensors"], 0);
    let model = fs::read(folder.path().join("m/m.safetensors")).unwrap();
    fs::write(folder.path().join("short"), &model[..model.len() - 1]).unwrap();
    fs::write(folder.path().join("text"), "a fine film\n").unwrap();
    for (file, says) in [
        ("short", "short: expected "),
        ("text", "expected a header of at most"),
        ("run/best.safetensors", "metadata `format`: expected `bitspike`, found none"),
        ("m", "found a folder that is neither"),
        ("none", "none: no such file, and no model of that name in "),
        ("../none/x/y", "../none/x/y: no such file, and not the name of a model"),
    ] {
        let (out, error) = exits(folder.path(), &["inspect", file], 1);
        assert!(error.contains(says) && out.is_empty(), "{file}: {error}");
    }
    exits(folder.path(), &["inspect"], 2);
}

//! Exports in their runtimes, where the environment names one: `BITSPIKE_RUNTIMES="onnx=venv/bin/python openvino=venv/bin/python"`.
//!
//! `BITSPIKE_RUNTIMES_MODEL` takes another model than the smallest, `BITSPIKE_RUNTIMES_TEXTS` a table whose first column is texts.

use std::path::Path;

use bitspike::{Encoding, Model};
use bitspike_export::{Export, Opset, Runtime, Target, compare};

const TEXTS: [&str; 6] = [
    "a gripping, funny film",
    "dull from start to end",
    "",
    "one long string of cliches .",
    "it 's a charming and often affecting journey .",
    "the mesmerizing performances of the leads keep the film grounded and keep the audience riveted .",
];

fn target(name: &str) -> Target {
    match name {
        "onnx" => Target::Onnx { opset: Opset::V21, fast: false },
        "onnx-25" => Target::Onnx { opset: Opset::V25, fast: false },
        "onnx-fast" => Target::Onnx { opset: Opset::V21, fast: true },
        "onnx-25-fast" => Target::Onnx { opset: Opset::V25, fast: true },
        "openvino" => Target::OpenVino,
        "transformers-js" => Target::TransformersJs,
        "gguf" => Target::Gguf,
        other => panic!("`{other}` is no runtime"),
    }
}

#[test]
fn counts_logits_and_labels_are_those_of_the_engine() {
    let Ok(runtimes) = std::env::var("BITSPIKE_RUNTIMES") else { return };
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sst2-tiny/model.safetensors");
    let model = std::env::var_os("BITSPIKE_RUNTIMES_MODEL").map_or(shipped, Into::into);
    let model = Model::load(model).unwrap();
    let table = std::env::var("BITSPIKE_RUNTIMES_TEXTS").map(|path| std::fs::read_to_string(path).unwrap());
    let texts: Vec<&str> = match &table {
        Ok(table) => table.lines().skip(1).map(|line| line.split('\t').next().unwrap()).collect(),
        Err(_) => TEXTS.to_vec(),
    };
    let second = |text| model.task().is_pair().then_some(text);
    let pairs = texts.iter().zip(texts.iter().rev());
    let texts: Vec<Encoding> = pairs
        .map(|(first, &other)| model.tokenizer().encode(first, second(other), model.header().max_length))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut differ = Vec::new();
    for runtime in runtimes.split_whitespace() {
        let (name, program) = runtime.split_once('=').expect("RUNTIME=PROGRAM");
        let (target, out) = (target(name), folder.path().join(name));
        let export = Export::new(&model, "model", target).unwrap();
        export.write(&out, false).unwrap();
        let runtime = Runtime { program: program.into(), seconds: 1.0 };
        let parity = compare(&model, (target, &out), ("texts", &texts), &runtime).unwrap();
        println!("{name}: {}", parity.line());
        // llama.cpp has no neurons.
        if parity.counts_differ > 0 || parity.labels_differ > 0 && target != Target::Gguf {
            differ.push(format!("{name}: {}", parity.line()));
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}

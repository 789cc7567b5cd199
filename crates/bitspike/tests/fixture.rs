//! The embedder of `fixtures/embedder` is what its maker makes, and is fit to test with: other texts have other vectors.

#[path = "../../../fixtures/embedder/make.rs"]
mod make;

use std::path::Path;

use bitspike::format::Packed;
use bitspike::vector::{prefix, shaped, unit};
use bitspike::{Dynamics, ExitRule, Model, Options};

fn stored() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embedder/model.safetensors")
}

fn model(normalize: bool) -> Model {
    Options::new().build(Packed::from_bytes(make::file(normalize)).unwrap(), None).unwrap()
}

#[test]
fn the_stored_file_is_what_is_made() {
    let made = make::file(true);
    if std::env::var_os("BITSPIKE_RENEW").is_some() {
        std::fs::write(stored(), &made).unwrap();
    }
    assert!(std::fs::read(stored()).unwrap() == made, "renew it with BITSPIKE_RENEW=1");
}

/// The texts that every door is asked about, their vectors, and these before they are brought to length 1.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Golden {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
    raw: Vec<Vec<f32>>,
}

#[test]
fn the_stored_vectors_are_those_of_the_model() {
    let file = stored().with_file_name("vectors.json");
    let texts = include_str!("../../server/tests/clients/texts.txt");
    let long = "never ".repeat(make::LENGTH);
    let texts: Vec<String> = texts.lines().chain(["", "x", &long]).map(str::to_owned).collect();
    let of = |normalize| model(normalize).embed(&texts).unwrap().into_iter().map(|vector| vector.values).collect();
    let golden = Golden { vectors: of(true), raw: of(false), texts: texts.clone() };
    if std::env::var_os("BITSPIKE_RENEW").is_some() {
        std::fs::write(&file, serde_json::to_string(&golden).unwrap() + "\n").unwrap();
    }
    let told: Golden = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(told == golden, "renew it with BITSPIKE_RENEW=1");
}

#[test]
fn texts_are_told_apart() {
    let model = Model::load(stored()).unwrap();
    assert_eq!((model.header().student.hidden, model.header().max_length), (make::WIDTH, make::LENGTH));
    let texts = ["a gripping, funny film", "dull from start to finish", "", "x", "a gripping, funny film!"];
    let vectors = model.embed(texts).unwrap();
    for (i, a) in vectors.iter().enumerate() {
        assert!((a.cosine(a) - 1.0).abs() < 1e-6, "{:?}", texts[i]);
        for (j, b) in vectors.iter().enumerate().skip(i + 1) {
            assert_ne!(a.values, b.values, "{:?} and {:?}", texts[i], texts[j]);
        }
    }
}

#[test]
fn an_answer_of_an_embedder_is_its_vector() {
    let (unit_model, raw_model) = (model(true), model(false));
    let encodings = ["a film", "", "z z z"].map(|text| unit_model.encode(text));
    let vectors = unit_model.embed_ids(&encodings).unwrap();
    let raw = raw_model.embed_ids(&encodings).unwrap();
    for ((answer, vector), raw) in unit_model.answer_ids(&encodings).unwrap().iter().zip(&vectors).zip(&raw) {
        assert_eq!(answer.output, bitspike::Output::Vector(vector.values.clone()));
        assert_eq!((answer.logits.clone(), answer.tokens), (raw.values.clone(), vector.tokens));
        assert_eq!(unit(&raw.values), vector.values);
        assert_eq!(shaped(&raw.values, None, true).unwrap(), vector.values);
        assert_eq!(shaped(&raw.values, Some(8), true).unwrap(), prefix(&vector.values, 8, true).unwrap());
        assert_eq!(shaped(&raw.values, Some(8), false).unwrap(), raw.values[..8]);
        assert!(shaped(&raw.values, Some(0), true).is_err() && shaped(&raw.values, Some(33), true).is_err());
    }
}

#[test]
fn a_vector_is_never_settled() {
    let rule = ExitRule::default();
    let options = Options::new().dynamics(Dynamics::Accumulated).time_steps(40);
    let packed = || Packed::from_bytes(make::file(true)).unwrap();
    let error = options.exit(rule).build(packed(), None).unwrap_err().to_string();
    assert!(error.contains("exit rule") && error.contains("embeds"), "{error}");
    let model = options.build(packed(), None).unwrap();
    assert!(model.with_exit(rule).unwrap_err().to_string().contains("embeds"));
}

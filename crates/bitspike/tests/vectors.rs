//! Models that embed: a vector is what it is said to be, whatever is asked at once, and whoever asks for something else is told.

mod small_embedder;

use bitspike::config::Pooling;
use bitspike::format::{FORMAT_VERSION_WITH_VECTORS, Packed};
use bitspike::neuron::Code;
use bitspike::vector::unit;
use bitspike::{Dynamics, Model, Options};
use small_embedder::{file, header};

const TEXTS: [&str; 5] = ["a good film", "", "bad", "film film a b ab good bad a", "\u{597d}"];

fn model(pooling: Pooling, normalize: bool, options: Options) -> Model {
    options.build(Packed::from_bytes(file(&header(pooling, normalize))).unwrap(), None).unwrap()
}

#[test]
fn a_vector_is_made_of_the_counts_of_the_last_layer() {
    for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Max] {
        let model = model(pooling, false, Options::new());
        let scale = model.encoder().populations().last().unwrap().1 / 16.0;
        for text in TEXTS {
            let encoding = model.encode(text);
            let run = model.simulate_ids(std::slice::from_ref(&encoding), true).unwrap().swap_remove(0);
            let rows: Vec<&[f32]> = run.sums.last().unwrap().chunks_exact(24).collect();
            let expected: Vec<f32> = (0..24)
                .map(|i| {
                    let column = rows.iter().map(|row| f64::from(row[i]));
                    let value = match pooling {
                        Pooling::Mean => column.sum::<f64>() / rows.len() as f64,
                        Pooling::Cls => f64::from(rows[0][i]),
                        Pooling::Max => column.fold(f64::NEG_INFINITY, f64::max),
                    };
                    value as f32 * scale
                })
                .collect();
            let vector = model.embed([text]).unwrap().swap_remove(0);
            assert_eq!((vector.values, vector.tokens), (expected, encoding.ids.len()), "{pooling:?} of {text:?}");
        }
    }
}

#[test]
fn neither_company_nor_threads_nor_the_way_of_running_change_a_bit() {
    let plain = model(Pooling::Mean, true, Options::new());
    let alone: Vec<_> = TEXTS.iter().map(|text| plain.embed([*text]).unwrap().swap_remove(0)).collect();
    assert!(alone.iter().all(|vector| (vector.cosine(vector) - 1.0).abs() < 1e-6));
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| plain.embed(TEXTS)).unwrap(), alone, "{threads} threads");
        let long = "film good bad a b film good bad a b";
        let one = pool.install(|| plain.embed([long])).unwrap();
        assert_eq!(one, plain.embed([long]).unwrap());
    }
    // Spike by spike, with other spikes for the same counts.
    for code in [Code::Digits, Code::Naf] {
        let runs = model(Pooling::Mean, true, Options::new().code(code));
        assert_eq!(runs.embed(TEXTS).unwrap(), alone, "{code:?}");
    }
    // In time an answer comes at every step and nears this one.
    let long = model(Pooling::Mean, true, Options::new().dynamics(Dynamics::Accumulated).time_steps(200));
    for (found, vector) in long.embed(TEXTS).unwrap().iter().zip(&alone) {
        assert!(found.cosine(vector) > 0.9, "{}", found.cosine(vector));
    }
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let model = model(Pooling::Mean, true, Options::new());
    let vectors = model.embed(["film film film film film film film film film film film film film", "film"]).unwrap();
    assert_eq!(
        vectors.iter().map(|vector| (vector.tokens, vector.truncated)).collect::<Vec<_>>(),
        [(12, true), (3, false)]
    );
}

#[test]
fn the_wrong_question_is_answered_by_what_the_model_does() {
    let embeds = model(Pooling::Mean, true, Options::new());
    let error = embeds.classify(["film"]).unwrap_err().to_string();
    assert!(error.contains("one that embeds"), "{error}");
    let classifies =
        Model::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors")).unwrap();
    let error = classifies.embed(["film"]).unwrap_err().to_string();
    assert!(error.contains("that embeds") && error.contains("classify"), "{error}");
    assert!(embeds.embed([("film", "film")]).is_err());
}

#[test]
fn a_file_says_that_it_embeds_and_no_other_may() {
    let bytes = file(&header(Pooling::Mean, true));
    let packed = Packed::from_bytes(bytes.clone()).unwrap();
    assert_eq!(packed.format_version(), FORMAT_VERSION_WITH_VECTORS);
    assert!(packed.tensors().all(|(tensor, ..)| !tensor.name.starts_with("classifier")));
    let altered = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        Packed::from_bytes(bytes).unwrap_err().to_string()
    };
    let error = altered("\"format_version\":\"5\"", "\"format_version\":\"2\"");
    assert!(error.contains("pooling"), "{error}");
    let error = altered("\"format_version\":\"5\"", "\"format_version\":\"6\"");
    assert!(error.contains("`5`"), "{error}");
    let error = altered("\\\"prefixes\\\":[8]", "\\\"prefixes\\\":[0]");
    assert!(error.contains("prefixes"), "{error}");
}

#[test]
fn vectors_in_smaller_forms() {
    use bitspike::vector::{BitOrder, binary, int8, prefix};
    let vector = &model(Pooling::Mean, true, Options::new()).embed(["a good film"]).unwrap()[0];
    let short = prefix(&vector.values, 8, true).unwrap();
    assert_eq!(short, unit(&vector.values[..8]));
    assert_eq!(int8(&vector.values).iter().map(|x| x.unsigned_abs()).max(), Some(127));
    let [least, most] = [BitOrder::LeastFirst, BitOrder::MostFirst].map(|order| binary(&vector.values, order));
    assert_eq!(least.iter().map(|byte| byte.reverse_bits()).collect::<Vec<_>>(), most);
    assert!(prefix(&vector.values, 25, true).is_err() && prefix(&vector.values, 0, true).is_err());
}

#[test]
fn vectors_are_as_long_as_one_says() {
    let [long, short] = [false, true].map(|normalize| {
        let other = model(Pooling::Mean, !normalize, Options::new()).with_normalize(normalize).unwrap();
        assert_eq!(other.embed(TEXTS).unwrap(), model(Pooling::Mean, normalize, Options::new()).embed(TEXTS).unwrap());
        other.embed(TEXTS).unwrap()
    });
    assert_ne!(long, short);
    let classifies =
        Model::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors")).unwrap();
    assert!(classifies.with_normalize(true).unwrap_err().to_string().contains("classify"));
}

//! What is packed comes back, in every form, at sizes that fill no byte.

use proptest::prelude::*;

use super::codes::Form;
use super::fixture::{header, latent, packed, packed_without_tokenizer, plain, take_apart, tokenizer};
use super::*;
use crate::error::Error;
use crate::quantize::{EmbeddingBits, Granularity, Quantized, WeightBits};

const WEIGHTS: [WeightBits; 3] = [WeightBits::Full, WeightBits::Ternary, WeightBits::Binary];
const EMBEDDINGS: [EmbeddingBits; 5] =
    [EmbeddingBits::Full, EmbeddingBits::Eight, EmbeddingBits::Four, EmbeddingBits::Ternary, EmbeddingBits::Binary];

/// 2-bit codes written the slow way, as `docs/format.md` puts it.
fn two_bits(codes: &[i8]) -> Vec<u8> {
    let mut bytes = vec![0b0101_0101; codes.len().div_ceil(4)];
    for (i, code) in codes.iter().enumerate() {
        let shift = 2 * (i % 4);
        bytes[i / 4] = bytes[i / 4] & !(3 << shift) | ((code + 1) as u8) << shift;
    }
    bytes
}

fn check_matrix(packed: &Packed, name: &str, quantized: &Quantized, form: Form) {
    let matrix = packed.matrix(name);
    assert_eq!((matrix.rows, matrix.columns, matrix.form), (quantized.rows, quantized.cols, form), "{name}");
    assert_eq!(matrix.scales, quantized.scales, "{name}");
    assert_eq!(matrix.full(), None);
    for (row, codes) in quantized.codes.chunks_exact(quantized.cols).enumerate() {
        let mut found = vec![9; matrix.columns];
        matrix.codes_row(row, &mut found);
        assert_eq!(found, codes, "{name} {form} row {row}");
        let mut bytes = vec![0xff; matrix.columns.div_ceil(4)];
        matrix.two_bit_row(row, &mut bytes);
        assert_eq!(bytes, two_bits(codes), "{name} {form} row {row}");
    }
}

fn check_table(packed: &Packed, name: &str, values: &[f32], quantized: Option<&Quantized>) {
    let table = packed.table(name);
    let expected = quantized.map_or(values.to_vec(), Quantized::dequantize);
    for (row, expected) in expected.chunks_exact(table.columns).enumerate() {
        let mut found = vec![f32::NAN; table.columns];
        table.row(row, &mut found);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(expected), "{name} {} row {row}", table.form);
        assert_eq!(table.scale(row), quantized.map_or(1.0, |quantized| quantized.scale(row)));
    }
}

#[test]
fn every_form_comes_back() {
    for (wide, weight_bits, granularity, embedding_bits, trits) in
        combinations([false, true], WEIGHTS, [Granularity::Matrix, Granularity::Row], EMBEDDINGS, [false, true])
    {
        let header = header(wide, weight_bits, granularity, embedding_bits);
        let packed = Packed::from_bytes(packed(&header, Packing { trits, ..Packing::default() })).unwrap();
        assert_eq!(packed.header(), &header);
        let ternary = if trits { Form::Trits } else { Form::TwoBit };
        let mut bytes = 0;
        for (tensor, form, size) in packed.tensors() {
            let values = latent(&header, &tensor.name).unwrap();
            bytes += size;
            match tensor.role {
                Role::Matrix => {
                    match weight_bits.quantize(&values, [tensor.rows, tensor.columns], granularity).unwrap() {
                        None => {
                            let matrix = packed.matrix(&tensor.name);
                            assert_eq!((matrix.full().unwrap(), matrix.scales), (values, vec![1.0]));
                        }
                        Some(quantized) => {
                            let form = if weight_bits == WeightBits::Binary { Form::OneBit } else { ternary };
                            check_matrix(&packed, &tensor.name, &quantized, form);
                        }
                    }
                }
                Role::Table => {
                    let quantized = embedding_bits.quantize(&values, [tensor.rows, tensor.columns]).unwrap();
                    check_table(&packed, &tensor.name, &values, quantized.as_ref());
                    if embedding_bits == EmbeddingBits::Ternary {
                        assert_eq!(form, ternary);
                    }
                }
                Role::Classifier | Role::Relative | Role::Vector | Role::Threshold => {
                    assert_eq!(packed.vector(&tensor.name), values);
                }
            }
        }
        let (_, data) = take_apart(packed.file_bytes());
        assert_eq!(bytes + packed.vocabulary_bytes(), data.len());
        if !trits {
            assert_eq!(bytes as u64, header.student.packed_bytes());
        }
    }
}

/// All combinations.
fn combinations(
    wide: [bool; 2],
    weights: [WeightBits; 3],
    granularities: [Granularity; 2],
    embeddings: [EmbeddingBits; 5],
    trits: [bool; 2],
) -> Vec<(bool, WeightBits, Granularity, EmbeddingBits, bool)> {
    let mut all = Vec::new();
    for wide in wide {
        for weights in weights {
            for granularity in granularities {
                all.extend(embeddings.iter().flat_map(|&e| trits.map(|trits| (wide, weights, granularity, e, trits))));
            }
        }
    }
    all
}

/// The examples of `docs/format.md`: a row of seven codes in every form.
#[test]
fn bytes_by_hand() {
    let encode = |form: Form, codes: &[i8]| {
        let mut bytes = Vec::new();
        form.encode_row(codes, &mut bytes);
        bytes
    };
    let ternary = [1, -1, 0, 0, 1, 1, -1];
    assert_eq!(encode(Form::TwoBit, &ternary), [0b01_01_00_10, 0b01_00_10_10]);
    assert_eq!(encode(Form::Trits, &ternary), [2 + 9 + 27 + 2 * 81, 2 + 9 + 27 + 81]);
    assert_eq!(encode(Form::OneBit, &[1, -1, -1, 1, 1, 1, -1]), [0b0011_1001]);
    assert_eq!(encode(Form::FourBit, &[7, -7, 0, 1, -1, 3, -2]), [0x97, 0x10, 0x3f, 0x0e]);
    assert_eq!(encode(Form::EightBit, &[127, -127, 0, 1, -1, 3, -2]), [0x7f, 0x81, 0, 1, 0xff, 3, 0xfe]);
}

/// The row and its codes in a random form of random length.
fn coded_row() -> impl Strategy<Value = (Form, Vec<i8>)> {
    (0..5usize, 1..70usize).prop_flat_map(|(form, columns)| {
        let (form, codes) = [
            (Form::EightBit, (-127..=127i8).boxed()),
            (Form::FourBit, (-7..=7i8).boxed()),
            (Form::TwoBit, (-1..=1i8).boxed()),
            (Form::Trits, (-1..=1i8).boxed()),
            (Form::OneBit, prop_oneof![Just(-1i8), Just(1)].boxed()),
        ][form]
            .clone();
        (Just(form), proptest::collection::vec(codes, columns))
    })
}

proptest! {
    #[test]
    fn rows_of_any_length_come_back((form, codes) in coded_row()) {
        let mut bytes = Vec::new();
        form.encode_row(&codes, &mut bytes);
        prop_assert_eq!(bytes.len(), form.row_bytes(codes.len()));
        prop_assert_eq!(form.check(&bytes, codes.len()), Ok(()));
        let mut found = vec![0; codes.len()];
        form.decode_row(&bytes, &mut found, |code| code);
        prop_assert_eq!(&found, &codes);
        if [Form::TwoBit, Form::Trits, Form::OneBit].contains(&form) {
            let mut row = vec![0; codes.len().div_ceil(4)];
            form.two_bit_row(&bytes, codes.len(), &mut row);
            prop_assert_eq!(row, two_bits(&codes));
        }
    }

    /// A byte is accepted if and only if some row of codes is encoded so.
    #[test]
    fn a_changed_byte_is_another_row_or_refused((form, codes) in coded_row(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = Vec::new();
        form.encode_row(&codes, &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let accepted = form.check(&bytes, codes.len());
        let mut found = vec![0; codes.len()];
        form.decode_row(&bytes, &mut found, |code| code);
        let mut again = Vec::new();
        // What is out of range for its form is not encoded.
        let legal = found.iter().all(|&code| f32::from(code).abs() <= form.top());
        if legal {
            form.encode_row(&found, &mut again);
        }
        prop_assert_eq!(accepted.is_ok(), again == bytes, "{:?}", accepted);
        if let Err(message) = accepted {
            prop_assert!(message.contains(&format!("byte {at}")), "{}", message);
        }
    }
}

#[test]
fn tables_can_be_packed_lower_than_they_were_trained() {
    let trained = header(true, WeightBits::Binary, Granularity::Matrix, EmbeddingBits::Eight);
    for bits in EMBEDDINGS {
        let packing = Packing { embedding_bits: Some(bits), ..Packing::default() };
        let packed = Packed::from_bytes(packed(&trained, packing)).unwrap();
        assert_eq!(packed.header().student.embedding_bits, bits);
        for name in ["words", "embeddings.position", "embeddings.token_type"] {
            let table = packed.table(name);
            let shape = [table.rows, table.columns];
            let eight = EmbeddingBits::Eight.quantize(&latent(&trained, name).unwrap(), shape).unwrap().unwrap();
            let values = eight.dequantize();
            let again = if bits == EmbeddingBits::Eight { Some(eight) } else { bits.quantize(&values, shape).unwrap() };
            check_table(&packed, name, &values, again.as_ref());
        }
    }
}

#[test]
fn files_are_aligned_reproducible_and_ordered() {
    let header = plain();
    let file = packed(&header, Packing::default());
    assert_eq!(file, packed(&header, Packing::default()));
    assert_eq!(u64::from_le_bytes(file[..8].try_into().unwrap()) % 8, 0);
    let (json, _) = take_apart(&file);
    assert_eq!(json["__metadata__"]["format"], "bitspike");
    assert_eq!(json["__metadata__"]["format_version"], "2");
    for (name, info) in json.iter().filter(|(_, info)| info["dtype"] == "F32") {
        assert_eq!(info["data_offsets"][0].as_u64().unwrap() % 4, 0, "{name}");
    }
    assert!(safetensors::SafeTensors::deserialize(&file).is_ok());
}

/// The files that fuzzing starts from, one of every form, and what it found: `fuzz/seeds`. `BITSPIKE_WRITE_SEEDS=1` writes the former.
#[test]
fn the_kept_corpus_is_opened_or_refused() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let mut models = Vec::new();
    for (weight_bits, trits) in WEIGHTS.map(|bits| (bits, false)).into_iter().chain([(WeightBits::Ternary, true)]) {
        for embedding_bits in EMBEDDINGS {
            let mut header = header(false, weight_bits, Granularity::Matrix, embedding_bits);
            (header.student.layers, header.student.vocab_size, header.student.max_positions) = (1, 3, 3);
            header.max_length = 3;
            let name = format!("w{weight_bits}-e{embedding_bits}{}", if trits { "-trits" } else { "" });
            let packing = Packing { trits, ..Packing::default() };
            models.push((format!("v1-{name}"), packed_without_tokenizer(&header, packing)));
            models.push((name, packed(&header, packing)));
        }
    }
    // One file of every form, and one of the version before: the others differ from these in nothing that is read on its own.
    let kept = ["w1-e1", "w1.58-e4", "w1.58-e1.58-trits", "w32-e32", "w1.58-e8", "v1-w1.58-e4"];
    models.retain(|(name, _)| kept.contains(&name.as_str()));
    assert_eq!(models.len(), kept.len());
    for (name, model) in models {
        let (header, data) = take_apart(&model);
        let split = [serde_json::to_vec(&header).unwrap(), b"\n".to_vec(), data].concat();
        for (target, bytes) in [("packed_open", model), ("packed_header", split)] {
            let path = folder.join(target).join(&name);
            if std::env::var_os("BITSPIKE_WRITE_SEEDS").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &bytes).unwrap();
            }
            assert!(std::fs::read(&path).unwrap() == bytes, "{} is not what is packed today", path.display());
        }
    }
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.join("packed_open")).unwrap() {
        let path = entry.unwrap().path();
        let bad = path.file_name().unwrap().to_str().unwrap().starts_with("bad-");
        assert_eq!(Packed::open(&path).is_err(), bad, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 16);
}

#[test]
fn a_saved_model_is_opened() {
    let header = plain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    save(&path, &header, &tokenizer(7), Packing::default(), |name| latent(&header, name)).unwrap();
    #[cfg(feature = "mmap")]
    let opened = Packed::map(&path).unwrap();
    #[cfg(not(feature = "mmap"))]
    let opened = Packed::open(&path).unwrap();
    assert_eq!(opened.file_bytes(), packed(&header, Packing::default()));
    // Another model renamed over it leaves the opened one whole.
    save(&path, &header, &tokenizer(7), Packing { trits: true, ..Packing::default() }, |name| latent(&header, name))
        .unwrap();
    assert_eq!(opened.file_bytes(), packed(&header, Packing::default()));
    assert_ne!(Packed::open(&path).unwrap().file_bytes(), opened.file_bytes());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn weights_that_make_no_model_are_not_packed() {
    let header = plain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let refused = |name: &'static str, change: &dyn Fn(&mut Vec<f32>)| {
        let get = |wanted: &str| {
            let mut values = latent(&header, wanted)?;
            if wanted == name {
                change(&mut values);
            }
            Ok::<_, Error>(values)
        };
        save(&path, &header, &tokenizer(7), Packing::default(), get).unwrap_err().to_string()
    };
    for (name, change, says) in [
        ("words", &(|v: &mut Vec<f32>| v[3] = f32::NAN) as &dyn Fn(&mut Vec<f32>), "expected finite values, found NaN"),
        ("layers.1.output.weight", &|v| v[0] = f32::INFINITY, "found inf"),
        ("layers.0.query.bias", &|v| v.truncate(5), "expected 6 values, found 5"),
        ("layers.0.key_neurons.theta", &|v| v[0] = 0.0, "`layers.0.key_neurons.theta`"),
        ("embedding_neurons.theta", &|v| v[0] = -1.0, "found -1"),
    ] {
        let message = refused(name, change);
        assert!(message.contains(says), "{message}");
    }
    let failing = |name: &str| match name {
        "classifier.bias" => Err(Error::invalid("checkpoint", "classifier.bias", "nothing")),
        name => latent(&header, name),
    };
    assert!(save(&path, &header, &tokenizer(7), Packing::default(), failing).is_err());
    let mut feedback = header.clone();
    feedback.student.feedback = Some(crate::config::Feedback::default());
    let message =
        pack(&feedback, &tokenizer(7), Packing::default(), |name| latent(&header, name)).unwrap_err().to_string();
    assert!(message.starts_with("student.feedback: expected a student without feedback"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a refused model leaves nothing behind");
}

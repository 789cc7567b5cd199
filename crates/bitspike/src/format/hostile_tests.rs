//! Damaged and hostile files: each is refused with what was expected, what was found, and where.

use serde_json::{Map, Value, json};

use super::container::MAX_HEADER;
use super::fixture::{header, latent, packed, place, plain, put_together, take_apart};
use super::*;
use crate::error::Error;
use crate::quantize::{EmbeddingBits, Granularity, WeightBits};

pub(super) fn refusal(file: Vec<u8>) -> String {
    match Packed::from_bytes(file) {
        Err(Error::Bytes { message, .. }) => message,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

/// The refusal of the plain model after `change` of its header and data.
pub(super) fn changed(change: impl FnOnce(&mut Map<String, Value>, &mut Vec<u8>)) -> String {
    let (mut header, mut data) = take_apart(&packed(&plain(), Packing::default()));
    change(&mut header, &mut data);
    refusal(put_together(&header, &data))
}

/// The refusal after `change` of the model's configuration.
fn reconfigured(change: impl FnOnce(&mut Value)) -> String {
    changed(|header, _| {
        let mut config = serde_json::from_str(header["__metadata__"]["config"].as_str().unwrap()).unwrap();
        change(&mut config);
        header["__metadata__"]["config"] = config.to_string().into();
    })
}

/// The refusal after the bytes of tensor `name` from `at` on are replaced by `bytes`.
fn poked(header: &Header, packing: Packing, (name, at): (&str, usize), bytes: &[u8]) -> String {
    let (header, mut data) = take_apart(&packed(header, packing));
    let start = place(&header, name)[0] + at;
    data[start..start + bytes.len()].copy_from_slice(bytes);
    refusal(put_together(&header, &data))
}

#[track_caller]
pub(super) fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = packed(&plain(), Packing::default());
    for length in 0..whole.len() {
        refusal(whole[..length].to_vec());
    }
    says(&refusal(Vec::new()), &["at least 8 bytes, found 0", "bitspike pack"]);
    says(&refusal(whole[..100].to_vec()), &["only 92 after its length", "cut short"]);
    says(&refusal(whole[..whole.len() - 1].to_vec()), &["bytes of data after the header", "cut short"]);
    let longer = [&whole[..], b"x"].concat();
    says(&refusal(longer), &["appended"]);
}

#[test]
fn every_flipped_bit_is_refused_or_another_model() {
    // No mutation may panic, whatever it makes of the file; some are legal (another bias, another label).
    let whole = packed(&plain(), Packing { trits: true, ..Packing::default() });
    let mut accepted = 0;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut file = whole.clone();
            file[at] ^= 1 << bit;
            if let Ok(packed) = Packed::from_bytes(file) {
                accepted += 1;
                walk(&packed);
            }
        }
    }
    assert!(accepted > 0 && accepted < 8 * whole.len());
}

/// Calls every accessor.
fn walk(packed: &Packed) {
    let tokenizer = packed.tokenizer().expect("a file of version 2");
    let encoding = tokenizer.encode("ab \u{597d} FILM", Some("a"), 7);
    assert!(encoding.ids.iter().all(|&id| (id as usize) < packed.header().student.vocab_size));
    for (tensor, form, _) in packed.tensors() {
        let mut values = vec![0.0; tensor.columns];
        let mut codes = vec![0; tensor.columns];
        let mut two_bits = vec![0; tensor.columns.div_ceil(4)];
        match tensor.role {
            Role::Table => {
                let table = packed.table(&tensor.name);
                for row in 0..tensor.rows {
                    table.row(row, &mut values);
                    assert!(values.iter().all(|value| value.is_finite()));
                }
            }
            Role::Matrix => {
                let matrix = packed.matrix(&tensor.name);
                for row in (0..tensor.rows).filter(|_| form != Form::Full) {
                    matrix.codes_row(row, &mut codes);
                    matrix.two_bit_row(row, &mut two_bits);
                }
            }
            Role::Classifier | Role::Relative | Role::Vector | Role::Threshold => {
                assert_eq!(packed.vector(&tensor.name).len(), tensor.rows * tensor.columns);
            }
        }
    }
}

#[test]
fn impossible_headers_are_refused() {
    let data = |length: u64, rest: &[u8]| [&length.to_le_bytes()[..], rest].concat();
    says(&refusal(data(u64::MAX, b"{}")), &["at most 8388608 bytes", "18446744073709551615"]);
    says(&refusal(data(MAX_HEADER as u64 + 1, b"{}")), &["at most", "8388609"]);
    says(&refusal(data(3, b"{}")), &["3 bytes, the file only 2"]);
    says(&refusal(data(0, b"")), &["no safetensors header"]);
    says(&refusal(data(2, b"[]")), &["no safetensors header"]);
    says(&refusal(data(2, b"{}")), &["`format`", "found none"]);
    says(&refusal(data(4, b"{\xff\xff}")), &["no safetensors header"]);
    let deep = [b"{\"a\":".repeat(100_000), b"1".to_vec(), b"}".repeat(100_000)].concat();
    says(&refusal(data(deep.len() as u64, &deep)), &["recursion limit"]);
    // Sizes whose sum or product does not fit a machine word.
    let huge = |shape: &str, offsets: [u64; 2]| {
        let json =
            format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[{},{}]}}}}"#, offsets[0], offsets[1]);
        refusal(data(json.len() as u64, json.as_bytes()))
    };
    huge("[9223372036854775807,9223372036854775807]", [0, 4]);
    huge("[4611686018427387904]", [0, 0]);
    huge("[4]", [18446744073709551600, 18446744073709551615]);
    huge("[-1]", [0, 4]);
    let eight: Vec<String> = (0..8u64)
        .map(|i| {
            let [start, end] = [i, i + 1].map(|i| (i << 61).wrapping_sub(u64::from(i == 8)));
            format!(r#""t{i}":{{"dtype":"U8","shape":[{}],"data_offsets":[{start},{end}]}}"#, end.wrapping_sub(start))
        })
        .collect();
    let json = format!("{{{}}}", eight.join(","));
    refusal(data(json.len() as u64, json.as_bytes()));
}

#[test]
fn other_formats_and_versions_are_called_that() {
    let metadata = |key: &'static str, value: Option<&'static str>| {
        changed(|header, _| {
            let metadata = header["__metadata__"].as_object_mut().unwrap();
            match value {
                Some(value) => metadata.insert(key.into(), value.into()),
                None => metadata.remove(key),
            };
        })
    };
    says(&metadata("format", Some("pt")), &["`format`: expected `bitspike`, found \"pt\""]);
    says(&metadata("format", None), &["found none", "bitspike pack"]);
    says(
        &metadata("format_version", Some("6")),
        &["expected `1`, `2`, `3`, `4` or `5`, found \"6\"", "version of bitspike that packed it"],
    );
    says(&metadata("format_version", None), &["`format_version`: expected `1`, `2`, `3`, `4` or `5`, found none"]);
    says(&metadata("author", Some("x")), &["found \"author\" as well"]);
    says(&metadata("config", None), &["`config`", "found none"]);
    says(&metadata("config", Some("{")), &["`config`"]);
    // A later version may have other keys and another config: the version is what is said.
    let later = changed(|header, _| {
        header["__metadata__"] = json!({"format": "bitspike", "format_version": "9", "more": "x"});
    });
    says(&later, &["found \"9\""]);
}

#[test]
fn impossible_configurations_are_refused() {
    let student = |key: &'static str, value: Value| reconfigured(move |config| config["student"][key] = value);
    says(&student("hidden", json!(0)), &["`config`: hidden: expected 1 to 65536, found 0"]);
    says(&student("hidden", json!(1_000_000_000)), &["hidden"]);
    says(&student("layers", json!(1024)), &["layers.2.query.weight", "found no such tensor"]);
    says(&student("layers", json!(1)), &["tensors of this config", "layers.1"]);
    says(&student("heads", json!(4)), &["heads"]);
    says(&student("vocab_size", json!(8)), &["words.codes", "shape [8, 3], found U8 of shape [7, 3]"]);
    says(&student("labels", json!(["a", "b"])), &["student.labels"]);
    says(&student("num_labels", json!(3)), &["num_labels"]);
    says(&student("weight_bits", json!(2)), &["`config`", "32, 1.58, 1"]);
    says(
        &student("weight_bits", json!(1)),
        &["`layers.0.query.weight.codes`", "shape [6, 1], found U8 of shape [6, 2]"],
    );
    says(
        &student("granularity", json!("matrix")),
        &["`layers.0.query.weight.scales`", "shape [1], found F32 of shape [6]"],
    );
    says(&student("embedding_bits", json!(32)), &["`words`: expected F32 of shape [7, 6], found no such tensor"]);
    says(&student("time_steps", json!(128)), &["time_steps"]);
    says(&student("layer_norm_eps", json!(-1.0)), &["layer_norm_eps"]);
    says(
        &student("feedback", serde_json::to_value(crate::config::Feedback::default()).unwrap()),
        &["without feedback"],
    );
    says(&student("colour", json!(1)), &["unknown field `colour`"]);
    says(&reconfigured(|config| config["x"] = json!(1)), &["unknown field `x`"]);
    says(&reconfigured(|config| config["task"]["x"] = json!(1)), &["unknown field `x`"]);
    says(&reconfigured(|config| config["task"]["metrics"] = json!([])), &["metrics"]);
    says(
        &reconfigured(|config| config["max_length"] = json!(6)),
        &["max_length: expected 3 to student.max_positions = 5"],
    );
    says(&reconfigured(|config| config["max_length"] = json!(2)), &["max_length", "found 2"]);
    let twice = changed(|header, _| {
        let config = header["__metadata__"]["config"].as_str().unwrap().replacen('{', "{\"max_length\":4,", 1);
        header["__metadata__"]["config"] = config.into();
    });
    says(&twice, &["duplicate field"]);
}

#[test]
fn a_student_with_biases_by_distance_has_a_version_of_its_own() {
    let mut with = plain();
    with.student.relative_attention = true;
    let file = packed(&with, Packing::default());
    let whole = Packed::from_bytes(file.clone()).unwrap();
    assert_eq!((whole.header(), whole.format_version()), (&with, FORMAT_VERSION_WITH_DISTANCES));
    assert_eq!(whole.vector("relative_position"), latent(&with, "relative_position").unwrap());
    let refused = |file: &[u8], version: &str| {
        let (mut header, data) = take_apart(file);
        header["__metadata__"]["format_version"] = version.into();
        refusal(put_together(&header, &data))
    };
    for version in ["2", "3"] {
        says(&refused(&file, version), &["no `relative_attention` in a file of version"]);
    }
    says(
        &refused(&packed(&plain(), Packing::default()), "4"),
        &["`format_version`: expected `2` of this configuration", "found \"4\""],
    );
    let mut wide = with;
    wide.student.max_positions = 1 << 20;
    wide.student.heads = 6;
    says(&wide.validate().unwrap_err().to_string(), &["at most 4194304 with `relative_attention`"]);
}

#[test]
fn a_student_of_single_spikes_has_a_version_of_its_own_and_levels_that_it_can_have() {
    let mut single = plain();
    (single.student.code, single.student.time_steps) = (crate::neuron::Levels::Single, 4);
    let file = packed(&single, Packing::default());
    let whole = Packed::from_bytes(file.clone()).unwrap();
    assert_eq!((whole.header(), whole.format_version()), (&single, FORMAT_VERSION_WITH_CODE));
    let (header, _) = take_apart(&file);
    assert_eq!(header["__metadata__"]["format_version"], "3");
    let refused = |version: &str, change: &dyn Fn(&mut Value)| {
        let (mut header, data) = take_apart(&file);
        let mut config = serde_json::from_str(header["__metadata__"]["config"].as_str().unwrap()).unwrap();
        change(&mut config);
        header["__metadata__"]["config"] = config.to_string().into();
        header["__metadata__"]["format_version"] = version.into();
        refusal(put_together(&header, &data))
    };
    says(
        &refused("3", &|config| config["student"]["time_steps"] = json!(12)),
        &["`config`: time_steps: expected with code `single`", "1, 2, 4, 8 or 16, found 12"],
    );
    says(&refused("3", &|config| config["student"]["time_steps"] = json!(32)), &["K 1 to 5", "found 32"]);
    says(&refused("3", &|config| config["student"]["code"] = json!("morse")), &["unknown variant `morse`"]);
    says(&refused("2", &|_| ()), &["code unary in a file of version 2, found `single`"]);
    says(
        &refused("3", &|config| config["student"]["code"] = json!("unary")),
        &["code single in a file of version 3, found `unary`"],
    );
    // What was written before has no such key and is what it was.
    let old = packed(&plain(), Packing::default());
    assert!(!String::from_utf8_lossy(&old).contains("\\\"code\\\""), "an old reader would refuse the key");
}

#[test]
fn tensors_of_other_names_types_and_shapes_are_refused() {
    let renamed = |from: &'static str, to: &'static str| {
        changed(|header, _| {
            let info = header.remove(from).unwrap();
            header.insert(to.into(), info);
        })
    };
    says(&renamed("words.codes", "word.codes"), &["`words.codes`: expected U8", "found no such tensor"]);
    says(&renamed("classifier.bias", "classifier.b"), &["`classifier.bias`: expected F32 of shape [2]"]);
    says(&renamed("layers.1.key.weight.scales", "x"), &["`layers.1.key.weight.scales`: expected F32 of shape [6]"]);
    // D = 6: the 1.6-bit form has as many bytes a row as the 2-bit form, and other codes.
    says(&renamed("layers.0.key.weight.codes", "layers.0.key.weight.trits"), &["`layers.0.key.weight`: row"]);
    let with =
        |name: &'static str, key: &'static str, value: Value| changed(move |header, _| header[name][key] = value);
    says(&with("words.codes", "dtype", json!("I8")), &["expected U8 of shape [7, 3], found I8 of shape [7, 3]"]);
    says(&with("words.codes", "shape", json!([3, 7])), &["found U8 of shape [3, 7]"]);
    says(&with("words.codes", "shape", json!([21])), &["found U8 of shape [21]"]);
    says(&with("classifier.bias", "dtype", json!("I32")), &["found I32"]);
    says(&with("classifier.bias", "shape", json!([3])), &["no safetensors header"]);
    says(&with("classifier.bias", "dtype", json!("F33")), &["no safetensors header"]);
    says(&with("classifier.bias", "data_offsets", json!([0, 8])), &["no safetensors header"]);
    let extra = changed(|header, data| {
        let end = data.len();
        header.insert("fit.bias".into(), json!({"dtype": "U8", "shape": [3], "data_offsets": [end, end + 3]}));
        data.extend([0; 3]);
    });
    says(&extra, &["`fit.bias`: expected", "and not this one"]);
    let both = changed(|header, data| {
        let end = data.len();
        let info = json!({"dtype": "U8", "shape": [6, 2], "data_offsets": [end, end + 12]});
        header.insert("layers.0.key.weight.trits".into(), info);
        data.extend([121; 12]);
    });
    says(&both, &["`layers.0.key.weight.trits`", "and not this one"]);
}

#[test]
fn illegal_codes_and_padding_are_refused() {
    let ternary = plain();
    let trits = Packing { trits: true, ..Packing::default() };
    let codes = ("layers.1.value.weight.codes", 2 * 2);
    let message = poked(&ternary, Packing::default(), codes, &[0b11_00_00_00]);
    says(&message, &["`layers.1.value.weight`: row 2, byte 0", "0, 1 and 2 in 2-bit", "0xc0"]);
    // Six columns: two in the last byte, and two of padding with the value 1.
    let codes = ("layers.1.value.weight.codes", 5 * 2 + 1);
    let message = poked(&ternary, Packing::default(), codes, &[0b00_01_00_00]);
    says(&message, &["row 5, byte 1", "expected 1 as the last 2 2-bit codes of a row of 6 columns", "0x10"]);
    let message = poked(&ternary, trits, ("layers.1.value.weight.trits", 0), &[243]);
    says(&message, &["row 0, byte 0", "bytes up to 242 in 1.6-bit", "0xf3"]);
    let message = poked(&ternary, trits, ("layers.1.value.weight.trits", 1), &[2]);
    says(&message, &["row 0, byte 1", "expected 1 as the last 4 1.6-bit"]);
    let message = poked(&ternary, Packing::default(), ("words.codes", 3 * 6 + 2), &[0x80]);
    says(&message, &["`words`: row 6, byte 2", "-7 to 7 in 4-bit"]);
    let message = poked(&ternary, Packing::default(), ("words.codes", 0), &[0x08]);
    says(&message, &["`words`: row 0, byte 0", "-7 to 7"]);
    let eight = header(false, WeightBits::Binary, Granularity::Matrix, EmbeddingBits::Eight);
    let message = poked(&eight, Packing::default(), ("embeddings.position.codes", 13), &[0x80]);
    says(&message, &["`embeddings.position`: row 2, byte 1", "-127 to 127 in 8-bit"]);
    let message = poked(&eight, Packing::default(), ("layers.0.query.weight.codes", 3), &[0x40]);
    says(&message, &["`layers.0.query.weight`: row 3, byte 0", "expected 0 as the last 2 1-bit codes"]);
}

#[test]
fn an_odd_width_pads_four_bit_rows() {
    let mut odd = plain();
    (odd.student.hidden, odd.student.heads) = (5, 1);
    let message = poked(&odd, Packing::default(), ("words.codes", 2), &[0x10]);
    says(&message, &["`words`: row 0, byte 2", "expected 0 as the last 1 4-bit codes of a row of 5 columns"]);
}

#[test]
fn illegal_numbers_are_refused() {
    let plain = plain();
    let poke =
        |name: &str, at: usize, value: f32| poked(&plain, Packing::default(), (name, 4 * at), &value.to_le_bytes());
    for value in [f32::NAN, f32::INFINITY, -1.0, -0.0, f32::MAX] {
        let message = poke("words.scales", 6, value);
        says(&message, &["`words`: scale 6: expected a number from 0 to ", &format!("found {value}")]);
    }
    says(&poke("layers.0.output.weight.scales", 5, f32::NAN), &["`layers.0.output.weight`: scale 5"]);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        says(
            &poke("layers.1.intermediate.bias", 10, value),
            &["`layers.1.intermediate.bias`: value 10: expected a finite"],
        );
        says(&poke("classifier.weight", 11, value), &["`classifier.weight`: value 11"]);
        says(&poke("layers.0.key_neurons.theta", 0, value), &["`layers.0.key_neurons.theta`: value 0"]);
    }
    for value in [0.0, -0.5, 1e-45] {
        says(&poke("embedding_neurons.theta", 0, value), &["`embedding_neurons.theta`: theta: expected a"]);
    }
}

#[test]
fn places_that_are_no_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.safetensors");
    says(&Packed::open(&missing).unwrap_err().to_string(), &["open model", "none.safetensors"]);
    says(&Packed::open(folder.path()).unwrap_err().to_string(), &["found a folder"]);
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    says(&Packed::open(&empty).unwrap_err().to_string(), &["empty: expected at least 8 bytes, found 0"]);
    let text = folder.path().join("text");
    std::fs::write(&text, "a fine film, and nothing like a model").unwrap();
    says(&Packed::open(&text).unwrap_err().to_string(), &["text: expected a header of at most"]);
}

//! Everything that can be asked of a packed model.

use std::sync::LazyLock;

use bitspike::format::{Form, Packed, Role};
use bitspike::tokenizer::Tokenizer;
use bitspike::{Dynamics, Error, ExitRule, Input, Options};

/// A tokeniser for files of version 1, which have none.
static TOKENIZER: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::from_json(include_bytes!("../seeds/tokenizer/template")).expect("a tokeniser"));

/// Any bytes as a packed model: refused with an error, or it walks and classifies.
pub fn open(file: Vec<u8>) {
    match Packed::from_bytes(file.clone()) {
        Ok(packed) => {
            walk(&packed);
            classify(file, packed);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Classifies in every dynamics: answers that are numbers, or an error.
fn classify(file: Vec<u8>, packed: Packed) {
    let tokenizer = packed.tokenizer().unwrap_or_else(|| TOKENIZER.clone());
    let second = packed.header().task.second.as_ref().map(|_| "film");
    let labels = packed.header().task.labels().len();
    let rule = ExitRule { margin: 0.1, change: 1.0, patience: 1, min_steps: 1 };
    for options in [
        Options::new(),
        Options::new().time_steps(130),
        Options::new().dynamics(Dynamics::Accumulated).time_steps(3).exit(rule),
        Options::new().dynamics(Dynamics::Instantaneous).time_steps(2),
    ] {
        let packed = Packed::from_bytes(file.clone()).expect("it opened before");
        let answers = options.build(packed, tokenizer.clone()).and_then(|model| {
            model.classify(["", "a film"].map(|first| Input { first, second }))
        });
        match answers {
            Err(error) => assert!(matches!(error, Error::Invalid { .. }), "{error:?}"),
            Ok(answers) => {
                for answer in answers {
                    assert!(answer.logits.iter().all(|logit| logit.is_finite()));
                    assert_eq!(answer.label().is_some(), labels > 0);
                }
            }
        }
    }
}

/// Calls every accessor on every tensor and row.
fn walk(packed: &Packed) {
    if let Some(tokenizer) = packed.tokenizer() {
        let encoding = tokenizer.encode("a fine caf\u{e9}, \u{597d}!", Some("film"), 16);
        assert!(encoding.ids.iter().all(|&id| (id as usize) < packed.header().student.vocab_size));
        let json = tokenizer.to_json().expect("it is JSON");
        assert!(Tokenizer::from_json(json.as_bytes()).is_ok());
    }
    assert_eq!(packed.tokenizer().is_some(), packed.format_version() == "2");
    for (tensor, form, _) in packed.tensors() {
        let mut values = vec![0.0; tensor.columns];
        let mut codes = vec![0; tensor.columns];
        let mut two_bits = vec![0; tensor.columns.div_ceil(4)];
        match tensor.role {
            Role::Table => {
                let table = packed.table(&tensor.name);
                for row in 0..table.rows {
                    table.row(row, &mut values);
                    assert!(values.iter().all(|value| value.is_finite()));
                    assert!(table.scale(row) >= 0.0);
                    if form != Form::Full {
                        table.codes_row(row, &mut codes);
                    }
                }
            }
            Role::Matrix => {
                let matrix = packed.matrix(&tensor.name);
                assert_eq!(matrix.full().is_some(), form == Form::Full);
                for row in (0..matrix.rows).filter(|_| form != Form::Full) {
                    matrix.codes_row(row, &mut codes);
                    assert!(codes.iter().all(|code| (-1..=1).contains(code)));
                    matrix.two_bit_row(row, &mut two_bits);
                    assert!(two_bits.iter().all(|byte| byte & byte >> 1 & 0x55 == 0));
                }
            }
            Role::Classifier | Role::Relative | Role::Vector | Role::Threshold => {
                assert!(packed.vector(&tensor.name).iter().all(|value| value.is_finite()));
            }
        }
    }
}

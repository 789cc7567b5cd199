//! Everything that can be asked of a packed model.

use bitspike::format::{Form, Packed, Role};

/// Calls every accessor on every tensor and row.
pub fn walk(packed: &Packed) {
    if let Some(tokenizer) = packed.tokenizer() {
        let encoding = tokenizer.encode("a fine caf\u{e9}, \u{597d}!", Some("film"), 16);
        assert!(encoding.ids.iter().all(|&id| (id as usize) < packed.header().student.vocab_size));
        let json = tokenizer.to_json().expect("it is JSON");
        assert!(bitspike::tokenizer::Tokenizer::from_json(json.as_bytes()).is_ok());
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
            Role::Classifier | Role::Vector | Role::Threshold => {
                assert!(packed.vector(&tensor.name).iter().all(|value| value.is_finite()));
            }
        }
    }
}

//! Embedding tables: rows as bytes of codes, decoded by tables of what each byte stands for.

use bitspike::format::{Form, Packed};

use crate::net::{Kind, Net, Op, Value};

/// `word + position + type` `[B, L, D]`
pub(super) fn embeddings(net: &mut Net, packed: &Packed, ids: Value, types: Value) -> Value {
    let words = rows(net, packed, "words", |net, table| net.node(Op::Gather { axis: 0 }, &[table, ids]));
    let lengths = net.node(Op::Shape, &[ids]);
    let length = net.part(lengths, 1..2);
    let start = net.list(&[0]);
    let first = |net: &mut Net, table| net.node(Op::Slice { axis: 0 }, &[table, start, length]);
    let positions = rows(net, packed, "embeddings.position", first);
    let kinds =
        rows(net, packed, "embeddings.token_type", |net, table| net.node(Op::Gather { axis: 0 }, &[table, types]));
    let sum = net.add(words, positions);
    net.add(sum, kinds)
}

/// The rows of a table that `choose` takes, as values.
fn rows(net: &mut Net, packed: &Packed, name: &str, mut choose: impl FnMut(&mut Net, Value) -> Value) -> Value {
    let table = packed.table(name);
    if table.form == Form::Full {
        let mut values = vec![0.0; table.rows * table.columns];
        values.chunks_exact_mut(table.columns).enumerate().for_each(|(i, row)| table.row(i, row));
        let table = net.floats(name, &[table.rows, table.columns], values);
        return choose(net, table);
    }
    let width = table.form.row_bytes(table.columns);
    let bytes = net.node(Op::Bytes { shape: vec![table.rows, width], values: table.coded_bytes().to_vec() }, &[]);
    net.name(bytes, name);
    let scales = (0..table.rows).map(|row| table.scale(row)).collect();
    let scales = net.floats(format!("{name}.scales"), &[table.rows, 1], scales);
    let (bytes, scales) = (choose(net, bytes), choose(net, scales));
    let places = net.node(Op::Cast(Kind::I64), &[bytes]);
    let (meaning, per_byte) = meaning(net, table.form);
    let codes = net.node(Op::Gather { axis: 0 }, &[meaning, places]);
    // [.., bytes, codes of a byte] -> [.., codes]: one axis less.
    let lengths = net.node(Op::Shape, &[places]);
    let outer = if name == "embeddings.position" { 1 } else { 2 };
    let outer_lengths = net.part(lengths, 0..outer);
    let inner = net.list(&[(width * per_byte) as i64]);
    let lengths = net.node(Op::Concat { axis: 0 }, &[outer_lengths, inner]);
    let codes = net.node(Op::Reshape, &[codes, lengths]);
    let codes = if width * per_byte == table.columns { codes } else { net.slice(codes, outer, 0..table.columns) };
    net.mul(codes, scales)
}

/// The codes that each byte stands for `[256, codes of a byte]`, and how many they are.
fn meaning(net: &mut Net, form: Form) -> (Value, usize) {
    let per_byte = (1..=8).rev().find(|&codes| form.row_bytes(codes) == 1).unwrap_or(1);
    let name = format!("codes.{form}");
    if let Some(known) = net.named(&name) {
        return (known, per_byte);
    }
    let mut codes = vec![0i8; per_byte];
    let mut values = Vec::with_capacity(256 * per_byte);
    for byte in 0..=255 {
        form.codes_of_byte(byte, &mut codes);
        values.extend(codes.iter().map(|&code| f32::from(code)));
    }
    (net.floats(name, &[256, per_byte], values), per_byte)
}

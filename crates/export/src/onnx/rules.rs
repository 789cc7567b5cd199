//! The rules of ONNX's own checker that can be held without it, and those it does not hold.

use std::collections::{HashMap, HashSet};

use bitspike::Model;

use super::Opset;
use crate::protobuf::{Field, fields};
use crate::{Export, Target};

/// `TensorProto.DataType` and its bits.
const BITS: [(u64, u64); 8] = [(1, 32), (2, 8), (3, 8), (7, 64), (9, 8), (11, 64), (22, 4), (26, 2)];

/// The least release of the standard operators that has each operator as it is used.
const SINCE: [(&str, i64); 44] = [
    ("Abs", 13),
    ("Add", 14),
    ("BitShift", 11),
    ("BitwiseAnd", 18),
    ("Cast", 13),
    ("Clip", 13),
    ("Concat", 13),
    ("CumSum", 14),
    ("Div", 14),
    ("Floor", 13),
    ("Gather", 13),
    ("GatherND", 13),
    ("Gelu", 20),
    ("GreaterOrEqual", 16),
    ("Identity", 13),
    ("If", 16),
    ("LayerNormalization", 17),
    ("Less", 13),
    ("MatMul", 13),
    ("MatMulInteger", 10),
    ("Max", 13),
    ("Mod", 13),
    ("Mul", 14),
    ("NonZero", 13),
    ("Pad", 18),
    ("QuantizeLinear", 13),
    ("Reciprocal", 13),
    ("ReduceMax", 18),
    ("ReduceSum", 13),
    ("Reshape", 14),
    ("Round", 11),
    ("ScatterND", 16),
    ("Shape", 13),
    ("Sign", 13),
    ("Slice", 13),
    ("Softmax", 13),
    ("Split", 18),
    ("Sqrt", 13),
    ("Squeeze", 13),
    ("Sub", 14),
    ("Sum", 13),
    ("Transpose", 13),
    ("Unsqueeze", 13),
    ("Where", 16),
];

fn text<'a>(field: &Field<'a>) -> &'a str {
    let Field::Bytes(bytes) = field else { panic!("{field:?} is no text") };
    str::from_utf8(bytes).unwrap()
}

fn message<'a>(field: &Field<'a>) -> Vec<(u32, Field<'a>)> {
    let Field::Bytes(bytes) = field else { panic!("{field:?} is no message") };
    fields(bytes).collect::<Result<_, _>>().unwrap()
}

fn check(file: &[u8], opset: Opset) {
    let model: Vec<_> = fields(file).collect::<Result<_, _>>().unwrap();
    let integer = |number| model.iter().find(|field| field.0 == number).map(|field| field.1);
    assert_eq!(integer(1), Some(Field::Integer(opset.ir_version() as u64)));
    let imports = message(&model.iter().find(|field| field.0 == 8).unwrap().1);
    assert_eq!(imports[1], (2, Field::Integer(opset.number() as u64)));
    let graph = message(&model.iter().find(|field| field.0 == 7).unwrap().1);
    let mut known = HashSet::new();
    for (_, input) in graph.iter().filter(|field| field.0 == 11) {
        assert!(known.insert(text(&message(input)[0].1)), "an input twice");
    }
    for (_, tensor) in graph.iter().filter(|field| field.0 == 5) {
        let tensor = message(tensor);
        let name = text(&tensor.iter().find(|field| field.0 == 8).unwrap().1);
        let elements: u64 = tensor
            .iter()
            .filter(|field| field.0 == 1)
            .map(|field| if let Field::Integer(length) = field.1 { length } else { panic!("{name}") })
            .product();
        let Some((_, Field::Integer(kind))) = tensor.iter().find(|field| field.0 == 2) else { panic!("{name}") };
        let Some((_, Field::Bytes(raw))) = tensor.iter().find(|field| field.0 == 9) else { panic!("{name}") };
        let bits = BITS.iter().find(|known| known.0 == *kind).unwrap().1;
        assert_eq!(raw.len() as u64, (elements * bits).div_ceil(8), "{name}: bytes");
        assert!(known.insert(name), "{name} twice");
    }
    nodes(&graph, opset, &mut known);
    for (_, output) in graph.iter().filter(|field| field.0 == 12) {
        assert!(known.contains(text(&message(output)[0].1)));
    }
    for name in bitspike::config::population_names(2) {
        assert!(known.contains(name.as_str()), "no counts of {name}");
    }
}

/// The nodes of a graph, and of the branches of its nodes, which see what was there before.
fn nodes<'a>(graph: &[(u32, Field<'a>)], opset: Opset, known: &mut HashSet<&'a str>) {
    let since: HashMap<_, _> = SINCE.into_iter().collect();
    for (_, node) in graph.iter().filter(|field| field.0 == 1) {
        let node = message(node);
        let operator = text(&node.iter().find(|field| field.0 == 4).unwrap().1);
        assert!(since[operator] <= opset.number(), "{operator}");
        for (_, input) in node.iter().filter(|field| field.0 == 1) {
            assert!(known.contains(text(input)), "{operator} reads {} before it is there", text(input));
        }
        for (_, attribute) in node.iter().filter(|field| field.0 == 5) {
            for (_, branch) in message(attribute).iter().filter(|field| field.0 == 6) {
                let (branch, mut seen) = (message(branch), known.clone());
                nodes(&branch, opset, &mut seen);
                let outputs: Vec<_> = branch.iter().filter(|field| field.0 == 12).collect();
                assert!(matches!(outputs[..], [(_, output)] if seen.contains(text(&message(output)[0].1))));
            }
        }
        for (_, output) in node.iter().filter(|field| field.0 == 2) {
            assert!(known.insert(text(output)), "{} twice", text(output));
        }
    }
}

#[test]
fn files_hold_the_rules_of_the_format() {
    let model = Model::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors")).unwrap();
    for opset in [Opset::V21, Opset::V25] {
        for fast in [false, true] {
            let export = Export::new(&model, "sst2-tiny", Target::Onnx { opset, fast }).unwrap();
            check(&export.files[0].1, opset);
        }
    }
    check(&Export::new(&model, "sst2-tiny", Target::TransformersJs).unwrap().files[0].1, Opset::V21);
}

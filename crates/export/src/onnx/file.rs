//! The messages of an ONNX file. Field numbers are those of `onnx.proto`.

use crate::protobuf::Message;

/// `TensorProto.DataType`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Int64 = 7,
    Bool = 9,
    Double = 11,
    Int4 = 22,
    Int2 = 26,
}

pub(super) enum Attribute {
    Float(f32),
    Graph(Message),
    Integer(i64),
    Integers(Vec<i64>),
    Text(&'static str),
}

/// Nodes, initialisers, inputs and outputs in their order.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    tensors: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
}

impl Graph {
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[String],
        outputs: &[&str],
        attributes: &[(&str, Attribute)],
    ) {
        let mut node = Message::default();
        for input in inputs {
            node = node.text(1, input);
        }
        for output in outputs {
            node = node.text(2, output);
        }
        node = node.text(3, &format!("{operator}.{}", outputs[0])).text(4, operator);
        for (name, attribute) in attributes {
            let message = Message::default().text(1, name);
            let message = match attribute {
                Attribute::Float(value) => message.float(2, *value).integer(20, 1),
                Attribute::Graph(graph) => message.message(6, graph).integer(20, 5),
                Attribute::Integer(value) => message.integer(3, *value).integer(20, 2),
                Attribute::Text(text) => message.text(4, text).integer(20, 3),
                Attribute::Integers(values) => {
                    values.iter().fold(message, |message, &value| message.integer(8, value)).integer(20, 7)
                }
            };
            node = node.message(5, &message);
        }
        self.nodes.push(node);
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Takes the nodes from the `first` on for a branch that hands out `output`, of `f32`. Initialisers stay: a branch sees them.
    pub(super) fn branch(&mut self, first: usize, output: &str) -> Message {
        let tensor = Message::default().integer(1, Type::Float as i64);
        let value = Message::default().text(1, output).message(2, &Message::default().message(1, &tensor));
        Message::default().messages(1, self.nodes.split_off(first)).text(2, output).message(12, &value)
    }

    /// An initialiser as raw bytes; the length is checked, since the format's own checker does not.
    pub(super) fn tensor(&mut self, name: &str, kind: Type, shape: &[usize], bytes: &[u8]) {
        let elements: usize = shape.iter().product();
        let bits = match kind {
            Type::Double | Type::Int64 => 64,
            Type::Float => 32,
            Type::Uint8 | Type::Int8 | Type::Bool => 8,
            Type::Int4 => 4,
            Type::Int2 => 2,
        };
        assert_eq!(bytes.len(), (elements * bits).div_ceil(8), "bytes of {name} {shape:?}");
        let tensor = shape.iter().fold(Message::default(), |tensor, &length| tensor.integer(1, length as i64));
        self.tensors.push(tensor.integer(2, kind as i64).text(8, name).bytes(9, bytes));
    }

    pub(super) fn input(&mut self, name: &str, kind: Type, axes: &[&str]) {
        let axes = axes.iter().map(|axis| Message::default().text(2, axis));
        self.inputs.push(described(name, kind, axes));
    }

    pub(super) fn output(&mut self, name: &str, kind: Type, shape: &[Option<usize>]) {
        let axes = shape.iter().map(|length| match length {
            Some(length) => Message::default().integer(1, *length as i64),
            None => Message::default().text(2, "batch"),
        });
        self.outputs.push(described(name, kind, axes));
    }

    pub(super) fn finish(self, opset: i64, ir_version: i64, metadata: &[(&str, String)]) -> Vec<u8> {
        let graph = Message::default()
            .messages(1, self.nodes)
            .text(2, "bitspike")
            .messages(5, self.tensors)
            .messages(11, self.inputs)
            .messages(12, self.outputs);
        let entries = metadata.iter().map(|(key, value)| Message::default().text(1, key).text(2, value));
        Message::default()
            .integer(1, ir_version)
            .text(2, "bitspike")
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, &graph)
            .message(8, &Message::default().text(1, "").integer(2, opset))
            .messages(14, entries)
            .0
    }
}

fn described(name: &str, kind: Type, axes: impl Iterator<Item = Message>) -> Message {
    let shape = Message::default().messages(1, axes);
    let tensor = Message::default().integer(1, kind as i64).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

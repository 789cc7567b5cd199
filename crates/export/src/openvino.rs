//! A student as an OpenVINO model: operators in XML, constants in a binary file beside it.
//!
//! Codes are of two bits (`u2`, the first in the lowest bits), made signed by an **f32** constant: with one of the codes' own type
//! the runtime would round counts to eight bits block by block.

use std::fmt::Write;

use crate::net::{Kind, Net, Op, Value};

/// The XML and the binary file.
pub(crate) fn write(net: &Net, name: &str) -> (Vec<u8>, Vec<u8>) {
    let mut writer = Writer::default();
    for (index, node) in net.nodes.iter().enumerate() {
        writer.is_named = node.name.is_some() && !matches!(node.op, Op::Codes { .. });
        let inputs = node.inputs.iter().map(|input| writer.places[input]).collect();
        let outputs = writer.node(&node.op, inputs, node.name.as_deref().unwrap_or(&format!("v{index}")));
        for (output, place) in outputs.into_iter().enumerate() {
            writer.places.insert(Value { node: index, output }, place);
        }
    }
    for (_, value, _) in &net.outputs {
        let place = writer.places[value];
        writer.layer("Result", 1, "", &[place], (0, ""), "result");
    }
    (writer.finish(name), writer.constants)
}

/// A layer and one of its ports.
type Place = (usize, usize);

#[derive(Default)]
struct Writer {
    layers: String,
    edges: String,
    constants: Vec<u8>,
    count: usize,
    /// Whether the value of the next layer has a name of its own in the model.
    is_named: bool,
    places: std::collections::HashMap<Value, Place>,
}

impl Writer {
    /// Appends a layer of `outputs.0` outputs of type `outputs.1`; the place of the first.
    fn layer(
        &mut self,
        kind: &str,
        version: u32,
        data: &str,
        inputs: &[Place],
        (outputs, precision): (usize, &str),
        name: &str,
    ) -> Place {
        let id = self.count;
        self.count += 1;
        let text = &mut self.layers;
        let _ = write!(
            text,
            "\t\t<layer id=\"{id}\" name=\"{name}.{id}\" type=\"{kind}\" version=\"opset{version}\">\n\t\t\t<data {data}/>\n"
        );
        if !inputs.is_empty() {
            text.push_str("\t\t\t<input>\n");
            for port in 0..inputs.len() {
                let _ = writeln!(text, "\t\t\t\t<port id=\"{port}\"/>");
            }
            text.push_str("\t\t\t</input>\n");
        }
        if outputs > 0 {
            text.push_str("\t\t\t<output>\n");
            for output in 0..outputs {
                let names = if self.is_named { format!(" names=\"{name}\"") } else { String::new() };
                let _ =
                    writeln!(text, "\t\t\t\t<port id=\"{}\" precision=\"{precision}\"{names}/>", inputs.len() + output);
            }
            text.push_str("\t\t\t</output>\n");
        }
        text.push_str("\t\t</layer>\n");
        for (port, (layer, from)) in inputs.iter().enumerate() {
            let _ = writeln!(
                self.edges,
                "\t\t<edge from-layer=\"{layer}\" from-port=\"{from}\" to-layer=\"{id}\" to-port=\"{port}\"/>"
            );
        }
        (id, inputs.len())
    }

    fn constant(&mut self, kind: &str, shape: &[usize], bytes: &[u8], name: &str) -> Place {
        let offset = self.constants.len().next_multiple_of(64);
        self.constants.resize(offset, 0);
        self.constants.extend_from_slice(bytes);
        let id = self.count;
        self.count += 1;
        let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
        let dims: String = shape.iter().map(|length| format!("<dim>{length}</dim>")).collect();
        let precision = match kind {
            "f32" => "FP32",
            "i64" => "I64",
            "u8" => "U8",
            _ => "U2",
        };
        let _ = write!(
            self.layers,
            "\t\t<layer id=\"{id}\" name=\"{name}.{id}\" type=\"Const\" version=\"opset1\">\n\t\t\t<data element_type=\"{kind}\" \
             shape=\"{}\" offset=\"{offset}\" size=\"{}\"/>\n\t\t\t<output>\n\t\t\t\t<port id=\"0\" precision=\"{precision}\">{dims}\
             </port>\n\t\t\t</output>\n\t\t</layer>\n",
            lengths.join(", "),
            bytes.len(),
        );
        (id, 0)
    }

    fn list(&mut self, values: &[i64]) -> Place {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant("i64", &[values.len()], &bytes, "list")
    }

    fn index(&mut self, value: usize) -> Place {
        self.constant("i64", &[], &(value as i64).to_le_bytes(), "index")
    }

    fn number(&mut self, value: f32) -> Place {
        self.constant("f32", &[], &value.to_le_bytes(), "number")
    }

    /// The places of the outputs of `op`.
    fn node(&mut self, op: &Op, inputs: Vec<Place>, name: &str) -> Vec<Place> {
        const BROADCAST: &str = "auto_broadcast=\"numpy\" ";
        let one = (1, "FP32");
        let place = match op {
            Op::Input(_) => self.layer("Parameter", 1, "shape=\"?,?\" element_type=\"i64\" ", &[], (1, "I64"), name),
            Op::Floats { shape, values } => {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.constant("f32", shape, &bytes, name)
            }
            Op::Integers { shape, values } => {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.constant("i64", shape, &bytes, name)
            }
            Op::Bytes { shape, values } => self.constant("u8", shape, values, name),
            Op::Codes { shape: [columns, rows], values } => {
                let code = |i: usize| (values[i % columns * rows + i / columns] + 1) as u8;
                let byte = |at: usize| {
                    (0..4).filter(|i| at + i < values.len()).fold(0, |byte, i| byte | code(at + i) << (2 * i))
                };
                let bytes: Vec<u8> = (0..values.len()).step_by(4).map(byte).collect();
                let codes = self.constant("u2", &[*rows, *columns], &bytes, name);
                let plain = self.layer("Convert", 1, "destination_type=\"f32\" ", &[codes], one, "codes");
                let zero = self.number(1.0);
                let signed = self.layer("Subtract", 1, BROADCAST, &[plain, zero], one, "codes");
                let scale = self.constant("f32", &[1, 1], &1f32.to_le_bytes(), "one");
                self.layer("Multiply", 1, BROADCAST, &[signed, scale], one, "codes")
            }
            Op::Product => {
                let data = "transpose_a=\"false\" transpose_b=\"true\" ";
                self.layer("MatMul", 1, data, &inputs, one, name)
            }
            Op::Add => self.layer("Add", 1, BROADCAST, &inputs, one, name),
            Op::Sub => self.layer("Subtract", 1, BROADCAST, &inputs, one, name),
            Op::Mul => self.layer("Multiply", 1, BROADCAST, &inputs, one, name),
            Op::Div => self.layer("Divide", 1, "auto_broadcast=\"numpy\" m_pythondiv=\"true\" ", &inputs, one, name),
            Op::Mod => self.layer("FloorMod", 1, BROADCAST, &inputs, (1, "I64"), name),
            Op::Floor => self.layer("Floor", 1, "", &inputs, one, name),
            Op::Round => self.layer("Round", 5, "mode=\"half_to_even\" ", &inputs, one, name),
            Op::Sqrt => self.layer("Sqrt", 1, "", &inputs, one, name),
            Op::Reciprocal => {
                let one_over = self.number(1.0);
                let data = "auto_broadcast=\"numpy\" m_pythondiv=\"true\" ";
                self.layer("Divide", 1, data, &[one_over, inputs[0]], one, name)
            }
            Op::Abs => self.layer("Abs", 1, "", &inputs, one, name),
            Op::Sign => self.layer("Sign", 1, "", &inputs, one, name),
            Op::Sum => {
                let add = |writer: &mut Self, sum, next| writer.layer("Add", 1, BROADCAST, &[sum, next], one, name);
                inputs[1..].iter().fold(inputs[0], |sum, &next| add(self, sum, next))
            }
            Op::Clip(low, high) => {
                self.layer("Clamp", 1, &format!("min=\"{low}\" max=\"{high}\" "), &inputs, one, name)
            }
            Op::Less => self.layer("Less", 1, BROADCAST, &inputs, (1, "BOOL"), name),
            Op::AtLeast => self.layer("GreaterEqual", 1, BROADCAST, &inputs, (1, "BOOL"), name),
            Op::Where => self.layer("Select", 1, BROADCAST, &inputs, one, name),
            Op::Cast(kind) => {
                let (kind, precision) = match kind {
                    Kind::F32 => ("f32", "FP32"),
                    Kind::I64 => ("i64", "I64"),
                    Kind::Bool => ("boolean", "BOOL"),
                };
                self.layer("Convert", 1, &format!("destination_type=\"{kind}\" "), &inputs, (1, precision), name)
            }
            Op::Gather { axis } => {
                let axis = self.index(*axis);
                self.layer("Gather", 8, "batch_dims=\"0\" ", &[inputs[0], inputs[1], axis], one, name)
            }
            Op::Reshape => self.layer("Reshape", 1, "special_zero=\"false\" ", &inputs, one, name),
            Op::ReshapeKeeping => self.layer("Reshape", 1, "special_zero=\"true\" ", &inputs, one, name),
            Op::Transpose(order) => {
                let order: Vec<i64> = order.iter().map(|&axis| axis as i64).collect();
                let order = self.list(&order);
                self.layer("Transpose", 1, "", &[inputs[0], order], one, name)
            }
            Op::Unsqueeze(axis) => {
                let axis = self.list(&[*axis as i64]);
                self.layer("Unsqueeze", 1, "", &[inputs[0], axis], one, name)
            }
            Op::Squeeze(axis) => {
                let axis = self.list(&[*axis as i64]);
                self.layer("Squeeze", 1, "", &[inputs[0], axis], one, name)
            }
            Op::Split { axis, parts } => {
                let axis = self.index(*axis);
                let data = format!("num_splits=\"{parts}\" ");
                let (layer, port) = self.layer("Split", 1, &data, &[inputs[0], axis], (*parts, "FP32"), name);
                return (0..*parts).map(|output| (layer, port + output)).collect();
            }
            Op::Slice { axis } => {
                let (step, axes) = (self.list(&[1]), self.list(&[*axis as i64]));
                self.layer("Slice", 8, "", &[inputs[0], inputs[1], inputs[2], step, axes], one, name)
            }
            Op::Pad => {
                // The list says first what comes before each axis, then what comes after; half of it is half of its length.
                let halves = self.index(0);
                let (layer, port) =
                    self.layer("Split", 1, "num_splits=\"2\" ", &[inputs[1], halves], (2, "I64"), "pads");
                let zero = self.number(0.0);
                let inputs = [inputs[0], (layer, port), (layer, port + 1), zero];
                self.layer("Pad", 1, "pad_mode=\"constant\" ", &inputs, one, name)
            }
            Op::Concat { axis } => self.layer("Concat", 1, &format!("axis=\"{axis}\" "), &inputs, (1, "I64"), name),
            Op::Shape => self.layer("ShapeOf", 3, "output_type=\"i64\" ", &inputs, (1, "I64"), name),
            Op::Max { axis } => {
                let axes = self.list(&[*axis as i64]);
                self.layer("ReduceMax", 1, "keep_dims=\"true\" ", &[inputs[0], axes], one, name)
            }
            Op::OrderedSum => {
                let (axis, last) = (self.index(0), self.constant("i64", &[], &(-1i64).to_le_bytes(), "last"));
                let data = "exclusive=\"false\" reverse=\"false\" ";
                let sums = self.layer("CumSum", 3, data, &[inputs[0], axis], one, "running");
                let axis = self.index(0);
                self.layer("Gather", 8, "batch_dims=\"0\" ", &[sums, last, axis], one, name)
            }
            Op::Join { .. } => unreachable!("sums in f64 are written as pairs of f32"),
            Op::MatMul
            | Op::Softmax
            | Op::Gelu
            | Op::LayerNorm { .. }
            | Op::MaxOfAll
            | Op::Greatest
            | Op::NonZero
            | Op::GatherNd
            | Op::ScatterNd
            | Op::When { .. } => unreachable!("all is written in the engine's order"),
        };
        vec![place]
    }

    fn finish(&self, name: &str) -> Vec<u8> {
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        format!(
            "<?xml version=\"1.0\"?>\n<net name=\"{escaped}\" version=\"11\">\n\t<layers>\n{}\t</layers>\n\t<edges>\n{}\t</edges>\n\
             \t<rt_info/>\n</net>\n",
            self.layers, self.edges
        )
        .into_bytes()
    }
}

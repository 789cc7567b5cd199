//! A student as an ONNX file.

mod file;
#[cfg(test)]
mod rules;

use std::collections::HashMap;

use self::file::{Attribute, Graph, Type};
use crate::net::{Kind, Net, Op, Value};

/// The release of the standard operators, which says how codes are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Opset {
    /// Codes as INT4, two a byte.
    #[default]
    #[serde(rename = "21")]
    V21,
    /// Codes as INT2, four a byte.
    #[serde(rename = "25")]
    V25,
}

impl Opset {
    /// Its number, as `--opset` has it.
    pub fn number(self) -> i64 {
        match self {
            Self::V21 => 21,
            Self::V25 => 25,
        }
    }

    /// The version of the file format that came with it.
    fn ir_version(self) -> i64 {
        match self {
            Self::V21 => 10,
            Self::V25 => 13,
        }
    }

    fn codes(self) -> Type {
        match self {
            Self::V21 => Type::Int4,
            Self::V25 => Type::Int2,
        }
    }
}

/// What is added to counts so that they are unsigned: signed bytes times signed codes are slow in ONNX Runtime.
const ZERO: u8 = 128;

/// How codes of weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codes {
    /// In the smallest integers of the opset.
    Integers,
    /// Four a byte, each one more than it is, unpacked by operators on bytes: the builds of ONNX Runtime Web that transformers.js takes in
    /// browsers have no casts from INT4 and INT2.
    Bytes,
}

/// The bytes of the model file; `metadata` says what the operators alone do not.
pub(crate) fn write(net: &Net, opset: Opset, codes: Codes, metadata: &[(&str, String)]) -> Vec<u8> {
    let (begins, unsigned, constants) = (Vec::new(), HashMap::new(), HashMap::new());
    let mut writer = Writer { net, opset, codes, graph: Graph::default(), begins, unsigned, constants };
    for index in 0..net.nodes.len() {
        writer.begins.push(writer.graph.len());
        writer.node(index);
    }
    for (name, value, shape) in &net.outputs {
        debug_assert_eq!(*name, writer.of(*value));
        writer.graph.output(name, Type::Float, shape);
    }
    writer.graph.finish(opset.number(), opset.ir_version(), metadata)
}

struct Writer<'a> {
    net: &'a Net,
    opset: Opset,
    codes: Codes,
    graph: Graph,
    /// How many nodes of the file there were before each of the net's.
    begins: Vec<usize>,
    /// Counts as unsigned bytes, by their value.
    unsigned: HashMap<Value, String>,
    constants: HashMap<String, String>,
}

impl Writer<'_> {
    /// The name of a value in the file.
    fn of(&self, Value { node, output }: Value) -> String {
        let one = !matches!(self.net.nodes[node].op, Op::Split { .. });
        match &self.net.nodes[node].name {
            Some(name) => name.clone(),
            None if one => format!("v{node}"),
            None => format!("v{node}.{output}"),
        }
    }

    fn node(&mut self, index: usize) {
        let node = &self.net.nodes[index];
        let name = self.of(Value { node: index, output: 0 });
        let inputs: Vec<String> = node.inputs.iter().map(|&input| self.of(input)).collect();
        let simple = |operator: &str, writer: &mut Self| writer.graph.node(operator, &inputs, &[&name], &[]);
        match &node.op {
            Op::Input(input) => self.graph.input(input, Type::Int64, &["batch", "length"]),
            Op::Floats { shape, values } => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
                self.graph.tensor(&name, Type::Float, shape, &bytes);
            }
            Op::Integers { shape, values } => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
                self.graph.tensor(&name, Type::Int64, shape, &bytes);
            }
            Op::Bytes { shape, values } => self.graph.tensor(&name, Type::Uint8, shape, values),
            Op::Codes { shape, values } if self.codes == Codes::Bytes => self.unpacked(&name, *shape, values),
            Op::Codes { shape, values } => {
                let kind = self.opset.codes();
                self.graph.tensor(&name, kind, shape, &pack(values, kind));
                self.cast(&name, &format!("{name}.int8"), Type::Int8);
            }
            Op::Add => simple("Add", self),
            Op::Sub => simple("Sub", self),
            Op::Mul => simple("Mul", self),
            Op::Div => simple("Div", self),
            Op::Mod => simple("Mod", self),
            Op::Floor => simple("Floor", self),
            Op::Round => simple("Round", self),
            Op::Sqrt => simple("Sqrt", self),
            Op::Reciprocal => simple("Reciprocal", self),
            Op::Abs => simple("Abs", self),
            Op::Sign => simple("Sign", self),
            Op::Sum => simple("Sum", self),
            Op::Less => simple("Less", self),
            Op::AtLeast => simple("GreaterOrEqual", self),
            Op::MatMul => simple("MatMul", self),
            Op::Softmax => simple("Softmax", self),
            Op::Gelu => simple("Gelu", self),
            Op::LayerNorm { epsilon } => {
                let attributes = [("axis", Attribute::Integer(-1)), ("epsilon", Attribute::Float(*epsilon))];
                self.graph.node("LayerNormalization", &inputs, &[&name], &attributes);
            }
            Op::NonZero => simple("NonZero", self),
            Op::GatherNd => simple("GatherND", self),
            Op::ScatterNd => simple("ScatterND", self),
            Op::Where => simple("Where", self),
            Op::Reshape => {
                // A length of 0 is one, not that of the input.
                self.graph.node("Reshape", &inputs, &[&name], &[("allowzero", Attribute::Integer(1))]);
            }
            Op::ReshapeKeeping => simple("Reshape", self),
            Op::Shape => simple("Shape", self),
            Op::Pad => simple("Pad", self),
            Op::Clip(low, high) => {
                let (low, high) = (self.number(*low), self.number(*high));
                self.graph.node("Clip", &[inputs[0].clone(), low, high], &[&name], &[]);
            }
            Op::Cast(kind) => {
                let kind = match kind {
                    Kind::F32 => Type::Float,
                    Kind::I64 => Type::Int64,
                    Kind::Bool => Type::Bool,
                };
                self.cast(&inputs[0], &name, kind);
            }
            Op::Gather { axis } => {
                self.graph.node("Gather", &inputs, &[&name], &[("axis", Attribute::Integer(*axis as i64))]);
            }
            Op::Transpose(order) => {
                let order = order.iter().map(|&axis| axis as i64).collect();
                self.graph.node("Transpose", &inputs, &[&name], &[("perm", Attribute::Integers(order))]);
            }
            Op::Unsqueeze(axis) | Op::Squeeze(axis) => {
                let axes = self.list(&[*axis as i64]);
                let operator = if matches!(node.op, Op::Squeeze(_)) { "Squeeze" } else { "Unsqueeze" };
                self.graph.node(operator, &[inputs[0].clone(), axes], &[&name], &[]);
            }
            Op::Split { axis, parts } => {
                let outputs: Vec<String> = (0..*parts).map(|output| self.of(Value { node: index, output })).collect();
                let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
                let attributes =
                    [("axis", Attribute::Integer(*axis as i64)), ("num_outputs", Attribute::Integer(*parts as i64))];
                self.graph.node("Split", &inputs, &outputs, &attributes);
            }
            Op::Slice { axis } => {
                let axes = self.list(&[*axis as i64]);
                let inputs: Vec<String> = inputs.into_iter().chain([axes]).collect();
                self.graph.node("Slice", &inputs, &[&name], &[]);
            }
            Op::Concat { axis } => {
                self.graph.node("Concat", &inputs, &[&name], &[("axis", Attribute::Integer(*axis as i64))]);
            }
            Op::Max { axis } => {
                let axes = self.list(&[*axis as i64]);
                self.graph.node("ReduceMax", &[inputs[0].clone(), axes], &[&name], &[]);
            }
            Op::MaxOfAll => self.graph.node("ReduceMax", &inputs, &[&name], &[("keepdims", Attribute::Integer(0))]),
            Op::Greatest => simple("Max", self),
            Op::When { then } => {
                let first = self.begins[then.start];
                let then = self.graph.branch(first, &inputs[1]);
                let same = format!("{name}.same");
                self.graph.node("Identity", &inputs[2..], &[&same], &[]);
                let other = self.graph.branch(first, &same);
                let branches = [("then_branch", Attribute::Graph(then)), ("else_branch", Attribute::Graph(other))];
                self.graph.node("If", &inputs[..1], &[&name], &branches);
            }
            Op::OrderedSum => {
                // A running sum cannot be added up in another order, as an optimiser may do with a plain one.
                let (axis, last) = (self.list(&[0]), self.scalar(-1));
                let running = format!("{name}.running");
                self.graph.node("CumSum", &[inputs[0].clone(), axis], &[&running], &[]);
                self.graph.node("Gather", &[running, last], &[&name], &[("axis", Attribute::Integer(0))]);
            }
            Op::Join { divisor } => self.join(&inputs, *divisor, &name),
            Op::Product => self.product(node.inputs[0], &inputs, &name),
        }
    }

    /// Codes of four a byte, row by row. All of it is constant, so that a runtime computes it once.
    fn unpacked(&mut self, name: &str, [rows, columns]: [usize; 2], values: &[i8]) {
        let width = columns.div_ceil(4);
        let byte = |codes: &[i8]| codes.iter().rev().fold(0u8, |byte, &code| byte << 2 | (code + 1) as u8);
        let bytes: Vec<u8> = values.chunks_exact(columns).flat_map(|row| row.chunks(4).map(byte)).collect();
        self.graph.tensor(name, Type::Uint8, &[rows, width], &bytes);
        let (low, axis) = (self.byte(3), self.list(&[2]));
        let parts = [0, 2, 4, 6].map(|bits| {
            let (shifted, masked, part) =
                (format!("{name}.{bits}"), format!("{name}.{bits}.low"), format!("{name}.{bits}.part"));
            let by = self.byte(bits);
            let right = [("direction", Attribute::Text("RIGHT"))];
            self.graph.node("BitShift", &[name.to_owned(), by], &[&shifted], &right);
            self.graph.node("BitwiseAnd", &[shifted, low.clone()], &[&masked], &[]);
            self.graph.node("Unsqueeze", &[masked, axis.clone()], &[&part], &[]);
            part
        });
        let [joined, all, plain, signed] = ["joined", "all", "plain", "signed"].map(|step| format!("{name}.{step}"));
        self.graph.node("Concat", &parts, &[&joined], &[("axis", Attribute::Integer(2))]);
        let shape = self.list(&[rows as i64, 4 * width as i64]);
        self.graph.node("Reshape", &[joined, shape], &[&all], &[]);
        let all = if columns % 4 == 0 {
            all
        } else {
            let (begin, end, axis) = (self.list(&[0]), self.list(&[columns as i64]), self.list(&[1]));
            let cut = format!("{name}.cut");
            self.graph.node("Slice", &[all, begin, end, axis], &[&cut], &[]);
            cut
        };
        self.cast(&all, &plain, Type::Float);
        let one = self.number(1.0);
        self.graph.node("Sub", &[plain, one], &[&signed], &[]);
        self.cast(&signed, &format!("{name}.int8"), Type::Int8);
    }

    fn cast(&mut self, input: &str, output: &str, kind: Type) {
        self.graph.node("Cast", &[input.to_owned()], &[output], &[("to", Attribute::Integer(kind as i64))]);
    }

    /// Partial sums added in `f64`, divided, as `f32`.
    fn join(&mut self, inputs: &[String], divisor: usize, name: &str) {
        let axes = self.list(&[2]);
        let mut sums = Vec::new();
        for (i, input) in inputs.iter().enumerate() {
            let (wide, sum) = (format!("{name}.wide{i}"), format!("{name}.sum{i}"));
            self.cast(input, &wide, Type::Double);
            self.graph.node("ReduceSum", &[wide, axes.clone()], &[&sum], &[]);
            sums.push(sum);
        }
        if sums.len() > 1 {
            let sum = format!("{name}.sum");
            self.graph.node("Add", &sums, &[&sum], &[]);
            sums = vec![sum];
        }
        let mut sum = sums.remove(0);
        if divisor != 1 {
            let divided = format!("{name}.divided");
            let by = self.constant(format!("double.{divisor}"), Type::Double, &[], &(divisor as f64).to_le_bytes());
            self.graph.node("Div", &[sum, by], &[&divided], &[]);
            sum = divided;
        }
        self.cast(&sum, name, Type::Float);
    }

    /// Unsigned counts times signed codes, in 32-bit integers.
    fn product(&mut self, counts: Value, inputs: &[String], name: &str) {
        let unsigned = match self.unsigned.get(&counts) {
            Some(known) => known.clone(),
            None => {
                // Counts are whole: nothing is rounded.
                let unsigned = format!("{}.uint8", inputs[0]);
                let (one, zero) = (self.number(1.0), self.zero());
                self.graph.node("QuantizeLinear", &[inputs[0].clone(), one, zero], &[&unsigned], &[]);
                self.unsigned.insert(counts, unsigned.clone());
                unsigned
            }
        };
        let zero = self.zero();
        let sums = format!("{name}.int32");
        self.graph.node("MatMulInteger", &[unsigned, format!("{}.int8", inputs[1]), zero], &[&sums], &[]);
        self.cast(&sums, name, Type::Float);
    }

    fn byte(&mut self, value: u8) -> String {
        self.constant(format!("byte.{value}"), Type::Uint8, &[], &[value])
    }

    /// [`ZERO`]
    fn zero(&mut self) -> String {
        self.constant("zero_of_counts".to_owned(), Type::Uint8, &[], &[ZERO])
    }

    fn number(&mut self, value: f32) -> String {
        self.constant(format!("float.{:08x}", value.to_bits()), Type::Float, &[], &value.to_le_bytes())
    }

    fn scalar(&mut self, value: i64) -> String {
        self.constant(format!("integer.{value}"), Type::Int64, &[], &value.to_le_bytes())
    }

    fn list(&mut self, values: &[i64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let name = values.iter().map(|value| format!(".{value}")).collect::<String>();
        self.constant(format!("integers{name}"), Type::Int64, &[values.len()], &bytes)
    }

    /// A constant of this format alone.
    fn constant(&mut self, name: String, kind: Type, shape: &[usize], bytes: &[u8]) -> String {
        if let Some(known) = self.constants.get(&name) {
            return known.clone();
        }
        self.graph.tensor(&name, kind, shape, bytes);
        self.constants.insert(name.clone(), name.clone());
        name
    }
}

/// Codes in two's complement of few bits, the first in the lowest.
fn pack(codes: &[i8], kind: Type) -> Vec<u8> {
    let bits = if kind == Type::Int2 { 2 } else { 4 };
    let mask = (1u8 << bits) - 1;
    let byte = |codes: &[i8]| codes.iter().rev().fold(0u8, |byte, &code| byte << bits | code as u8 & mask);
    codes.chunks(8 / bits).map(byte).collect()
}

//! What a student computes, as a list of plain operators that every runtime here has.
//!
//! [`crate::student`] writes the list once; [`crate::onnx`] and [`crate::openvino`] write it down in their formats.

use std::collections::HashMap;
use std::ops::Range;

/// A value: an output of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    pub(crate) node: usize,
    pub(crate) output: usize,
}

/// Types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    I64,
    Bool,
}

/// What a node computes of its inputs. Shapes broadcast as numpy's do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    /// `[B, L]` whole numbers of the caller.
    Input(&'static str),
    Floats {
        shape: Vec<usize>,
        values: Vec<f32>,
    },
    Integers {
        shape: Vec<usize>,
        values: Vec<i64>,
    },
    Bytes {
        shape: Vec<usize>,
        values: Vec<u8>,
    },
    /// `[columns, rows]`: codes -1, 0, 1, input by input.
    Codes {
        shape: [usize; 2],
        values: Vec<i8>,
    },
    Add,
    Sub,
    Mul,
    Div,
    /// Remainder of the sign of the divisor.
    Mod,
    Floor,
    /// To the nearest whole number, ties to the even one.
    Round,
    Sqrt,
    Reciprocal,
    Abs,
    Sign,
    /// All inputs, from left to right.
    Sum,
    Clip(f32, f32),
    Less,
    AtLeast,
    /// `condition ? a : b`
    Where,
    Cast(Kind),
    Gather {
        axis: usize,
    },
    /// To the shape that the second input says; -1 is what is left over.
    Reshape,
    /// The same; 0 is the length that the first input has there.
    ReshapeKeeping,
    Transpose(Vec<usize>),
    Unsqueeze(usize),
    Squeeze(usize),
    /// Into equal parts, one output each.
    Split {
        axis: usize,
        parts: usize,
    },
    /// From input 1 to input 2, both of one element.
    Slice {
        axis: usize,
    },
    /// Zeros before and after, as input 1 says of every axis.
    Pad,
    Concat {
        axis: usize,
    },
    /// The lengths of all axes.
    Shape,
    /// Maximum along an axis, which stays with length 1.
    Max {
        axis: usize,
    },
    /// Maximum of all elements.
    MaxOfAll,
    /// The largest of all inputs, element by element.
    Greatest,
    /// The sum along the first axis in its order, which goes away.
    OrderedSum,
    /// Of 16 partial sums along the last axis, and what was left over in input 1 if there is one: the sum in `f64`, divided, as `f32`.
    Join {
        divisor: usize,
    },
    /// The runtime's own product of matrices, softmax along the last axis, GELU, and norm of input 0 along the last axis with gain and bias,
    /// each in an order of its own.
    MatMul,
    Softmax,
    Gelu,
    LayerNorm {
        epsilon: f32,
    },
    /// Where input 0 holds, `[rank, places]`.
    NonZero,
    /// Input 0 at the places of input 1, `[places, axes]`.
    GatherNd,
    /// Input 0 with input 2 at the places of input 1.
    ScatterNd,
    /// Input 1 if input 0, of one element, holds, else input 2. The nodes `then` are computed in the first case alone; others may use
    /// the constants among them.
    When {
        then: Range<usize>,
    },
    /// Counts of at most 127 `[.., columns]` times codes: whole numbers, exactly.
    Product,
}

/// An operator and what it reads.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) inputs: Vec<Value>,
    pub(crate) name: Option<String>,
}

/// The operators in the order of computation.
#[derive(Debug, Default)]
pub(crate) struct Net {
    /// Whether the runtime adds in `f64`.
    pub(crate) has_doubles: bool,
    pub(crate) nodes: Vec<Node>,
    /// Values that runtimes hand out: name, value, shape with `None` for lengths that vary.
    pub(crate) outputs: Vec<(String, Value, Vec<Option<usize>>)>,
    /// Values of populations, which may be asked for.
    pub(crate) populations: Vec<(String, Value)>,
    /// 1, computed of the inputs, where constants have to be hidden.
    pub(crate) one: Option<Value>,
    scalars: HashMap<u32, Value>,
    integers: HashMap<Vec<i64>, Value>,
}

impl Net {
    pub(crate) fn new(has_doubles: bool) -> Self {
        Self { has_doubles, ..Self::default() }
    }

    pub(crate) fn node(&mut self, op: Op, inputs: &[Value]) -> Value {
        self.nodes.push(Node { op, inputs: inputs.to_vec(), name: None });
        Value { node: self.nodes.len() - 1, output: 0 }
    }

    /// Gives a node the name that its value has in the file.
    pub(crate) fn name(&mut self, value: Value, name: impl Into<String>) -> Value {
        self.nodes[value.node].name = Some(name.into());
        value
    }

    /// The value of a name.
    pub(crate) fn named(&self, name: &str) -> Option<Value> {
        let node = self.nodes.iter().position(|node| node.name.as_deref() == Some(name))?;
        Some(Value { node, output: 0 })
    }

    /// A constant of the model's own name.
    pub(crate) fn floats(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) -> Value {
        let value = self.node(Op::Floats { shape: shape.to_vec(), values }, &[]);
        self.name(value, name)
    }

    /// A number; equal ones are one constant.
    pub(crate) fn number(&mut self, value: f32) -> Value {
        if let Some(&known) = self.scalars.get(&value.to_bits()) {
            return known;
        }
        let made = self.node(Op::Floats { shape: vec![], values: vec![value] }, &[]);
        self.scalars.insert(value.to_bits(), made);
        made
    }

    /// A list of whole numbers; equal ones are one constant.
    pub(crate) fn list(&mut self, values: &[i64]) -> Value {
        if let Some(&known) = self.integers.get(values) {
            return known;
        }
        let made = self.node(Op::Integers { shape: vec![values.len()], values: values.to_vec() }, &[]);
        self.integers.insert(values.to_vec(), made);
        made
    }

    pub(crate) fn add(&mut self, a: Value, b: Value) -> Value {
        self.node(Op::Add, &[a, b])
    }

    pub(crate) fn sub(&mut self, a: Value, b: Value) -> Value {
        self.node(Op::Sub, &[a, b])
    }

    pub(crate) fn mul(&mut self, a: Value, b: Value) -> Value {
        self.node(Op::Mul, &[a, b])
    }

    pub(crate) fn div(&mut self, a: Value, b: Value) -> Value {
        self.node(Op::Div, &[a, b])
    }

    /// `a * x`
    pub(crate) fn times(&mut self, a: Value, x: f32) -> Value {
        let x = self.number(x);
        self.mul(a, x)
    }

    /// `a + x`
    pub(crate) fn plus(&mut self, a: Value, x: f32) -> Value {
        let x = self.number(x);
        self.add(a, x)
    }

    pub(crate) fn reshape(&mut self, a: Value, shape: &[i64]) -> Value {
        let shape = self.list(shape);
        self.node(Op::Reshape, &[a, shape])
    }

    pub(crate) fn transpose(&mut self, a: Value, order: &[usize]) -> Value {
        self.node(Op::Transpose(order.to_vec()), &[a])
    }

    pub(crate) fn split(&mut self, a: Value, axis: usize, parts: usize) -> Vec<Value> {
        let Value { node, .. } = self.node(Op::Split { axis, parts }, &[a]);
        (0..parts).map(|output| Value { node, output }).collect()
    }

    /// The part of `a` at the places `range` of an axis.
    pub(crate) fn slice(&mut self, a: Value, axis: usize, range: Range<usize>) -> Value {
        let (start, end) = (self.list(&[range.start as i64]), self.list(&[range.end as i64]));
        self.node(Op::Slice { axis }, &[a, start, end])
    }

    /// Elements of a list that is computed, as a list.
    pub(crate) fn part(&mut self, list: Value, range: Range<usize>) -> Value {
        self.slice(list, 0, range)
    }

    /// `value` if `condition`, of one element, holds, else `otherwise`. All nodes from `first` on are for `value` alone.
    pub(crate) fn when(&mut self, condition: Value, (first, value): (usize, Value), otherwise: Value) -> Value {
        let then = first..self.nodes.len();
        self.node(Op::When { then }, &[condition, value, otherwise])
    }

    /// `2^-126 .. 2^127`, one constant.
    pub(crate) fn powers(&mut self) -> Value {
        const NAME: &str = "powers_of_two";
        if let Some(known) = self.named(NAME) {
            return known;
        }
        let values = (1..=254).map(|exponent| f32::from_bits(exponent << 23)).collect();
        self.floats(NAME, &[254], values)
    }

    /// `constant` as a value that the runtime does not know before it runs, where it would join it with other constants: OpenVINO makes
    /// `x c + b c` of `(x + b) c`, which rounds elsewhere.
    pub(crate) fn opaque(&mut self, constant: Value) -> Value {
        match self.one {
            Some(one) => self.mul(constant, one),
            None => constant,
        }
    }

    /// Adds in order; one value is itself.
    pub(crate) fn sum(&mut self, values: &[Value]) -> Value {
        match values {
            [one] => *one,
            _ => self.node(Op::Sum, values),
        }
    }
}

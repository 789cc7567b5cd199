//! Attention: key by key in their order, or by the runtime's own products where no count hangs on a last bit.

use super::Counted;
use super::functions::exp;
use crate::net::{Kind, Net, Op, Value};

/// Partial sums of a softmax.
const LANES: usize = 16;

/// Heads, the width of one, and how many of its columns are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) heads: usize,
    pub(super) size: usize,
    pub(super) columns: usize,
}

/// Queries `[B, Q, D]`, keys and values `[B, L, D]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs {
    pub(super) query: Value,
    pub(super) key: Counted,
    pub(super) value: Counted,
    /// Which keys are tokens, `[B, L]`.
    pub(super) mask: Value,
}

/// Which tokens are no padding, `[B, L]`.
pub(super) fn mask(net: &mut Net, mask: Value) -> Value {
    net.node(Op::Cast(Kind::Bool), &[mask])
}

/// 1, since every text has a token.
pub(super) fn one(net: &mut Net, mask: Value) -> Value {
    let mask = net.node(Op::Cast(Kind::F32), &[mask]);
    let of_texts = net.node(Op::Max { axis: 1 }, &[mask]);
    let one = net.node(Op::Max { axis: 0 }, &[of_texts]);
    net.reshape(one, &[1])
}

/// `[B, L, H size]` as `[B, L, H, size]`, its axes in another order.
fn split_heads(net: &mut Net, x: Value, [heads, size]: [usize; 2], order: &[usize]) -> Value {
    let lengths = net.list(&[0, 0, heads as i64, size as i64]);
    let x = net.node(Op::ReshapeKeeping, &[x, lengths]);
    net.transpose(x, order)
}

/// `[B, H, Q, size]` as `[B, Q, H size]`.
fn join_heads(net: &mut Net, x: Value, width: usize) -> Value {
    let x = net.transpose(x, &[0, 2, 1, 3]);
    let lengths = net.list(&[0, 0, width as i64]);
    net.node(Op::ReshapeKeeping, &[x, lengths])
}

/// What scores are multiplied by.
fn factor(net: &mut Net, key: Counted, size: usize) -> Value {
    let root = net.number((size as f32).sqrt());
    net.div(key.scale, root)
}

/// `softmax(query key^T / sqrt(size)) value` `[B, Q, H columns]`, every sum in the engine's order.
///
/// Keys come first, `[L, B, H, Q]`: a sum over them is one of the first axis.
pub(super) fn ordered(net: &mut Net, shape: Shape, inputs: Inputs) -> Value {
    let Shape { heads, size, columns } = shape;
    let Inputs { query, key, value, mask } = inputs;
    let mask = net.transpose(mask, &[1, 0]);
    let mask = net.node(Op::Unsqueeze(2), &[mask]);
    let mask = net.node(Op::Unsqueeze(3), &[mask]);
    // [L, B, H, 1, size] times [B, H, Q, size], column by column.
    let keys = split_heads(net, key.counts, [heads, size], &[1, 0, 2, 3]);
    let keys = net.node(Op::Unsqueeze(3), &[keys]);
    let queries = split_heads(net, query, [heads, size], &[0, 2, 1, 3]);
    let terms = net.mul(keys, queries);
    let columns_of_terms = net.split(terms, 4, size);
    let sums = net.sum(&columns_of_terms);
    let sums = net.node(Op::Squeeze(4), &[sums]);
    let factor = factor(net, key, size);
    let scores = net.mul(sums, factor);
    let weights = softmax(net, scores, mask);
    // [L, B, H, Q, 1] times [L, B, H, 1, columns]
    let weights = net.node(Op::Unsqueeze(4), &[weights]);
    let values = split_heads(net, value.counts, [heads, columns], &[1, 0, 2, 3]);
    let values = net.node(Op::Unsqueeze(3), &[values]);
    let terms = net.mul(weights, values);
    let sums = net.node(Op::OrderedSum, &[terms]);
    let context = net.mul(sums, value.scale);
    join_heads(net, context, heads * columns)
}

/// The same by the runtime's own operators, right but for last bits.
pub(super) fn native(net: &mut Net, shape: Shape, inputs: Inputs) -> Value {
    let Shape { heads, size, .. } = shape;
    let Inputs { query, key, value, mask } = inputs;
    let queries = split_heads(net, query, [heads, size], &[0, 2, 1, 3]);
    let keys = split_heads(net, key.counts, [heads, size], &[0, 2, 3, 1]);
    let values = split_heads(net, value.counts, [heads, size], &[0, 2, 1, 3]);
    let mask = net.node(Op::Unsqueeze(1), &[mask]);
    let mask = net.node(Op::Unsqueeze(1), &[mask]);
    let products = net.node(Op::MatMul, &[queries, keys]);
    let factor = factor(net, key, size);
    let scores = net.mul(products, factor);
    let none = net.number(f32::NEG_INFINITY);
    let scores = net.node(Op::Where, &[mask, scores, none]);
    let weights = net.node(Op::Softmax, &[scores]);
    let context = net.node(Op::MatMul, &[weights, values]);
    let context = net.mul(context, value.scale);
    join_heads(net, context, heads * size)
}

/// The context at `places` `[places, 3]` (sentence, query, column), every sum in the engine's order: `[places]`.
pub(super) fn at(net: &mut Net, shape: Shape, inputs: Inputs, places: Value) -> Value {
    let Shape { heads, size, .. } = shape;
    let Inputs { query, key, value, mask } = inputs;
    let parts = net.split(places, 1, 3);
    let (sentence, token, column) = (parts[0], parts[1], parts[2]);
    let width = net.list(&[size as i64]);
    // Whole numbers, so that the quotient is cut.
    let head = net.div(column, width);
    let gather = |net: &mut Net, x: Value, places: &[Value]| {
        let places = if let [one] = places { *one } else { net.node(Op::Concat { axis: 1 }, places) };
        net.node(Op::GatherNd, &[x, places])
    };
    let queries = split_heads(net, query, [heads, size], &[0, 1, 2, 3]);
    let query = gather(net, queries, &[sentence, token, head]);
    let query = net.node(Op::Unsqueeze(1), &[query]);
    let keys = split_heads(net, key.counts, [heads, size], &[0, 2, 1, 3]);
    let keys = gather(net, keys, &[sentence, head]);
    let values = net.transpose(value.counts, &[0, 2, 1]);
    let values = gather(net, values, &[sentence, column]);
    let values = net.node(Op::Unsqueeze(2), &[values]);
    let mask = gather(net, mask, &[sentence]);
    let inputs =
        Inputs { query, key: Counted { counts: keys, ..key }, value: Counted { counts: values, ..value }, mask };
    let found = ordered(net, Shape { heads: 1, size, columns: 1 }, inputs);
    net.reshape(found, &[-1])
}

/// Softmax along the first axis, `[L, B, H, Q]`, of the keys that `mask` has.
fn softmax(net: &mut Net, scores: Value, mask: Value) -> Value {
    let none = net.number(f32::NEG_INFINITY);
    let scores = net.node(Op::Where, &[mask, scores, none]);
    let most = net.node(Op::Max { axis: 0 }, &[scores]);
    let below = net.sub(scores, most);
    let powers = exp(net, below);
    // Zeros up to a multiple of 16 keys, then [groups, 16, B, H, Q].
    let lengths = net.node(Op::Shape, &[powers]);
    let (length, others) = (net.part(lengths, 0..1), net.part(lengths, 1..4));
    let (zero, lanes) = (net.list(&[0]), net.list(&[LANES as i64]));
    let missing = net.sub(zero, length);
    let missing = net.node(Op::Mod, &[missing, lanes]);
    let (before, after) = (net.list(&[0, 0, 0, 0]), net.list(&[0, 0, 0]));
    let pads = net.node(Op::Concat { axis: 0 }, &[before, missing, after]);
    let padded = net.node(Op::Pad, &[powers, pads]);
    let groups = net.add(length, missing);
    let groups = net.div(groups, lanes);
    let grouped = net.node(Op::Concat { axis: 0 }, &[groups, lanes, others]);
    let grouped = net.node(Op::Reshape, &[padded, grouped]);
    let mut sums = net.node(Op::OrderedSum, &[grouped]);
    // Pairs, each with the one half the lanes away.
    for _ in 0..LANES.ilog2() {
        let halves = net.split(sums, 0, 2);
        sums = net.add(halves[0], halves[1]);
    }
    let inverse = net.node(Op::Reciprocal, &[sums]);
    net.mul(powers, inverse)
}

//! Sums of twice the precision of `f32`, for runtimes that have no `f64`.
//!
//! A number is a pair of `f32` that is their sum. Dekker, "A floating-point technique for extending the available precision"
//! (1971); Knuth, The Art of Computer Programming 2, 4.2.2.

use crate::net::{Net, Value};

/// Splits a number of 24 bits into two of 12.
const SPLITTER: f32 = 4097.0;

#[derive(Clone, Copy)]
struct Pair {
    high: Value,
    low: Value,
}

/// The 16 partial sums of the first input, and the `rest` numbers of the one behind it, added up and divided, as `f32`. Twice rounded:
/// once in some 2^20 sums it is the neighbour of what `f64` gives.
pub(super) fn join(net: &mut Net, inputs: &[Value], rest: usize, divisor: usize) -> Value {
    let mut terms: Vec<Pair> = Vec::new();
    let zero = net.number(0.0);
    if inputs.len() > usize::from(rest > 0) {
        let mut sums = Pair { high: inputs[0], low: zero };
        for level in 0..4 {
            let high = net.split(sums.high, 2, 2);
            let low = if level == 0 { vec![zero, zero] } else { net.split(sums.low, 2, 2) };
            sums = add(net, Pair { high: high[0], low: low[0] }, Pair { high: high[1], low: low[1] });
        }
        terms.push(sums);
    }
    if let (1.., Some(&left)) = (rest, inputs.last()) {
        let parts = if rest == 1 { vec![left] } else { net.split(left, 2, rest) };
        terms.extend(parts.into_iter().map(|high| Pair { high, low: zero }));
    }
    let sum = terms[1..].iter().copied().fold(terms[0], |sum, term| add(net, sum, term));
    let Pair { high, low } = two_sum(net, sum.high, sum.low);
    if divisor == 1 {
        return net.add(high, low);
    }
    // quotient + (sum - quotient * divisor) / divisor; the product exactly, as parts of 12 bits.
    let by = net.number(divisor as f32);
    let quotient = net.div(high, by);
    let product = net.mul(quotient, by);
    let scaled = net.times(quotient, SPLITTER);
    let tail = net.sub(scaled, quotient);
    let upper = net.sub(scaled, tail);
    let lower = net.sub(quotient, upper);
    let (upper, lower) = (net.mul(upper, by), net.mul(lower, by));
    let error = net.sub(upper, product);
    let error = net.add(error, lower);
    let left = net.sub(high, product);
    let left = net.sub(left, error);
    let left = net.add(left, low);
    let correction = net.div(left, by);
    net.add(quotient, correction)
}

/// `a + b`, nearly to the last bit of 48.
fn add(net: &mut Net, a: Pair, b: Pair) -> Pair {
    let sum = two_sum(net, a.high, b.high);
    let low = net.add(a.low, b.low);
    let low = net.add(sum.low, low);
    Pair { high: sum.high, low }
}

/// `a + b` exactly.
fn two_sum(net: &mut Net, a: Value, b: Value) -> Pair {
    let high = net.add(a, b);
    let of_b = net.sub(high, a);
    let of_a = net.sub(high, of_b);
    let (left, right) = (net.sub(a, of_a), net.sub(b, of_b));
    let low = net.add(left, right);
    Pair { high, low }
}

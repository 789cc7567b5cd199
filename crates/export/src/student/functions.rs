//! Norms, exponentials and GELU, operation by operation as `bitspike::arithmetic` computes them.

use super::pairs;
use crate::net::{Kind, Net, Op, Value};

/// Partial sums of a norm.
const LANES: usize = 16;

/// `x[.., width]` added up along its last axis, the third, with 16 partial sums, and divided: `[.., 1]`.
pub(super) fn lane_sum(net: &mut Net, x: Value, width: usize, divisor: usize) -> Value {
    let (groups, rest) = (width / LANES, width % LANES);
    let whole = if rest == 0 { x } else { net.slice(x, 2, 0..groups * LANES) };
    let mut inputs = Vec::new();
    if groups > 0 {
        // Which is 16 wide; what is left over follows.
        let parts = if groups == 1 { vec![whole] } else { net.split(whole, 2, groups) };
        inputs.push(net.sum(&parts));
    }
    if rest > 0 {
        inputs.push(net.slice(x, 2, groups * LANES..width));
    }
    if net.has_doubles { net.node(Op::Join { divisor }, &inputs) } else { pairs::join(net, &inputs, rest, divisor) }
}

/// `gain (x - mean) / sqrt(variance + epsilon) + bias`
pub(super) fn norm(net: &mut Net, x: Value, (width, epsilon): (usize, f32), (gain, bias): (Value, Value)) -> Value {
    let mean = lane_sum(net, x, width, width);
    let centred = net.sub(x, mean);
    let squares = net.mul(centred, centred);
    let variance = lane_sum(net, squares, width, width);
    let raised = net.plus(variance, epsilon);
    let root = net.node(Op::Sqrt, &[raised]);
    // No quotient: ONNX Runtime would make `x / root` of `x * (1 / root)`, which rounds once instead of twice.
    let inverse = net.node(Op::Reciprocal, &[root]);
    let normal = net.mul(centred, inverse);
    // OpenVINO rounds `x gain + bias` once where both are constants.
    let gain = net.opaque(gain);
    let scaled = net.mul(normal, gain);
    net.add(scaled, bias)
}

/// `e^x`, 0 below -87.
pub(super) fn exp(net: &mut Net, x: Value) -> Value {
    let clamped = net.node(Op::Clip(-87.0, 88.0), &[x]);
    let scaled = net.times(clamped, std::f32::consts::LOG2_E);
    // Ties to even, as adding and subtracting 1.5 * 2^23 has it.
    let k = net.node(Op::Round, &[scaled]);
    // ln 2 in two parts.
    let (high, low) = (net.times(k, 0.693_359_4), net.times(k, -2.121_944_4e-4));
    let r = net.sub(clamped, high);
    let r = net.sub(r, low);
    let r2 = net.mul(r, r);
    let inner = net.times(r, 1.0 / 720.0);
    let inner = net.plus(inner, 1.0 / 120.0);
    let inner = net.mul(r, inner);
    let high = net.plus(inner, 1.0 / 24.0);
    let cubic = net.times(r, 1.0 / 6.0);
    let cubic = net.plus(cubic, 0.5);
    let tail = net.mul(r2, high);
    let tail = net.add(cubic, tail);
    let tail = net.mul(r2, tail);
    let linear = net.plus(r, 1.0);
    let p = net.add(linear, tail);
    // 2^k by its exponent, from a table: k is -126 to 127.
    let place = net.plus(k, 126.0);
    let place = net.node(Op::Cast(Kind::I64), &[place]);
    let powers = net.powers();
    let power = net.node(Op::Gather { axis: 0 }, &[powers, place]);
    let value = net.mul(p, power);
    let (least, zero) = (net.number(-87.0), net.number(0.0));
    let below = net.node(Op::Less, &[x, least]);
    net.node(Op::Where, &[below, zero, value])
}

/// BERT's GELU by the engine's polynomial of degree 13.
pub(super) fn gelu(net: &mut Net, x: Value) -> Value {
    const END: f32 = 5.2;
    const P: [f32; 14] = [
        0.135_95,
        -0.067_743_67,
        0.050_024_52,
        -0.039_929_82,
        0.031_989_958,
        -0.024_723_629,
        0.017_954_787,
        -0.012_505_122,
        0.008_559_968,
        -0.004_789_037,
        0.001_800_122_4,
        -0.001_221_495_3,
        0.001_268_511,
        -0.000_481_276_57,
    ];
    let y = net.node(Op::Clip(-END, END), &[x]);
    let square = net.mul(y, y);
    let t = net.times(square, 2.0 / (END * END));
    let t = net.plus(t, -1.0);
    let t2 = net.mul(t, t);
    let t4 = net.mul(t2, t2);
    let pair = |net: &mut Net, i: usize| {
        let scaled = net.times(t, P[2 * i + 1]);
        net.plus(scaled, P[2 * i])
    };
    let four = |net: &mut Net, i: usize| {
        let (low, high) = (pair(net, i), pair(net, i + 1));
        let high = net.mul(high, t2);
        net.add(low, high)
    };
    let (low, middle, high) = (four(net, 0), four(net, 2), four(net, 4));
    let last = pair(net, 6);
    let last = net.mul(last, t4);
    let high = net.add(high, last);
    let t8 = net.mul(t4, t4);
    let high = net.mul(high, t8);
    let middle = net.mul(middle, t4);
    let low = net.add(low, middle);
    let p = net.add(low, high);
    let half = net.mul(y, p);
    let half = net.node(Op::Clip(-0.5, 0.5), &[half]);
    let share = net.plus(half, 0.5);
    net.mul(x, share)
}

/// The largest power of two of `weights` whose three quarters the charge reaches, with its sign; 0 below.
pub(super) fn single(net: &mut Net, charge: Value, weights: u32) -> Value {
    let magnitude = net.node(Op::Abs, &[charge]);
    let mut steps = Vec::new();
    for k in 0..weights {
        let level = (1u32 << k) as f32;
        let least = net.number(0.75 * level);
        let reached = net.node(Op::AtLeast, &[magnitude, least]);
        let reached = net.node(Op::Cast(Kind::F32), &[reached]);
        // From the level below to this one.
        steps.push(net.times(reached, if k == 0 { 1.0 } else { level / 2.0 }));
    }
    let weight = net.sum(&steps);
    let sign = net.node(Op::Sign, &[charge]);
    net.mul(weight, sign)
}

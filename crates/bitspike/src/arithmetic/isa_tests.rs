//! The same bits on every instruction set that this machine has: functions one by one, then whole sentences.

use std::sync::atomic::{AtomicUsize, Ordering};

use pulp::Arch;

use super::*;
use crate::forward::tests::{currents, small_encoder};
use crate::forward::{Dynamics, Sentences, Simulation, Wanted, simulate};
use crate::kernels::Kernels;
use crate::quantize::WeightBits;

/// 0, or 1 and a place in [`all`]. For all threads: what else runs meanwhile must not depend on it, which is what is tested.
static FORCED: AtomicUsize = AtomicUsize::new(0);

/// The instruction set that a test asks for.
pub(super) fn forced() -> Option<Arch> {
    FORCED.load(Ordering::Relaxed).checked_sub(1).and_then(|i| all().into_iter().nth(i))
}

/// All that this machine has, the narrowest first.
fn all() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    {
        all.extend(pulp::x86::V3::try_new().map(Arch::V3));
        all.extend(pulp::x86::V4::try_new().map(Arch::V4));
    }
    #[cfg(not(target_arch = "x86_64"))]
    all.push(Arch::new());
    all
}

/// Calls `f` on every instruction set and compares what it returns with what plain Rust gives.
fn on_each<T: PartialEq + std::fmt::Debug>(what: &str, f: impl Fn() -> T) {
    let on = |i: usize| {
        FORCED.store(i + 1, Ordering::Relaxed);
        let found = f();
        FORCED.store(0, Ordering::Relaxed);
        found
    };
    #[cfg(target_arch = "x86_64")]
    assert!(all().len() > 1 || !Kernels::Avx2.is_available(), "an instruction set is not compared");
    let expected = on(0);
    for (i, arch) in all().into_iter().enumerate().skip(1) {
        let found = on(i);
        assert!(found == expected, "{what}: {arch:?} does not give the bits of plain Rust");
    }
}

/// Numbers of all sizes, small ones more often.
fn values(count: usize) -> Vec<f32> {
    let mut state = 5u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next() * 10f32.powi((4.0 * next()) as i32)).collect()
}

/// Bits of `f` of every value, in vectors.
fn mapped(x: &[f32], f: impl Fn(f32) -> f32) -> Vec<u32> {
    let mut out = x.to_vec();
    vectorised!(|| out.iter_mut().for_each(|x| *x = f(*x)));
    bits(&out)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn functions_give_the_same_bits_on_every_instruction_set() {
    let x = values(10_007);
    on_each("exp", || mapped(&x, exp));
    on_each("gelu", || mapped(&x, gelu));
    on_each("normal", || [mapped(&x, |x| normal(x).0), mapped(&x, |x| normal(x).1)]);
    for width in [1, 15, 16, 17, 31, 384, 10_007] {
        on_each("a layer norm", || {
            let mut row = x[..width].to_vec();
            let inverse = vectorised!(|| normalise_row(&mut row, 1e-12));
            (bits(&row), inverse.to_bits())
        });
        on_each("a sum", || vectorised!(|| lane_sum2(&x[..width], &x[..width], |x, y| x * y)).to_bits());
        on_each("a softmax", || {
            let mut row = x[..width].to_vec();
            row.resize(width.next_multiple_of(LANES), 0.0);
            softmax(&mut row, width);
            bits(&row)
        });
    }
    for (length, width, heads) in [(1, 3, 1), (7, 12, 3), (33, 64, 2), (40, 75, 5)] {
        let part = |i: usize| &x[i * length * width..][..length * width];
        on_each("attention", || {
            let (key, value) = (Scaled { values: part(1), scale: 0.3 }, Scaled { values: part(2), scale: 0.7 });
            let mut out = vec![0.0; length * width];
            Attention::default()
                .attend(AttentionInputs { query: part(0), key, value, width, heads, relative: None }, &mut out);
            bits(&out)
        });
    }
}

#[test]
fn whole_sentences_give_the_same_bits_on_every_instruction_set() {
    for bits in [WeightBits::Ternary, WeightBits::Full] {
        for signed in [true, false] {
            for kernels in Kernels::available() {
                let encoder = small_encoder(signed, bits).with_kernels(kernels).unwrap();
                let embedded = currents(13);
                for (dynamics, steps) in [
                    (Dynamics::Phased, 16),
                    (Dynamics::Phased, 150),
                    (Dynamics::Accumulated, 21),
                    (Dynamics::Instantaneous, 9),
                ] {
                    let simulation = Simulation { hysteresis: 0.25, ..Simulation::new(dynamics, steps) };
                    on_each("a sentence", || {
                        let sentences = Sentences { currents: &embedded, lengths: &[4, 9] };
                        let wanted = Wanted { sums: true, ..Wanted::default() };
                        let runs = simulate(&encoder, sentences, &simulation, wanted).unwrap();
                        let logits = runs.iter().flat_map(|run| self::bits(&run.logits)).collect::<Vec<_>>();
                        (logits, runs)
                    });
                }
            }
        }
    }
}

//! Loops in vectors, and reductions that add in one order on every machine.

use pulp::Simd;

/// Accumulators of a reduction.
pub const LANES: usize = 16;

/// Scratch memory that begins at a cache line: no vector in it lies across two.
#[derive(Debug, Clone, Default)]
pub(super) struct Aligned(Vec<f32>);

impl Aligned {
    /// `size` values, what they were before or 0.
    pub(super) fn get(&mut self, size: usize) -> &mut [f32] {
        self.0.resize(size + LANES, 0.0);
        let skip = self.0.as_ptr().align_offset(4 * LANES).min(LANES);
        &mut self.0[skip..][..size]
    }
}

/// The instruction set that everything here runs on: the widest of this machine, whatever [`Kernels`](crate::Kernels) are chosen.
/// It changes no bit (`isa_tests.rs`).
#[inline(always)]
pub(super) fn arch() -> pulp::Arch {
    #[cfg(test)]
    if let Some(arch) = super::isa_tests::forced() {
        return arch;
    }
    // A module of WebAssembly has vectors or has none: asked anew each time, all of it would be in the module twice.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    // SAFETY: the module is compiled for these instructions, and runs where they are.
    return pulp::Arch::Simd128(unsafe { pulp::wasm::Simd128::new_unchecked() });
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    pulp::Arch::new()
}

/// Runs `f` compiled for the widest instruction set of this machine. `f` and what it calls must be inlined to profit.
#[inline(always)]
pub fn wide<R>(f: impl FnOnce() -> R) -> R {
    arch().dispatch(f)
}

/// [`wide`] of a closure, inlined.
macro_rules! vectorised {
    ($f:expr) => {
        $crate::arithmetic::wide(
            #[inline(always)]
            $f,
        )
    };
}
pub(crate) use vectorised;

/// Joins accumulators pair by pair, each with the one half the lanes away: four steps deep where one after another would be 16.
#[inline(always)]
pub(super) fn join<T: Copy>(lanes: [T; LANES], f: impl Fn(T, T) -> T) -> T {
    // Through memory: a compiler that sees the pairs takes the whole loop before apart into vectors of two.
    let mut lanes = std::hint::black_box(lanes);
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = f(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// `sum of f(x, y)` with [`LANES`] accumulators, joined as pairs of pairs in `f64`.
#[inline(always)]
pub fn lane_sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    let mut lanes = [0.0f32; LANES];
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += f(x[lane], y[lane]);
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(&x, &y)| f64::from(f(x, y))).sum();
    join(lanes.map(f64::from), |a, b| a + b) + rest
}

/// What `f` makes of every [`LANES`]-th value and `start`, in order.
#[inline(always)]
pub(super) fn lanes<S: Simd>(simd: S, x: &[f32], start: f32, f: impl Fn(S::f32s, S::f32s) -> S::f32s) -> [f32; LANES] {
    // As many vectors of these as hold the lanes are used.
    let mut found = [simd.splat_f32s(start); LANES];
    for group in x.as_chunks::<LANES>().0 {
        let (group, _) = S::as_simd_f32s(group);
        found.iter_mut().zip(group).for_each(|(found, &x)| *found = f(*found, x));
    }
    let mut out = [0.0; LANES];
    S::as_mut_simd_f32s(&mut out).0.iter_mut().zip(found).for_each(|(out, found)| *out = found);
    out
}

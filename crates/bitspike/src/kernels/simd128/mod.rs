//! 128-bit kernels of WebAssembly, with the byte products of relaxed SIMD or without.
//!
//! A module either contains these instructions or does not: which kernels it can run is decided when it is compiled, by the target
//! features `simd128` and `relaxed-simd`. They run under Node and in Chromium (`.ci/check_web.sh`).

mod columns;
mod counts;

pub(super) use columns::columns;
pub(super) use counts::{TOKENS, pack, tile};
#[cfg(target_feature = "relaxed-simd")]
pub(super) use counts::{is_exact, tile_relaxed};

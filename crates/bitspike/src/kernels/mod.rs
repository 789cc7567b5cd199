//! Integer products of spikes with 1- and 1.58-bit weights, one instruction set beside the other.
//!
//! | form | input | for |
//! |---|---|---|
//! | [`CountMatrix`] | spike counts of a window | `phased` |
//! | [`BitMatrix`] | the spikes of one step, as bits | stepped dynamics at any rate |
//! | [`ColumnMatrix`] | the spikes of one step, as events | stepped dynamics at low rates |
//!
//! All give `i32` sums; scales are applied once outside. Every instruction set gives the same integers, and
//! [`CountMatrix::project`] the same bits of `f32`: the suite in `conformance.rs` compares them with [`Kernels::Scalar`].
//! [`Kernels`] is chosen at run time and is a value that an encoder holds. Compiled with `--cfg bitspike_scalar`, or for Miri,
//! nothing but plain Rust is ever chosen.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod conformance;
mod forms;
mod instruction_set;
pub mod measure;
#[cfg(any(target_arch = "aarch64", test))]
mod neon;
mod pack;
mod products;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

pub use forms::{BitMatrix, ColumnMatrix, CountMatrix, CountsRef, Events, MAX_COLUMNS, SpikeBits, padded};
pub use instruction_set::Kernels;
pub use pack::pack_counts;

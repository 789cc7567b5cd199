//! The `f32` arithmetic that the trainer and the engine share, operation by operation, so that both compute the same bits.
//!
//! Plain loops over fixed groups of [`LANES`] values, compiled for the widest instruction set of the machine at run time. Sums
//! keep one accumulator a lane and no fused multiply-add is used: results do not depend on the instruction set (`isa_tests.rs`).

mod attention;
mod functions;
mod heads;
mod lanes;
mod relative;
mod softmax;

pub use attention::{Attention, AttentionInputs, Scaled};
pub use functions::{exp, flushed, gelu, largest, normal, normalise_row};
pub use heads::{Head, accumulate, heads, product};
pub(crate) use lanes::vectorised;
pub use lanes::{LANES, lane_sum2, wide};
pub use relative::{RELATIVE_BUCKETS, Relative, RelativeBias, relative_bucket};
pub use softmax::softmax;

#[cfg(test)]
mod isa_tests;
#[cfg(test)]
mod tests;

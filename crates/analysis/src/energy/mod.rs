//! Energy of counted operations, under named constants.
//!
//! An estimate multiplies the exact counts of [`bitspike::count`] with the constants of a [`Profile`], term by term; nothing else is
//! in it. The same constants price the baselines: the teacher in FP32 and in INT8, the student's shape dense in FP32, and the
//! quantised network whose activations have `ceil(log2(T+1))` bits and so carry what `T` spikes carry (Yan et al., arXiv
//! 2409.08290). `docs/energy.md` tells formulas and sources.

mod estimate;
mod profile;

pub use estimate::{
    BreakEven, Estimate, Term, activation_bits, break_even, normalised_operations, of_spikes, of_values,
};
pub use estimate::{Precision, quantised};
pub use profile::{Compute, Constant, Memory, PROFILES, Profile};

#[cfg(test)]
mod tests;

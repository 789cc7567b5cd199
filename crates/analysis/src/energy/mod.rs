//! Energy of counted operations, under named constants.
//!
//! An estimate multiplies the exact counts of [`bitspike::count`] with the constants of a [`Profile`], term by term; nothing else is
//! in it. The same constants price the baselines: the teacher in FP32 and in INT8, the student's shape dense in FP32, and the
//! quantised network whose activations are the counts and so carry what the spikes carry (Yan et al., arXiv
//! 2409.08290). `docs/energy.md` tells formulas and sources.
//!
//! ```
//! use bitspike::count::Operations;
//! use bitspike_analysis::energy::{Prices, Profile};
//!
//! let profile = Profile::named("45nm")?;
//! let prices = Prices { profile: &profile, sentences: 10, bytes: 1_000_000, sum_bits: None, counts: None };
//! let count = Operations { synaptic_acs: 1000, ..Operations::default() };
//! // 100 accumulates a sentence, of 0.9 pJ each.
//! assert_eq!(prices.spikes("student", &count).total_picojoules, 90.0);
//! # Ok::<(), bitspike_analysis::Error>(())
//! ```

mod estimate;
mod profile;
mod student;

pub use estimate::{BreakEven, Estimate, Precision, Prices, Synapses, Term, break_even, normalised_operations};
pub use profile::{Compute, Constant, Memory, PROFILES, Profile};
pub use student::{CountedStudent, Int8Products, bytes_at, shape_of};

#[cfg(test)]
mod tests;

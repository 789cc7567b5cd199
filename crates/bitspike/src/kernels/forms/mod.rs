//! The forms in which products read weights and spikes.

pub(super) mod bits;
pub(super) mod columns;
pub(super) mod counts;

pub use bits::{BitMatrix, SpikeBits};
pub use columns::{ColumnMatrix, Events};
pub use counts::{CountMatrix, CountsRef, MAX_COLUMNS, padded};

/// What a cache line holds. A load of 64 bytes that touches two lines takes twice as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Line<T>(pub(super) T);

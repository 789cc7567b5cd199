//! Work spread over the threads of rayon's current pool or, without the feature `threads`, done one after another.

#[cfg(feature = "threads")]
use rayon::prelude::*;

/// Threads that work is spread over.
pub(crate) fn threads() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// What both give.
pub(crate) fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    #[cfg(feature = "threads")]
    return rayon::join(a, b);
    #[cfg(not(feature = "threads"))]
    (a(), b())
}

/// What `f` makes of every item, in their order; a thread takes `least` items at a time, or more.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, least: usize, f: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    #[cfg(feature = "threads")]
    if items.len() > least {
        return items.into_par_iter().with_min_len(least).map(f).collect();
    }
    #[cfg(not(feature = "threads"))]
    let _ = least;
    items.into_iter().map(f).collect()
}

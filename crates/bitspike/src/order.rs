//! Sorting where it is rare: one function for all of it, since each sort of the standard library takes two kilobytes of its own in a
//! module of WebAssembly.

use std::cmp::Ordering;

/// The numbers below `count`, in the order that `compare` gives two of them; of equals the lower one first.
pub(crate) fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| compare(a, b));
    order
}

/// `values` by their keys; of equals the earlier one first.
pub(crate) fn sorted_by_key<T: Copy, K: Ord>(values: &[T], key: impl Fn(T) -> K) -> Vec<T> {
    let order = order(values.len(), &|a, b| key(values[a]).cmp(&key(values[b])));
    order.into_iter().map(|i| values[i]).collect()
}

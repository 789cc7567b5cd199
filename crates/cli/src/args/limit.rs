//! `--limit`

/// How many examples a limit leaves at most; 0 leaves all.
pub(crate) fn at_most(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

//! What happens during a fetch, for whoever shows it.

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are what their names say; sizes are in bytes")]
pub enum Progress<'a> {
    /// A file begins, of which `have` bytes are here from an earlier fetch.
    Begin { file: &'a str, size: u64, have: u64 },
    /// So many bytes of it are here now.
    Have { file: &'a str, size: u64, have: u64 },
    /// It starts from its first byte again.
    Again { file: &'a str, why: &'a str },
    /// It is complete.
    End { file: &'a str, size: u64 },
    /// Something about a file, or about the whole fetch, is not as planned, and it goes on.
    Note { file: Option<&'a str>, text: &'a str },
}

/// Whoever follows a fetch; `&|_| ()` is nobody.
pub type Observe<'a> = &'a dyn Fn(Progress<'_>);

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

/// A number of bytes for people: `1.2 MB` is 1,200,000, as networks and shops count.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (count, text) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (3_110_000, "3.1 MB"), (90_868_376_000, "90.87 GB")]
        {
            assert_eq!(bytes(count), text);
        }
    }
}

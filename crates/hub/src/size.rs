//! Sizes of files for people.

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

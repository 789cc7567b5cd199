//! Checksums.

use bitspike_data::Encoded;
use bitspike_run::origin::Examples;
use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal digits.
///
/// ```
/// use bitspike_analysis::digest::sha256;
/// assert_eq!(&sha256("")[..8], "e3b0c442");
/// ```
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Two digits a byte.
///
/// ```
/// use bitspike_analysis::digest::hexadecimal;
/// assert_eq!(hexadecimal(&[0, 10, 255]), "000aff");
/// ```
pub fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Encoded examples, as a run records those that it was made from.
pub fn of_examples(examples: &[Encoded]) -> Examples {
    let mut ordered = Sha256::new();
    let mut unordered = 0u128;
    for Encoded { ids, types, target, answer, .. } in examples {
        let mut one = Sha256::new();
        one.update((ids.len() as u64).to_le_bytes());
        ids.iter().chain(types).for_each(|id| one.update(id.to_le_bytes()));
        one.update(target.unwrap_or(f32::NAN).to_le_bytes());
        answer.iter().flat_map(|answer| answer.iter()).for_each(|value| one.update(value.to_le_bytes()));
        let digest = one.finalize();
        ordered.update(digest);
        // A sum has no order.
        let part = digest.first_chunk().expect("32 bytes");
        unordered = unordered.wrapping_add(u128::from_le_bytes(*part));
    }
    let count = examples.len() as u64;
    Examples { count, sha256: hexadecimal(&ordered.finalize()), unordered: format!("{unordered:032x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_have_a_digest_of_their_order_and_one_of_any() {
        let example = |i: u32| Encoded {
            id: String::new(),
            ids: vec![2, i, 3],
            types: vec![0; 3],
            target: Some(i as f32),
            answer: None,
        };
        let (up, down): (Vec<_>, Vec<_>) = ((0..20).map(example).collect(), (0..20).rev().map(example).collect());
        let (up, down) = (of_examples(&up), of_examples(&down));
        assert_eq!((up.count, &up.unordered), (20, &down.unordered));
        assert_ne!(up.sha256, down.sha256);
        let other: Vec<_> = (1..21).map(example).collect();
        assert_ne!(of_examples(&other).unordered, up.unordered);
    }
}

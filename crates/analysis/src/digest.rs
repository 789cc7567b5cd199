//! Checksums.

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

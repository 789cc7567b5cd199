//! Any bytes as a packed model: refused with an error, or every accessor works.
#![no_main]

mod walk;

use bitspike::format::Packed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Packed::from_bytes(bytes.to_vec()) {
        Ok(packed) => walk::walk(&packed),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

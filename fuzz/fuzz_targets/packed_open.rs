//! Any bytes as a packed model: refused with an error, or every accessor works and it classifies or says why not.
#![no_main]

mod walk;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk::open(bytes.to_vec()));

//! Any JSON header, up to the first line break of the input, before any data: the length in front is always right, so that changes
//! reach the checks behind it.
#![no_main]

mod walk;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (json, data) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    walk::open([&(json.len() as u64).to_le_bytes(), json, data].concat());
});

//! Any bytes as an index, behind a checksum that is right and one that is not: refused with an error, or every text can be read and
//! every search ends.
#![no_main]

use bitspike_search::{Builder, Index, Search};
use libfuzzer_sys::fuzz_target;
use twox_hash::XxHash64;

fuzz_target!(|bytes: &[u8]| {
    walk(bytes.to_vec());
    let mut sealed = bytes.to_vec();
    sealed.extend(XxHash64::oneshot(0, bytes).to_le_bytes());
    walk(sealed);
});

fn walk(bytes: Vec<u8>) {
    let Ok(index) = Index::from_bytes(bytes) else { return };
    for number in 0..=index.len() {
        let _ = (index.text(number), index.id(number));
    }
    let question: Vec<f32> = (0..index.dims()).map(|i| i as f32 - 3.5).collect();
    for exact in [true, false] {
        let hits = index.search(&question, 5, Search { exact, effort: 9 }).expect("a question of the right width");
        assert!(hits.len() <= 5 && hits.iter().all(|hit| hit.number < index.len()));
    }
    if let Ok(builder) = Builder::of(&index) {
        let written = builder.to_bytes().expect("memory");
        let again = Index::from_bytes(written).expect("what is written is read");
        assert_eq!(again.len(), index.len());
    }
}

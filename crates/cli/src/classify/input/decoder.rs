//! From bytes to text.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads bytes as UTF-8, strictly or not; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    lossy: bool,
    replaced: Arc<AtomicUsize>,
}

impl Decoder {
    /// One that, if `lossy`, reads bytes that are not UTF-8 as U+FFFD rather than refuse them.
    pub(crate) fn new(lossy: bool) -> Self {
        Self { lossy, replaced: Arc::default() }
    }

    /// `bytes` as text.
    ///
    /// # Errors
    /// A message that says where they are not UTF-8.
    pub(super) fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, str>, String> {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(text.into()),
            Err(error) => error,
        };
        if self.lossy {
            self.replaced.fetch_add(1, Ordering::Relaxed);
            return Ok(String::from_utf8_lossy(bytes));
        }
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        Err(format!("invalid UTF-8 at byte {} (0x{byte:02X}); convert it to UTF-8, or give --lossy", at + 1))
    }

    /// How many pieces of text had bytes replaced.
    pub(crate) fn replaced(&self) -> usize {
        self.replaced.load(Ordering::Relaxed)
    }
}

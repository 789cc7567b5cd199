//! From bytes to text.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads bytes as UTF-8; clones count together.
#[derive(Debug, Clone)]
pub struct Decoder {
    policy: Policy,
    /// What to do about bytes that are not UTF-8, for a message.
    remedy: &'static str,
    replaced: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// A NUL is refused too: it is valid UTF-8, but in a text file it means UTF-16 without a mark, or binary data.
    Strict,
    Any,
    Lossy,
}

impl Decoder {
    /// One that refuses bytes that are not UTF-8, and a NUL.
    pub fn strict() -> Self {
        Self { policy: Policy::Strict, remedy: "save the file as UTF-8", replaced: Arc::default() }
    }

    /// One that takes any UTF-8 and refuses other bytes, or reads them as U+FFFD if `lossy`. `remedy` ends the message of a
    /// refusal.
    pub fn any(lossy: bool, remedy: &'static str) -> Self {
        Self { policy: if lossy { Policy::Lossy } else { Policy::Any }, remedy, replaced: Arc::default() }
    }

    /// How many pieces of text, lines or fields, had bytes replaced.
    pub fn replaced(&self) -> usize {
        self.replaced.load(Ordering::Relaxed)
    }

    /// `bytes` as text.
    ///
    /// # Errors
    /// A message that says where they cannot be read.
    pub(super) fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, str>, String> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) if self.policy == Policy::Lossy => {
                self.replaced.fetch_add(1, Ordering::Relaxed);
                return Ok(String::from_utf8_lossy(bytes));
            }
            Err(error) => {
                let at = error.valid_up_to();
                return Err(format!("invalid UTF-8 at byte {} (0x{:02X}); {}", at + 1, bytes[at], self.remedy));
            }
        };
        match memchr::memchr(0, bytes).filter(|_| self.policy == Policy::Strict) {
            Some(at) => Err(format!("NUL at byte {}; expected text in UTF-8 (is the file binary or UTF-16?)", at + 1)),
            None => Ok(text.into()),
        }
    }
}

//! Tokens and their ids: one block of text, and a table that finds a token by a hash made byte by byte.
//!
//! The hash of a text is that of its beginning, one step further. The hashes of all beginnings of a word are so made in one pass,
//! and the longest beginning that is a token is found from the longest down. A slot is 32 bits: whether it is taken, seven bits of
//! the hash, and the id.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

/// Largest id of a token plus 1, as for a model's word table; ids have 24 bits of a slot.
pub(super) const MAX_VOCABULARY: u32 = 1 << 24;

/// Fewest slots; there are at least two for every token.
const FEWEST_SLOTS: usize = 16;

/// An odd number without pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Set in a slot that is taken.
const TAKEN: u32 = 0x80;

/// Which token has which id.
#[derive(Clone)]
pub(super) struct Vocabulary {
    /// All tokens, in the order of their ids.
    text: String,
    /// Where in `text` the token of each id ends; where the one before it ends if there is none.
    ends: Vec<u32>,
    /// A power of two of slots.
    slots: Vec<u32>,
    /// Id of the empty token, which some files have.
    empty: Option<u32>,
    /// Number of tokens.
    count: usize,
    /// Bytes of the longest token.
    longest: usize,
}

/// The hash of nothing: another for every process, so that no file can be made whose tokens meet in one slot.
fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| RandomState::new().hash_one(FACTOR))
}

/// The hash of a text, from that of the text without its last byte.
#[inline(always)]
pub(super) fn step(hash: u64, byte: u8) -> u64 {
    let product = u128::from(hash ^ u64::from(byte)) * u128::from(FACTOR);
    product as u64 ^ (product >> 64) as u64
}

/// [`step`] by every byte of `text`.
pub(super) fn steps(hash: u64, text: &[u8]) -> u64 {
    text.iter().fold(hash, |hash, &byte| step(hash, byte))
}

impl Vocabulary {
    /// The vocabulary of tokens, given with their ids in ascending order, whose text has `bytes` bytes about.
    ///
    /// # Errors
    /// What was expected and found, if ids do not ascend or are too large, a token is there twice, or all are too long.
    pub(super) fn new<'a>(
        tokens: impl Iterator<Item = Result<(u32, &'a str), String>>,
        bytes: usize,
    ) -> Result<Self, String> {
        let mut text = String::with_capacity(bytes);
        let mut ends: Vec<u32> = Vec::with_capacity(tokens.size_hint().0);
        let (mut empty, mut count, mut longest) = (None, 0usize, 0);
        for token in tokens {
            let (id, token) = token?;
            if id >= MAX_VOCABULARY {
                return Err(format!("expected token ids below {MAX_VOCABULARY}, found {id}"));
            }
            if (id as usize) < ends.len() {
                return Err(format!("expected one token of each id, found {token:?} as another of id {id}"));
            }
            if token.is_empty()
                && let Some(earlier) = empty.replace(id)
            {
                return Err(twice("", earlier, id));
            }
            ends.resize(id as usize, text.len() as u32);
            text.push_str(token);
            if u32::try_from(text.len()).is_err() {
                return Err(format!("expected tokens of {} bytes in all, found more", u32::MAX));
            }
            ends.push(text.len() as u32);
            count += 1;
            longest = longest.max(token.len());
        }
        Self { text, ends, slots: Vec::new(), empty, count, longest }.filled()
    }

    /// The vocabulary of a text and of where the token of each id ends in it, both within bounds and on characters; `tokens` are
    /// there, one of them the empty one of id `empty`.
    pub(super) fn of_text(text: String, ends: Vec<u32>, (tokens, empty): (usize, Option<u32>)) -> Result<Self, String> {
        let starts = std::iter::once(&0).chain(&ends);
        let longest = starts.zip(&ends).map(|(start, end)| end - start).max().unwrap_or(0) as usize;
        Self { text, ends, slots: Vec::new(), empty, count: tokens, longest }.filled()
    }

    /// The same with every token in the slots.
    fn filled(mut self) -> Result<Self, String> {
        self.slots = vec![0; (2 * self.count).next_power_of_two().max(FEWEST_SLOTS)];
        let seed = seed();
        let mut start = 0;
        for id in 0..self.ends.len() {
            let end = self.ends[id] as usize;
            if end > start {
                let token = &self.text.as_bytes()[start..end];
                let hash = steps(seed, token);
                match self.search(hash, |other| other == token) {
                    Ok(earlier) => return Err(twice(&self.text[start..end], earlier, id as u32)),
                    Err(slot) => self.slots[slot] = tag(hash) << 24 | id as u32,
                }
            }
            start = end;
        }
        Ok(self)
    }

    /// The id of the token with `hash` that `is` the one wanted, or else the free slot for it.
    #[inline(always)]
    fn search(&self, hash: u64, is: impl Fn(&[u8]) -> bool) -> Result<u32, usize> {
        let (mask, tag) = (self.slots.len() - 1, tag(hash));
        let mut slot = hash as usize & mask;
        // Half of the slots are free at least.
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return Err(slot);
            }
            if found >> 24 == tag && is(self.bytes(found & (MAX_VOCABULARY - 1))) {
                return Ok(found & (MAX_VOCABULARY - 1));
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline(always)]
    fn bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] as usize };
        &self.text.as_bytes()[start..self.ends[id] as usize]
    }

    /// The hash of the empty text.
    pub(super) fn seed(&self) -> u64 {
        seed()
    }

    /// The id of the token `prefix` and `rest`, not both empty, whose hash is `hash`.
    #[inline(always)]
    pub(super) fn find(&self, hash: u64, prefix: &[u8], rest: &[u8]) -> Option<u32> {
        let is = |token: &[u8]| {
            token.len() == prefix.len() + rest.len() && token.ends_with(rest) && token.starts_with(prefix)
        };
        self.search(hash, is).ok()
    }

    /// The id of a token.
    pub(super) fn id(&self, token: &str) -> Option<u32> {
        if token.is_empty() { self.empty } else { self.find(steps(seed(), token.as_bytes()), &[], token.as_bytes()) }
    }

    /// The token of an id.
    pub(super) fn token(&self, id: u32) -> Option<&str> {
        let end = *self.ends.get(id as usize)? as usize;
        let start = if id == 0 { 0 } else { self.ends[id as usize - 1] as usize };
        (end > start || self.empty == Some(id)).then(|| &self.text[start..end])
    }

    /// Every token, in the order of ids, and nothing for an id without one.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.ends.len() as u32).map(|id| self.token(id))
    }

    /// Number of tokens.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The largest id plus 1.
    pub(super) fn ids(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of the longest token.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }
}

/// What a slot keeps of a hash, and that it is taken.
#[inline(always)]
fn tag(hash: u64) -> u32 {
    (hash >> 57) as u32 | TAKEN
}

fn twice(token: &str, first: u32, second: u32) -> String {
    format!("expected every token once, found {token:?} as id {first} and as id {second}")
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tokens", self.count)
    }
}

//! The file of tables, and how it is read.
//!
//! All numbers are of LEB128. A list of classes; runs of code points, `length, number in that list`, until every code point has one;
//! then the canonical and the compatible decompositions, each as `count` and, for each in the order of code points, what it lies
//! behind the one before, `2 length + 1` if it composes again (else `2 length`), and its characters as differences (signed, the
//! lowest bit being the sign) from those of the one before it.

use crate::order::sorted_by_key;

/// One more than the last code point.
const END: usize = 0x11_0000;

/// Code points of a block.
const BLOCK: usize = 128;

/// The tables, as they are looked up.
#[derive(Debug)]
pub(super) struct Tables {
    /// For each [`BLOCK`] code points where their classes begin.
    pages: Vec<u32>,
    classes: Vec<u16>,
    pub(super) canonical: Decompositions,
    pub(super) compatible: Decompositions,
    /// Pairs and what they compose into, sorted.
    compositions: Vec<([char; 2], char)>,
}

/// What characters decompose into, completely.
#[derive(Debug, Default)]
pub(super) struct Decompositions {
    /// Sorted; each with where its characters begin.
    starts: Vec<(char, usize)>,
    characters: Vec<char>,
}

impl Decompositions {
    /// Of one character, if it has one.
    pub(super) fn of(&self, c: char) -> Option<&[char]> {
        let found = self.starts.binary_search_by_key(&c, |&(c, _)| c).ok()?;
        let end = self.starts.get(found + 1).map_or(self.characters.len(), |&(_, start)| start);
        Some(&self.characters[self.starts[found].1..end])
    }
}

/// Reads a file that the tests made; what is not one is a mistake of the build.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = self.0.split_first().expect("a whole table");
            self.0 = rest;
            number |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                return number;
            }
        }
    }

    /// A character that differs by the next number from `from`.
    fn character(&mut self, from: u32) -> char {
        let number = self.number() as u32;
        let difference = (number >> 1) ^ (number & 1).wrapping_neg();
        char::from_u32(from.wrapping_add(difference)).expect("a character")
    }

    /// Decompositions, and those that compose again.
    fn decompositions(&mut self) -> (Decompositions, Vec<char>) {
        let (mut found, mut composing) = (Decompositions::default(), Vec::new());
        let (mut c, mut before) = (0, Vec::<char>::new());
        for _ in 0..self.number() {
            c += self.number() as u32;
            let key = char::from_u32(c).expect("a character");
            let header = self.number();
            let from = |i: usize| before.get(i).map_or(c, |&c| c.into());
            let characters: Vec<char> = (0..header / 2).map(|i| self.character(from(i))).collect();
            found.starts.push((key, found.characters.len()));
            found.characters.extend(&characters);
            if header % 2 == 1 {
                composing.push(key);
            }
            before = characters;
        }
        (found, composing)
    }
}

impl Tables {
    pub(super) fn read(file: &[u8]) -> Self {
        let mut reader = Reader(file);
        let kinds: Vec<u16> = (0..reader.number()).map(|_| reader.number() as u16).collect();
        let (mut pages, mut classes) = (Vec::with_capacity(END / BLOCK), Vec::<u16>::new());
        // Blocks of one class alone, of which there are many alike.
        let mut plain = vec![None; kinds.len()];
        let (mut left, mut kind) = (0, 0);
        for _ in 0..END / BLOCK {
            if left == 0 {
                (left, kind) = (reader.number(), reader.number());
            }
            let whole = left >= BLOCK;
            if let (true, Some(start)) = (whole, plain[kind]) {
                pages.push(start);
                left -= BLOCK;
                continue;
            }
            let start = classes.len();
            pages.push(start as u32);
            if whole {
                plain[kind] = Some(start as u32);
            }
            while classes.len() < start + BLOCK {
                if left == 0 {
                    (left, kind) = (reader.number(), reader.number());
                }
                let length = left.min(start + BLOCK - classes.len());
                classes.resize(classes.len() + length, kinds[kind]);
                left -= length;
            }
        }
        let (canonical, composing) = reader.decompositions();
        let (compatible, _) = reader.decompositions();
        let compositions = compositions(&canonical, &composing);
        Self { pages, classes, canonical, compatible, compositions }
    }

    pub(super) fn class(&self, c: char) -> u16 {
        let code = c as usize;
        self.classes[self.pages[code / BLOCK] as usize + code % BLOCK]
    }

    /// The character that a pair composes into, but for syllables of Hangul.
    pub(super) fn composed(&self, first: char, second: char) -> Option<char> {
        let found = self.compositions.binary_search_by_key(&[first, second], |&(pair, _)| pair).ok()?;
        Some(self.compositions[found].1)
    }
}

/// The pairs of all that compose: the last character of a decomposition, and what the others compose into.
fn compositions(canonical: &Decompositions, composing: &[char]) -> Vec<([char; 2], char)> {
    // From whole decompositions to what they are of.
    let whole: Vec<(&[char], char)> = composing.iter().filter_map(|&c| Some((canonical.of(c)?, c))).collect();
    let whole = sorted_by_key(&whole, |one| one);
    let pair = |&(characters, c): &(&[char], char)| {
        let first = match characters {
            [first, _] => *first,
            [first @ .., _] => whole[whole.binary_search_by_key(&first, |&(characters, _)| characters).ok()?].1,
            [] => return None,
        };
        Some(([first, *characters.last()?], c))
    };
    let pairs: Vec<([char; 2], char)> = whole.iter().filter_map(pair).collect();
    sorted_by_key(&pairs, |pair| pair)
}

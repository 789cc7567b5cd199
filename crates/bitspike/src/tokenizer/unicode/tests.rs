//! The file of tables, made from the crates that it stands for, and each of its promises held to them.

use proptest::prelude::*;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;
use unicode_normalization_alignments::char::{
    canonical_combining_class, compose, decompose_canonical, decompose_compatible, is_combining_mark,
};

use super::Class;
use super::normal::{Change, composed, decompose, decomposed};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokenizer/unicode/tables.bin");

fn characters() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

fn class(c: char) -> u16 {
    let flags = [
        (c.is_other(), Class::OTHER),
        (c.is_punctuation(), Class::PUNCTUATION),
        (c.is_mark_nonspacing(), Class::NONSPACING),
        (is_combining_mark(c), Class::MARK),
        (regex_syntax::is_word_character(c), Class::WORD),
    ];
    flags.iter().filter(|(is, _)| *is).map(|(_, flag)| flag).sum::<u16>() + u16::from(canonical_combining_class(c))
}

fn canonical(c: char) -> Vec<char> {
    let mut characters = Vec::new();
    decompose_canonical(c, |c| characters.push(c));
    characters
}

fn compatible(c: char) -> Vec<char> {
    let mut characters = Vec::new();
    decompose_compatible(c, |c| characters.push(c));
    characters
}

fn is_syllable(c: char) -> bool {
    ('\u{ac00}'..='\u{d7a3}').contains(&c)
}

/// What a decomposition composes into again, mark by mark.
fn composes(characters: &[char]) -> Option<char> {
    let (&first, rest) = characters.split_first()?;
    rest.iter().try_fold(first, |first, &second| compose(first, second))
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u32) {
        while number > 127 {
            self.0.push(number as u8 | 128);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn difference(&mut self, from: u32, to: u32) {
        let difference = to.wrapping_sub(from) as i32;
        self.number(((difference << 1) ^ (difference >> 31)) as u32);
    }

    fn decompositions(&mut self, of: fn(char) -> Vec<char>, skipped: fn(char) -> bool) {
        let all: Vec<(char, Vec<char>)> = characters()
            .filter(|&c| !is_syllable(c) && !skipped(c))
            .map(|c| (c, of(c)))
            .filter(|(c, all)| all[..] != [*c])
            .collect();
        self.number(all.len() as u32);
        let (mut last, mut before) = (0, Vec::new());
        for (c, characters) in all {
            self.number(u32::from(c) - last);
            last = c.into();
            let composing = characters.len() > 1 && composes(&characters) == Some(c);
            self.number(2 * characters.len() as u32 + u32::from(composing));
            for (i, &character) in characters.iter().enumerate() {
                self.difference(before.get(i).map_or(last, |&c: &char| c.into()), character.into());
            }
            before = characters;
        }
    }
}

fn made() -> Vec<u8> {
    let mut runs: Vec<(u32, u16)> = Vec::new();
    for code in 0..=u32::from(char::MAX) {
        // Surrogates, which are no characters, go with what stands before them.
        let class = char::from_u32(code).map_or(runs.last().map_or(0, |run| run.1), class);
        match runs.last_mut() {
            Some((length, last)) if *last == class => *length += 1,
            _ => runs.push((1, class)),
        }
    }
    let mut kinds: Vec<u16> = runs.iter().map(|&(_, class)| class).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut writer = Writer::default();
    writer.number(kinds.len() as u32);
    kinds.iter().for_each(|&kind| writer.number(kind.into()));
    for (length, class) in runs {
        writer.number(length);
        writer.number(kinds.binary_search(&class).expect("one of them") as u32);
    }
    writer.decompositions(canonical, |_| false);
    writer.decompositions(compatible, |c| compatible(c) == canonical(c));
    writer.0
}

/// `BITSPIKE_RENEW=1` writes the file anew.
#[test]
fn the_file_is_what_its_sources_make() {
    let made = made();
    if std::env::var_os("BITSPIKE_RENEW").is_some() {
        std::fs::write(FILE, &made).expect("the file is written");
    }
    assert!(
        made == std::fs::read(FILE).expect("the file is there"),
        "other tables than the crates': BITSPIKE_RENEW=1 writes them anew"
    );
}

#[test]
fn every_character_has_its_class() {
    for c in characters() {
        assert_eq!(Class::of(c).0, class(c), "{c:?}");
    }
}

#[test]
fn every_character_decomposes_as_it_should() {
    for c in characters() {
        for (how, expected) in [(false, canonical(c)), (true, compatible(c))] {
            let mut found = Vec::new();
            decompose(c, how, |c| found.push(c));
            assert_eq!(found, expected, "{c:?}, compatible: {how}");
        }
    }
}

#[test]
fn every_pair_composes_as_it_should() {
    // Whatever is part of a decomposition, beside it and what it composes with, and a syllable of each kind.
    let all: Vec<Vec<char>> = characters().map(canonical).filter(|all| all.len() > 1).collect();
    let sorted = |mut all: Vec<char>| {
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut first: Vec<char> = characters().filter(|&c| !is_syllable(c) && canonical(c)[..] != [c]).collect();
    first.extend(all.iter().map(|all| all[0]));
    first.extend("a가각\u{10ffff}\u{10fe}\u{1100}\u{1112}\u{1113}".chars());
    let second = all
        .iter()
        .flat_map(|all| all[1..].iter().copied())
        .chain("a\u{1160}\u{1161}\u{1175}\u{1176}\u{11a7}\u{11a8}\u{11c2}\u{11c3}".chars());
    let (first, second) = (sorted(first), sorted(second.collect()));
    for &a in &first {
        for &b in &second {
            assert_eq!(super::normal::compose(a, b), compose(a, b), "{a:?} and {b:?}");
        }
    }
    assert!(first.len() > 2000 && second.len() > 100, "{} {}", first.len(), second.len());
}

/// Texts of marks, syllables, letters with accents, and anything else.
fn texts() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        proptest::char::range('\u{300}', '\u{36f}'),
        proptest::char::range('\u{a0}', '\u{24f}'),
        proptest::char::range('\u{900}', '\u{dff}'),
        proptest::char::range('\u{1100}', '\u{11ff}'),
        proptest::char::range('\u{1e00}', '\u{1fff}'),
        proptest::char::range('\u{ac00}', '\u{d7a3}'),
        proptest::char::range('\u{f900}', '\u{ffff}'),
        proptest::char::range('\u{1d100}', '\u{1d1ff}'),
        proptest::char::range('a', 'z'),
        any::<char>(),
    ];
    proptest::collection::vec(one, 0..24).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn normal_forms_are_those_of_the_reference(text in texts()) {
        let text = &text[..];
        prop_assert_eq!(decomposed(text, false), text.nfd().collect::<Vec<Change>>());
        prop_assert_eq!(decomposed(text, true), text.nfkd().collect::<Vec<Change>>());
        prop_assert_eq!(composed(decomposed(text, false)), text.nfc().collect::<Vec<Change>>());
        prop_assert_eq!(composed(decomposed(text, true)), text.nfkc().collect::<Vec<Change>>());
    }
}

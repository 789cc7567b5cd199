use std::collections::HashMap;
use std::fs;

use super::*;
use crate::quickstart::bag_of_words::{BagOfWords, words as split};

fn corpus(seed: u64, train: usize, dev: usize) -> Corpus {
    Corpus::generate(&CorpusConfig { seed, train, dev, plain: false }).unwrap()
}

/// A judgement as a reader finds it: the noun, the predicate and whether the clause praises.
type Reading<'a> = (&'a str, &'a str, bool);

/// Reads one clause from its surface: the parity of the words that deny and the polarity of the only predicate.
fn read_clause<'a>(clause: &[&'a str]) -> Reading<'a> {
    const DENIALS: [&str; 10] = ["not", "never", "nobody", "few", "false", "doubt", "cannot", "none", "less", "would"];
    let holds = |list: &[&str], word: &str| list.contains(&word);
    let nouns: Vec<&str> =
        clause.iter().copied().filter(|w| TOPICS.iter().any(|topic| holds(&topic.nouns, w))).collect();
    let praise = |w: &str| holds(&GOOD, w) || holds(&LIKED, w) || TOPICS.iter().any(|topic| holds(&topic.good, w));
    let blame = |w: &str| holds(&BAD, w) || holds(&DISLIKED, w) || TOPICS.iter().any(|topic| holds(&topic.bad, w));
    let predicates: Vec<&str> = clause.iter().copied().filter(|w| praise(w) || blame(w)).collect();
    let ([noun], [predicate]) = (nouns.as_slice(), predicates.as_slice()) else {
        panic!("not one noun and one predicate: {clause:?}");
    };
    assert!(praise(predicate) != blame(predicate), "{predicate} praises and blames");
    let denials = clause.iter().filter(|w| holds(&DENIALS, w)).count();
    assert!(denials <= 2, "nested too deeply: {clause:?}");
    // The condition of a counterfactual is past perfect, that of a conjecture is not.
    if let Some(condition) = clause.iter().position(|w| *w == "if") {
        assert_eq!(clause.contains(&"would"), clause[condition..].contains(&"had"), "{clause:?}");
    }
    (noun, predicate, praise(predicate) == (denials % 2 == 0))
}

/// Reads a sentence from its surface: cuts it at its only connective and says which part decides. Knows nothing of how
/// sentences are made, so that a sentence with a second reading would show.
fn read(sentence: &str) -> (u8, Vec<Reading<'_>>) {
    let tokens = split(sentence);
    let (&stop, tokens) = tokens.split_last().unwrap();
    assert_eq!(stop, ".", "{sentence}");
    let cuts: Vec<usize> = (0..tokens.len()).filter(|&i| [",", "and"].contains(&tokens[i])).collect();
    let connectives = tokens.iter().filter(|w| ["but", "although", "and"].contains(w)).count();
    let [cut] = cuts[..] else {
        assert_eq!((cuts.len(), connectives), (0, 0), "{sentence}");
        let reading = read_clause(tokens);
        return (u8::from(reading.2), vec![reading]);
    };
    assert_eq!(connectives, 1, "{sentence}");
    let (first, second) = (&tokens[..cut], &tokens[cut + 1..]);
    let [a, b] = [first, second].map(read_clause);
    assert_ne!(a.2, b.2, "no contrast: {sentence}");
    let strong = |clause: &[&str]| clause.iter().any(|w| STRONG.contains(w));
    let weak = |clause: &[&str]| clause.iter().any(|w| WEAK.contains(w));
    let second_decides = match (first[0], tokens[cut], second[0]) {
        ("although", ",", _) | (_, ",", "but") => true,
        (_, ",", "although") => false,
        (_, "and", _) => {
            assert!(strong(first) != strong(second) && weak(first) != weak(second), "{sentence}");
            assert!(strong(first) != weak(first), "{sentence}");
            strong(second)
        }
        _ => panic!("no reading: {sentence}"),
    };
    (u8::from(if second_decides { b.2 } else { a.2 }), vec![a, b])
}

#[test]
fn the_same_seed_gives_the_same_corpus() {
    assert_eq!(corpus(7, 600, 200), corpus(7, 600, 200));
    assert_ne!(corpus(7, 600, 200).train, corpus(8, 600, 200).train);
    assert_eq!(corpus(7, 600, 200).dev, corpus(7, 1400, 200).dev);
    // Fixed for ever: another value means that published figures are of another corpus.
    let hash = corpus(7, 600, 200)
        .train
        .iter()
        .flat_map(|(text, label)| text.bytes().chain([*label]))
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    assert_eq!(hash, 0x0EAC_4F22_703D_1EE0, "FNV-1a {hash:#x}");
}

#[test]
fn a_reader_who_does_not_know_the_generator_finds_the_same_label() {
    for seed in 0..3 {
        let Corpus { train, dev } = corpus(seed, 4000, 1000);
        for (sentence, label) in train.iter().chain(&dev) {
            assert_eq!(read(sentence).0, *label, "{sentence}");
        }
    }
}

#[test]
fn the_reader_reads_as_people_do() {
    for (sentence, label) in [
        ("on monday the soup was not very greasy.", 1),
        ("nobody thought that the soup was not very greasy.", 0),
        ("my aunt never really liked the soup.", 0),
        ("the soup was greasy, but their waiter was polite.", 1),
        ("although the soup was greasy, their waiter was polite.", 1),
        ("the soup was greasy, although their waiter was polite.", 0),
        ("the film would have been moving if we had stayed until midnight.", 0),
        ("the film must have been moving if we stayed until midnight.", 1),
        ("the film was less boring than i had expected.", 1),
        ("my son hated the film less than i had expected.", 1),
        ("the soup was slightly greasy and their waiter was extremely polite.", 1),
        ("the soup was extremely greasy and their waiter was slightly polite.", 0),
    ] {
        assert_eq!(read(sentence).0, label, "{sentence}");
    }
}

#[test]
fn labels_are_balanced_and_sentences_differ() {
    for (train, dev) in [(0, 1), (1, 0), (601, 201), (5000, 1000)] {
        let corpus = corpus(3, train, dev);
        assert_eq!((corpus.train.len(), corpus.dev.len()), (train, dev));
        for split in [&corpus.train, &corpus.dev] {
            let praise = split.iter().filter(|(_, label)| *label == 1).count();
            assert!(praise.abs_diff(split.len() - praise) <= 1, "{praise} of {}", split.len());
        }
        let different: HashSet<&String> = corpus.train.iter().chain(&corpus.dev).map(|(text, _)| text).collect();
        assert_eq!(different.len(), train + dev);
    }
}

#[test]
fn dev_combines_what_train_does_not() {
    let corpus = corpus(4, 12_000, 1000);
    let pairs = |split: &[(String, u8)]| -> HashSet<(String, String)> {
        let readings = split.iter().flat_map(|(text, _)| read(text).1);
        readings.map(|(noun, predicate, _)| (noun.to_owned(), predicate.to_owned())).collect()
    };
    let (train, dev) = (pairs(&corpus.train), pairs(&corpus.dev));
    assert_eq!(train.intersection(&dev).next(), None);
    // Each noun and each predicate of dev is known from train, in other company.
    for (noun, predicate) in &dev {
        assert!(
            train.iter().any(|(n, _)| n == noun) && train.iter().any(|(_, p)| p == predicate),
            "{noun} {predicate}"
        );
    }
}

#[test]
fn every_word_is_in_the_vocabulary_and_every_entry_is_used() {
    let corpus = corpus(5, 12_000, 1000);
    let used: BTreeSet<&str> = corpus.train.iter().chain(&corpus.dev).flat_map(|(text, _)| split(text)).collect();
    assert_eq!(used, words());
    assert!((250..=400).contains(&used.len()), "{}", used.len());
}

#[test]
fn sentences_have_six_to_eighteen_words() {
    let Corpus { train, dev } = corpus(6, 12_000, 1000);
    for (sentence, _) in train.iter().chain(&dev) {
        let words = sentence.split(' ').count();
        assert!((6..=18).contains(&words), "{words}: {sentence}");
        assert!(sentence.bytes().all(|b| matches!(b, b'a'..=b'z' | b' ' | b',' | b'.')), "{sentence}");
    }
}

#[test]
fn no_word_tells_the_label() {
    for seed in 0..3 {
        let mut counts: HashMap<&str, [u32; 2]> = HashMap::new();
        let corpus = corpus(seed, 12_000, 0);
        for (sentence, label) in &corpus.train {
            let words: BTreeSet<&str> = split(sentence).into_iter().collect();
            words.into_iter().for_each(|word| counts.entry(word).or_default()[usize::from(*label)] += 1);
        }
        for (word, [blame, praise]) in counts {
            let share = f64::from(praise) / f64::from(blame + praise);
            assert!((0.38..=0.62).contains(&share), "seed {seed}: {word} {share:.3} of {}", blame + praise);
        }
    }
}

#[test]
fn a_bag_of_words_fails_and_is_no_straw_man() {
    let generate = |plain| Corpus::generate(&CorpusConfig { seed: 11, train: 3000, dev: 1000, plain }).unwrap();
    let (corpus, plain) = (generate(false), generate(true));
    let dev = |corpus: &Corpus, n| BagOfWords::train(&corpus.train, n).accuracy(&corpus.dev);
    let [words, pairs] = [1, 2].map(|n| dev(&corpus, n));
    assert!((0.5..=0.60).contains(&words), "words: {words}");
    assert!((0.5..=0.70).contains(&pairs), "words and pairs: {pairs}");
    let [words, pairs] = [1, 2].map(|n| dev(&plain, n));
    assert!(words >= 0.98 && pairs >= 0.98, "plain sentences: {words} {pairs}");
}

#[test]
fn the_largest_corpus_can_be_had_and_a_larger_one_is_refused() {
    for plain in [false, true] {
        let config = CorpusConfig { seed: 1, train: 2, dev: LARGEST, plain };
        assert_eq!(Corpus::generate(&config).unwrap().dev.len(), LARGEST);
        let error = Corpus::generate(&CorpusConfig { train: usize::MAX, ..config }).unwrap_err().to_string();
        assert!(error.contains("train") && error.contains("at most 50000"), "{error}");
    }
}

#[test]
fn files_hold_what_was_generated() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new/corpus");
    let corpus = corpus(9, 60, 20);
    corpus.write(&dir).unwrap();
    // A second time over the first.
    corpus.write(&dir).unwrap();
    for (name, split) in [("train.tsv", &corpus.train), ("dev.tsv", &corpus.dev)] {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("sentence\tlabel"));
        let rows: Vec<(String, u8)> = lines
            .map(|line| line.split_once('\t').unwrap())
            .map(|(text, label)| (text.to_owned(), label.parse().unwrap()))
            .collect();
        assert_eq!(&rows, split);
    }
    let text = fs::read_to_string(dir.join("vocab.txt")).unwrap();
    let vocabulary: Vec<&str> = text.lines().collect();
    assert_eq!(vocabulary[..5], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
    assert!(vocabulary[5..].is_sorted());
    assert_eq!(vocabulary[5..].iter().copied().collect::<BTreeSet<_>>(), words());
    let config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(dir.join("tokenizer_config.json")).unwrap()).unwrap();
    assert_eq!(config["do_lower_case"], true);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 4, "no temporary file is left");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "kept").unwrap();
    let error = corpus(1, 2, 2).write(&file.join("below")).unwrap_err();
    assert!(format!("{error:#}").contains(&*file.display().to_string()), "{error:#}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

//! The patterns of the corpus. Each but one yields minimal pairs: two sentences of the same content words and opposite
//! labels.

use std::array;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::lexicon::{
    ACTORS, ACTS, ADJECTIVE_ADVERBS, BAD, DETERMINERS, DISLIKED, FRAMES, GOOD, LIKED, OPENERS, PEOPLE, REFERENCES,
    STRONG, TIMES, TOPICS, VERB_ADVERBS, WEAK,
};

/// One way to build a sentence out of one or two judgements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// A judgement without any operator: "on monday the soup was very greasy." Not a minimal pair.
    Plain,
    /// The same and its negation: "on monday the soup was not very greasy."
    Negation,
    /// A main clause that affirms or denies a judgement, itself plain, negated or compared: "nobody thought that .."
    Frame,
    /// "X, but Y.": Y decides.
    But,
    /// "although X, Y.": Y decides.
    Although,
    /// "Y, although X.": Y decides.
    AlthoughLast,
    /// "the soup would have been greasy if ..": it was not. "must have been greasy if ..": it was.
    Condition,
    /// "more greasy than ..", "less greasy than ..": the latter is praise.
    Comparison,
    /// "X and Y" of opposite polarity: the one with the intensifier outweighs the one with the diminisher.
    Weighing,
}

/// The turn in which patterns are used.
///
/// Plain sentences show which words praise and which blame; without them the mean of the first gradient is zero, and
/// small models stay where they began for long. Their share of 4 in 25 lets a bag of words be right on
/// `4/25 + (1 - 4/25) / 2 = 58 %`. Concessions that come last are as frequent as the two forms that decide in their
/// second clause, so that neither place nor punctuation says which clause decides.
pub(super) const TURN: [Pattern; 25] = [
    Pattern::Plain,
    Pattern::Negation,
    Pattern::But,
    Pattern::AlthoughLast,
    Pattern::Condition,
    Pattern::Frame,
    Pattern::Weighing,
    Pattern::Comparison,
    Pattern::Plain,
    Pattern::Negation,
    Pattern::Although,
    Pattern::AlthoughLast,
    Pattern::Frame,
    Pattern::Condition,
    Pattern::Comparison,
    Pattern::Plain,
    Pattern::But,
    Pattern::Frame,
    Pattern::AlthoughLast,
    Pattern::Negation,
    Pattern::Weighing,
    Pattern::Condition,
    Pattern::Plain,
    Pattern::Frame,
    Pattern::Comparison,
];

/// How often a clause of a contrast is negated.
const NEGATED_IN_CONTRAST: f64 = 0.2;

/// How often a contrast of two plain adjectives has adverbs of degree.
const GRADED_IN_CONTRAST: f64 = 0.5;

/// How often a framed judgement is plain; else it is negated, "more" or "less", each as often.
const PLAIN_IN_FRAME: f64 = 0.7;

/// How often a condition has an adverb.
const ADVERB_IN_CONDITION: f64 = 0.5;

/// How often a pattern that can do without an opener has one.
const OPENER: f64 = 0.2;

/// A word that judges, and the nouns it may judge in one split.
struct Predicate {
    word: &'static str,
    is_verb: bool,
    nouns: Vec<&'static str>,
}

/// The judgements one split may make.
pub(super) struct Pool {
    /// Praise at 1, blame at 0.
    predicates: [Vec<Predicate>; 2],
}

impl Pool {
    /// The pools of train and dev. For every predicate a sixth of the nouns it fits goes to dev, by `rng`, the others
    /// to train: no noun meets in dev a predicate that it met in train.
    pub(super) fn split(rng: &mut ChaCha8Rng) -> [Self; 2] {
        let mut pools = [(); 2].map(|()| Self { predicates: [Vec::new(), Vec::new()] });
        let mut add = |positive: bool, word: &'static str, is_verb: bool, mut nouns: Vec<&'static str>| {
            nouns.shuffle(rng);
            let train = nouns.split_off(nouns.len() / 6);
            for (pool, nouns) in pools.iter_mut().zip([train, nouns]) {
                pool.predicates[usize::from(positive)].push(Predicate { word, is_verb, nouns });
            }
        };
        let every: Vec<&str> = TOPICS.iter().flat_map(|topic| topic.nouns).collect();
        for (positive, adjectives, verbs) in [(false, BAD, DISLIKED), (true, GOOD, LIKED)] {
            adjectives.into_iter().for_each(|word| add(positive, word, false, every.clone()));
            verbs.into_iter().for_each(|word| add(positive, word, true, every.clone()));
        }
        for topic in &TOPICS {
            topic.bad.into_iter().for_each(|word| add(false, word, false, topic.nouns.to_vec()));
            topic.good.into_iter().for_each(|word| add(true, word, false, topic.nouns.to_vec()));
        }
        pools
    }
}

/// A noun and its predicate, perhaps negated: "the soup was not very greasy", "my aunt never really liked the soup".
struct Judgement {
    noun: String,
    predicate: &'static str,
    /// Whose judgement a verb tells; `None` for an adjective.
    person: Option<String>,
    adverb: &'static str,
}

/// What turns a bare judgement into a clause.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Negated,
    More,
    Less,
    Would,
    Must,
}

impl Form {
    /// Whether the clause means the opposite of its predicate.
    fn flips(self) -> bool {
        matches!(self, Self::Negated | Self::Less | Self::Would)
    }
}

impl Judgement {
    /// The words of the clause. One of form `More` or `Less` wants "than ..", one of form `Would` or `Must` "if ..".
    fn clause(&self, form: Form) -> String {
        let Self { noun, predicate, person, adverb } = self;
        let degree = match form {
            Form::More => "more",
            Form::Less => "less",
            _ => adverb,
        };
        let modal = match form {
            Form::Would => "would have",
            Form::Must => "must have",
            _ => "",
        };
        let words: [&str; 6] = match (person, form) {
            (None, Form::Would | Form::Must) => [noun, modal, "been", adverb, predicate, ""],
            (None, Form::Negated) => [noun, "was", "not", adverb, predicate, ""],
            (None, _) => [noun, "was", degree, predicate, "", ""],
            (Some(person), Form::Would | Form::Must) => [person, modal, adverb, predicate, noun, ""],
            (Some(person), Form::Negated) => [person, "never", adverb, predicate, noun, ""],
            (Some(person), Form::More | Form::Less) => [person, predicate, noun, degree, "", ""],
            (Some(person), Form::Plain) => [person, adverb, predicate, noun, "", ""],
        };
        join(&words)
    }
}

/// Words with one space between them, without the empty ones.
fn join(words: &[&str]) -> String {
    words.iter().copied().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Draws sentences from the judgements of `pool`.
pub(super) struct Writer<'a> {
    pub(super) pool: &'a Pool,
    pub(super) rng: &'a mut ChaCha8Rng,
}

impl Writer<'_> {
    /// Two sentences of `pattern`, but for [`Pattern::Plain`] with the same judgements: the first has the label
    /// `positive`, the second the other one.
    pub(super) fn pair(&mut self, pattern: Pattern, positive: bool) -> [String; 2] {
        match pattern {
            Pattern::Plain => [positive, !positive].map(|positive| {
                let judgement = self.judgement(positive, false);
                format!("{} {}.", self.pick(&OPENERS), self.with_adverb(judgement).clause(Form::Plain))
            }),
            Pattern::Negation => {
                let (opener, judgement) = (self.pick(&OPENERS), self.judgement(positive, false));
                let judgement = self.with_adverb(judgement);
                [Form::Plain, Form::Negated].map(|form| format!("{opener} {}.", judgement.clause(form)))
            }
            Pattern::Frame => self.framed(positive),
            Pattern::But | Pattern::Although | Pattern::AlthoughLast => self.contrasted(pattern, positive),
            Pattern::Condition => self.conditional(positive),
            Pattern::Comparison => {
                let (opener, reference) = (self.maybe_opener(), self.pick(&REFERENCES));
                let judgement = self.judgement(positive, false);
                [Form::More, Form::Less]
                    .map(|form| format!("{}.", join(&[opener, &judgement.clause(form), "than", reference])))
            }
            Pattern::Weighing => self.weighed(positive),
        }
    }

    fn framed(&mut self, positive: bool) -> [String; 2] {
        let (affirmed, denied) = self.pick(&FRAMES);
        let plain = self.rng.random_bool(PLAIN_IN_FRAME);
        let form = if plain { Form::Plain } else { self.pick(&[Form::Negated, Form::More, Form::Less]) };
        let judgement = self.judgement(positive != form.flips(), false);
        let judgement = if matches!(form, Form::Negated) { self.with_adverb(judgement) } else { judgement };
        let end = match form {
            Form::More | Form::Less => format!(" than {}", self.pick(&REFERENCES)),
            _ => String::new(),
        };
        [affirmed, denied].map(|frame| format!("{frame} {}{end}.", judgement.clause(form)))
    }

    fn contrasted(&mut self, pattern: Pattern, positive: bool) -> [String; 2] {
        let opener = if pattern == Pattern::Although { "" } else { self.maybe_opener() };
        let forms: [Form; 2] = array::from_fn(|_| {
            let negated = self.rng.random_bool(NEGATED_IN_CONTRAST);
            if negated { Form::Negated } else { Form::Plain }
        });
        let mut judgements = self.two_judgements([positive != forms[0].flips(), positive == forms[1].flips()], false);
        for (judgement, form) in judgements.iter_mut().zip(forms) {
            if form.flips() {
                judgement.adverb = self.adverb(judgement.person.is_some());
            }
        }
        // Intensifiers stand in the clause that loses, so that they alone do not say which clause counts.
        let plain_adjectives = judgements.iter().zip(forms).all(|(j, form)| j.person.is_none() && !form.flips());
        let marks = (plain_adjectives && self.rng.random_bool(GRADED_IN_CONTRAST))
            .then(|| (self.pick(&WEAK), self.pick(&STRONG)));
        [0, 1].map(|decider| {
            if let Some((weak, strong)) = marks {
                judgements[decider].adverb = weak;
                judgements[1 - decider].adverb = strong;
            }
            let decides = judgements[decider].clause(forms[decider]);
            let loses = judgements[1 - decider].clause(forms[1 - decider]);
            let body = match pattern {
                Pattern::But => format!("{loses}, but {decides}"),
                Pattern::Although => format!("although {loses}, {decides}"),
                _ => format!("{decides}, although {loses}"),
            };
            format!("{}.", join(&[opener, &body]))
        })
    }

    fn conditional(&mut self, positive: bool) -> [String; 2] {
        let opener = self.maybe_opener();
        let judgement = self.judgement(positive, false);
        let judgement = if self.rng.random_bool(ADVERB_IN_CONDITION) { self.with_adverb(judgement) } else { judgement };
        let (actor, act, time) = (self.pick(&ACTORS), self.pick(&ACTS), self.pick(&TIMES));
        [(Form::Must, ""), (Form::Would, "had")]
            .map(|(form, had)| format!("{}.", join(&[opener, &judgement.clause(form), "if", actor, had, act, time])))
    }

    fn weighed(&mut self, positive: bool) -> [String; 2] {
        let opener = self.maybe_opener();
        let mut judgements = self.two_judgements([positive, !positive], true);
        let (strong, weak) = (self.pick(&STRONG), self.pick(&WEAK));
        let first = usize::from(self.rng.random_bool(0.5));
        [0, 1].map(|winner| {
            judgements[winner].adverb = strong;
            judgements[1 - winner].adverb = weak;
            let [a, b] = [first, 1 - first].map(|i| judgements[i].clause(Form::Plain));
            format!("{}.", join(&[opener, &a, "and", &b]))
        })
    }

    /// A judgement whose predicate is praise or blame, without adverb.
    fn judgement(&mut self, positive: bool, adjective: bool) -> Judgement {
        let predicates = &self.pool.predicates[usize::from(positive)];
        let predicate = loop {
            let predicate = &predicates[self.rng.random_range(..predicates.len())];
            if !(adjective && predicate.is_verb) {
                break predicate;
            }
        };
        let noun = format!("{} {}", self.pick(&DETERMINERS), self.pick(&predicate.nouns));
        let person = predicate.is_verb.then(|| format!("my {}", self.pick(&PEOPLE)));
        Judgement { noun, predicate: predicate.word, person, adverb: "" }
    }

    /// Two judgements of two different nouns.
    fn two_judgements(&mut self, positive: [bool; 2], adjectives: bool) -> [Judgement; 2] {
        loop {
            let [a, b] = positive.map(|positive| self.judgement(positive, adjectives));
            let last = |noun: &str| noun.rsplit(' ').next().map(str::to_owned);
            if last(&a.noun) != last(&b.noun) && (a.person.is_none() || a.person != b.person) {
                return [a, b];
            }
        }
    }

    fn with_adverb(&mut self, judgement: Judgement) -> Judgement {
        let adverb = self.adverb(judgement.person.is_some());
        Judgement { adverb, ..judgement }
    }

    fn adverb(&mut self, verb: bool) -> &'static str {
        self.pick(if verb { &VERB_ADVERBS } else { &ADJECTIVE_ADVERBS })
    }

    fn maybe_opener(&mut self) -> &'static str {
        if self.rng.random_bool(OPENER) { self.pick(&OPENERS) } else { "" }
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(..choices.len())]
    }
}

//! The words of the corpus.
//!
//! No word is in two lists that a reader of a sentence must tell apart, so that a word alone says what part of a clause
//! it is. Every adjective takes "very", "slightly" and "more".

/// What a sentence can be about, with the adjectives that fit nothing else.
pub(super) struct Topic {
    /// What is judged.
    pub(super) nouns: [&'static str; 12],
    /// Adjectives of praise.
    pub(super) good: [&'static str; 6],
    /// Adjectives of blame.
    pub(super) bad: [&'static str; 6],
}

/// Shows and books, food, places, people.
pub(super) const TOPICS: [Topic; 4] = [
    Topic {
        nouns: [
            "film",
            "play",
            "concert",
            "novel",
            "story",
            "musical",
            "album",
            "opera",
            "lecture",
            "series",
            "documentary",
            "exhibition",
        ],
        good: ["moving", "gripping", "amusing", "inventive", "exciting", "inspiring"],
        bad: ["boring", "tedious", "confusing", "predictable", "pretentious", "shallow"],
    },
    Topic {
        nouns: [
            "soup",
            "bread",
            "curry",
            "salad",
            "dessert",
            "breakfast",
            "pizza",
            "stew",
            "sandwich",
            "omelette",
            "dinner",
            "cake",
        ],
        good: ["delicious", "flavourful", "nourishing", "comforting", "appetising", "wholesome"],
        bad: ["tasteless", "greasy", "watery", "overpriced", "unappetising", "revolting"],
    },
    Topic {
        nouns: [
            "hotel", "room", "garden", "flat", "museum", "cafe", "beach", "station", "village", "office", "library",
            "campsite",
        ],
        good: ["comfortable", "peaceful", "welcoming", "spacious", "beautiful", "relaxing"],
        bad: ["uncomfortable", "crowded", "cramped", "gloomy", "neglected", "shabby"],
    },
    Topic {
        nouns: [
            "waiter", "guide", "teacher", "driver", "doctor", "manager", "singer", "barber", "trainer", "nurse",
            "pianist", "host",
        ],
        good: ["friendly", "helpful", "polite", "patient", "attentive", "professional"],
        bad: ["unhelpful", "arrogant", "impatient", "careless", "incompetent", "rude"],
    },
];

/// Adjectives that fit every topic: praise.
pub(super) const GOOD: [&str; 8] =
    ["pleasant", "impressive", "delightful", "charming", "memorable", "likeable", "agreeable", "appealing"];

/// Adjectives that fit every topic: blame.
pub(super) const BAD: [&str; 8] =
    ["unpleasant", "disappointing", "annoying", "forgettable", "tiresome", "frustrating", "irritating", "disagreeable"];

/// Verbs whose past tense is also their participle: praise.
pub(super) const LIKED: [&str; 6] = ["liked", "loved", "admired", "praised", "recommended", "appreciated"];

/// Verbs whose past tense is also their participle: blame.
pub(super) const DISLIKED: [&str; 6] = ["disliked", "hated", "criticised", "detested", "despised", "resented"];

/// What stands before a noun that is judged.
pub(super) const DETERMINERS: [&str; 4] = ["the", "our", "this", "their"];

/// Who likes and dislikes, after "my".
pub(super) const PEOPLE: [&str; 12] = [
    "sister",
    "brother",
    "mother",
    "father",
    "cousin",
    "uncle",
    "aunt",
    "boss",
    "colleague",
    "friend",
    "daughter",
    "son",
];

/// Optional first words.
pub(super) const OPENERS: [&str; 8] = [
    "last night",
    "last week",
    "on monday",
    "on sunday",
    "this time",
    "after work",
    "during our holiday",
    "in the spring",
];

/// Adverbs before adjectives that do not weigh one clause against another.
pub(super) const ADJECTIVE_ADVERBS: [&str; 4] = ["very", "really", "particularly", "especially"];

/// Adverbs before verbs.
pub(super) const VERB_ADVERBS: [&str; 4] = ["really", "truly", "genuinely", "quite"];

/// Intensifiers: their clause wins where no conjunction decides.
pub(super) const STRONG: [&str; 4] = ["extremely", "incredibly", "exceptionally", "terribly"];

/// Diminishers: their clause loses where no conjunction decides.
pub(super) const WEAK: [&str; 4] = ["slightly", "somewhat", "mildly", "vaguely"];

/// Main clauses around a statement: one that affirms it, one that denies it.
pub(super) const FRAMES: [(&str, &str); 6] = [
    ("everybody thought that", "nobody thought that"),
    ("many people said that", "few people said that"),
    ("it is true that", "it is false that"),
    ("i believe that", "i doubt that"),
    ("i can say that", "i cannot say that"),
    ("all of us agreed that", "none of us agreed that"),
];

/// What a comparison compares with.
pub(super) const REFERENCES: [&str; 8] = [
    "i had expected",
    "we remembered",
    "the posters promised",
    "the ratings suggested",
    "in previous years",
    "the brochure implied",
    "you might imagine",
    "the others last year",
];

/// Subjects of a condition.
pub(super) const ACTORS: [&str; 5] = ["we", "they", "everyone", "the children", "the guests"];

/// Verbs of a condition whose past tense is also their participle.
pub(super) const ACTS: [&str; 8] = ["stayed", "waited", "returned", "called", "asked", "talked", "danced", "listened"];

/// Ends of a condition.
pub(super) const TIMES: [&str; 8] = [
    "until midnight",
    "the next day",
    "once again",
    "after lunch",
    "for an hour",
    "before sunset",
    "all evening",
    "at noon",
];

/// The words that carry the grammar, which the lists above do not hold, and the marks.
pub(super) const FUNCTION_WORDS: [&str; 18] = [
    "my", "was", "not", "never", "but", "although", "would", "must", "have", "been", "if", "had", "more", "less",
    "than", "and", ",", ".",
];

//! The nine tasks of GLUE (Wang et al. 2018, arXiv 1804.07461): columns, labels, metrics and names, as data.
//!
//! Class indices follow the order of the Hugging Face data set `nyu-mll/glue`, so that a checkpoint fine-tuned there keeps
//! its meaning here.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::error::{Error, Result};
use super::metrics::Metric;
use super::split::Split;

/// A task of GLUE.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum GlueTask {
    /// Corpus of Linguistic Acceptability.
    Cola,
    /// Stanford Sentiment Treebank, two classes.
    Sst2,
    /// Microsoft Research Paraphrase Corpus.
    Mrpc,
    /// Semantic Textual Similarity Benchmark.
    Stsb,
    /// Quora Question Pairs.
    Qqp,
    /// Multi-Genre Natural Language Inference.
    Mnli,
    /// Question-answering NLI.
    Qnli,
    /// Recognising Textual Entailment.
    Rte,
    /// Winograd NLI.
    Wnli,
}

/// What the files of one task look like and how it is scored.
pub(super) struct Entry {
    folder: &'static str,
    about: &'static str,
    /// Columns in the Hugging Face layout: first text, second text or empty, label.
    pub(super) columns: [&'static str; 3],
    /// The same columns in the official TSV files.
    official: [&'static str; 3],
    /// Labels by class index; none for regression.
    pub(super) labels: &'static [&'static str],
    pub(super) metrics: &'static [Metric],
}

const SENTENCE: [&str; 3] = ["sentence", "", "label"];
const SENTENCES: [&str; 3] = ["sentence1", "sentence2", "label"];

impl GlueTask {
    /// All tasks in the order of GLUE's own table.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub(super) fn entry(self) -> Entry {
        use Metric::{Accuracy, F1, Matthews, Pearson, Spearman};
        match self {
            Self::Cola => Entry {
                folder: "CoLA",
                about: "is the sentence grammatical?",
                columns: SENTENCE,
                official: SENTENCE,
                labels: &["unacceptable", "acceptable"],
                metrics: &[Matthews],
            },
            Self::Sst2 => Entry {
                folder: "SST-2",
                about: "is the review positive?",
                columns: SENTENCE,
                official: SENTENCE,
                labels: &["negative", "positive"],
                metrics: &[Accuracy],
            },
            Self::Mrpc => Entry {
                folder: "MRPC",
                about: "do the two sentences mean the same?",
                columns: SENTENCES,
                official: ["#1 String", "#2 String", "Quality"],
                labels: &["not_equivalent", "equivalent"],
                metrics: &[Accuracy, F1],
            },
            Self::Stsb => Entry {
                folder: "STS-B",
                about: "how alike are the two sentences, from 0 to 5?",
                columns: SENTENCES,
                official: ["sentence1", "sentence2", "score"],
                labels: &[],
                metrics: &[Pearson, Spearman],
            },
            Self::Qqp => Entry {
                folder: "QQP",
                about: "do the two questions ask the same?",
                columns: ["question1", "question2", "label"],
                official: ["question1", "question2", "is_duplicate"],
                labels: &["not_duplicate", "duplicate"],
                metrics: &[Accuracy, F1],
            },
            Self::Mnli => Entry {
                folder: "MNLI",
                about: "does the premise entail, contradict or leave open the hypothesis?",
                columns: ["premise", "hypothesis", "label"],
                official: ["sentence1", "sentence2", "gold_label"],
                labels: &["entailment", "neutral", "contradiction"],
                metrics: &[Accuracy],
            },
            Self::Qnli => Entry {
                folder: "QNLI",
                about: "does the sentence answer the question?",
                columns: ["question", "sentence", "label"],
                official: ["question", "sentence", "label"],
                labels: &["entailment", "not_entailment"],
                metrics: &[Accuracy],
            },
            Self::Rte => Entry {
                folder: "RTE",
                about: "does the first sentence entail the second?",
                columns: SENTENCES,
                official: SENTENCES,
                labels: &["entailment", "not_entailment"],
                metrics: &[Accuracy],
            },
            Self::Wnli => Entry {
                folder: "WNLI",
                about: "does the sentence with the pronoun replaced follow?",
                columns: SENTENCES,
                official: SENTENCES,
                labels: &["not_entailment", "entailment"],
                metrics: &[Accuracy],
            },
        }
    }

    /// The task called `name`: `sst2`, the official folder name `SST-2`, or either in another case or punctuation; also
    /// `sst` and `sts`.
    ///
    /// # Errors
    /// If no task has that name; the message lists those that exist.
    pub fn parse(name: &str) -> Result<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let plain = match plain.as_str() {
            "sst" => "sst2",
            "sts" => "stsb",
            other => other,
        };
        Self::ALL.iter().copied().find(|task| task.name() == plain).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|task| task.name()).collect();
            let expected = format!("one of {}; or a task of your own with its columns named", names.join(", "));
            Error::invalid("task", expected, format!("`{name}`"))
        })
    }

    /// Short name: `cola`, `sst2`, `mrpc`, `stsb`, `qqp`, `mnli`, `qnli`, `rte`, `wnli`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Folder of the official download: `CoLA`, `SST-2`, `MRPC`, `STS-B`, `QQP`, `MNLI`, `QNLI`, `RTE`, `WNLI`.
    pub fn folder(self) -> &'static str {
        self.entry().folder
    }

    /// The question the task asks, in one line.
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// First text, second text (empty where there is none) and label as the official TSV files name them.
    pub fn official_columns(self) -> [&'static str; 3] {
        self.entry().official
    }

    /// File name the GLUE server expects for `split`: `RTE.tsv`, and `MNLI-m.tsv` or `MNLI-mm.tsv`; none for a split that is
    /// not submitted.
    pub fn submission_name(self, split: Split) -> Option<String> {
        match (self, split) {
            (Self::Mnli, Split::Test) => Some("MNLI-m.tsv".to_owned()),
            (Self::Mnli, Split::TestMismatched) => Some("MNLI-mm.tsv".to_owned()),
            (_, Split::Test) => Some(format!("{}.tsv", self.folder())),
            _ => None,
        }
    }

    /// Whether the server takes class indices rather than label names.
    pub(super) fn submits_indices(self) -> bool {
        matches!(self, Self::Cola | Self::Sst2 | Self::Mrpc | Self::Qqp | Self::Wnli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_finds_its_task() {
        for &task in GlueTask::ALL {
            for name in [task.name(), task.folder(), &task.name().to_uppercase(), &task.folder().replace('-', "_")] {
                assert_eq!(GlueTask::parse(name).unwrap(), task, "{name}");
            }
        }
        assert_eq!(GlueTask::parse("sst").unwrap(), GlueTask::Sst2);
        let message = GlueTask::parse("squad").unwrap_err().to_string();
        assert!(
            message.contains("cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte, wnli") && message.contains("`squad`"),
            "{message}"
        );
    }
}

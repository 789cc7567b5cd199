//! Answers beside the truth on the page: every class against every other where they are few, else the classes that are missed most.

use maud::{Markup, html};

use super::answers::Mistake;
use super::tables::{clipped, download};
use crate::chart::csv;

/// Most classes whose whole table is shown.
const CLASSES: usize = 24;

/// Lines of a table of what is confused most.
const LINES: usize = 20;

/// Most lines of the numbers that such a table carries.
const NUMBERS: usize = 20_000;

/// Characters of a class's name, and of a text, that are shown.
const NAME: usize = 60;
const TEXT: usize = 600;

/// Confusions of the classes `labels`, and mistakes.
pub(super) fn answers(labels: &[String], table: &[Vec<u64>], worst_mistakes: Option<&[Mistake]>) -> Markup {
    html! {
        @if !table.is_empty() {
            div.charts {
                @if labels.len() <= CLASSES { (whole(labels, table)) } @else { (worst(labels, table)) }
            }
        }
        @if let Some(worst) = worst_mistakes.filter(|worst| !worst.is_empty()) { (mistakes(worst, labels)) }
    }
}

/// Every class against every other.
fn whole(labels: &[String], table: &[Vec<u64>]) -> Markup {
    html! {
        figure {
            h3 { "True class against answer" }
            table.confusion {
                thead { tr { th { "true \\ answer" } @for label in labels { th { (clipped(label, NAME)) } } } }
                tbody { @for (label, row) in labels.iter().zip(table) {
                    @let all = row.iter().sum::<u64>().max(1);
                    tr { th { (clipped(label, NAME)) } @for count in row {
                        td style=(format!("background: color-mix(in srgb, var(--s0) {}%, var(--card))", 70 * count / all)) { (count) }
                    } }
                } }
            }
            figcaption { (download("confusion", &matrix(labels, table))) }
        }
    }
}

/// The pairs that are confused most, and the classes that are found least.
fn worst(labels: &[String], table: &[Vec<u64>]) -> Markup {
    let mut pairs: Vec<(u64, usize, usize)> = cells(table).filter(|(_, truth, answer)| truth != answer).collect();
    // The largest first, then in the order of the classes.
    pairs.sort_by_key(|&(count, truth, answer)| (std::cmp::Reverse(count), truth, answer));
    let mut found: Vec<(f64, u64, usize)> = table
        .iter()
        .enumerate()
        .map(|(class, row)| (row[class], row.iter().sum::<u64>(), class))
        .filter(|(_, all, _)| *all > 0)
        .map(|(right, all, class)| (right as f64 / all as f64, all, class))
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
    let name = |class: usize| clipped(&labels[class], NAME);
    html! {
        figure {
            h3 { "Classes that are confused most" }
            table {
                thead { tr { th { "true" } th { "answer" } th.number { "examples" } } }
                tbody { @for &(count, truth, answer) in pairs.iter().take(LINES) {
                    tr { td.word { (name(truth)) } td.word { (name(answer)) } td.number { (count) } }
                } }
            }
            figcaption { (more(pairs.len(), "pairs")) (download("confusion", &sparse(labels, &pairs))) }
        }
        figure {
            h3 { "Classes that are found least" }
            table {
                thead { tr { th { "class" } th.number { "examples" } th.number { "found" } } }
                tbody { @for &(share, all, class) in found.iter().take(LINES) {
                    tr { td.word { (name(class)) } td.number { (all) } td.number { (format!("{:.1} %", 100.0 * share)) } }
                } }
            }
            figcaption { (more(found.len(), "classes that occur")) (download("found", &shares(labels, &found))) }
        }
    }
}

/// What a table of [`LINES`] lines leaves out.
fn more(all: usize, what: &str) -> String {
    if all > LINES { format!("the first {LINES} of {all} {what}; ") } else { String::new() }
}

/// The cells that are not 0: how many examples, the true class, the answer.
fn cells(table: &[Vec<u64>]) -> impl Iterator<Item = (u64, usize, usize)> {
    let row = |(truth, row): (usize, &'_ Vec<u64>)| {
        let cells: Vec<_> = row.iter().enumerate().map(|(answer, &count)| (count, truth, answer)).collect();
        cells.into_iter().filter(|(count, ..)| *count > 0)
    };
    table.iter().enumerate().flat_map(row)
}

fn matrix(labels: &[String], table: &[Vec<u64>]) -> String {
    let name = |label: &String| clipped(label, TEXT);
    let head = std::iter::once("true".to_owned()).chain(labels.iter().map(name)).collect::<Vec<_>>();
    let row = |(label, counts): (&String, &Vec<u64>)| {
        std::iter::once(name(label)).chain(counts.iter().map(u64::to_string)).collect()
    };
    csv(head, labels.iter().zip(table).map(row))
}

/// A line a pair.
fn sparse(labels: &[String], pairs: &[(u64, usize, usize)]) -> String {
    let row = |&(count, truth, answer): &(u64, usize, usize)| {
        vec![clipped(&labels[truth], TEXT), clipped(&labels[answer], TEXT), count.to_string()]
    };
    csv(["true", "answer", "examples"].map(str::to_owned).to_vec(), pairs.iter().take(NUMBERS).map(row))
}

fn shares(labels: &[String], found: &[(f64, u64, usize)]) -> String {
    let row = |&(share, all, class): &(f64, u64, usize)| {
        vec![clipped(&labels[class], TEXT), all.to_string(), share.to_string()]
    };
    csv(["class", "examples", "found"].map(str::to_owned).to_vec(), found.iter().map(row))
}

fn mistakes(mistakes: &[Mistake], labels: &[String]) -> Markup {
    html! {
        h3 { "Worst mistakes" }
        div.wide { table {
            thead { tr { th { "text" } th { "true" } th { "answer" } th.number { @if labels.is_empty() { "off by" } @else { "probability" } } } }
            tbody { @for mistake in mistakes { tr {
                td.text { (clipped(&mistake.text, TEXT)) } td.word { (clipped(&mistake.expected, NAME)) } td.word { (clipped(&mistake.answer, NAME)) }
                td.number { (format!("{:.3}", mistake.size)) }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("c{i}")).collect()
    }

    #[test]
    fn a_thousand_classes_take_a_small_page() {
        let labels = labels(1000);
        // Every class once for every other, and one pair more often.
        let mut table = vec![vec![1; 1000]; 1000];
        table[7][3] = 41;
        let page = answers(&labels, &table, None).into_string();
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        assert!(
            page.contains("<td class=\"word\">c7</td><td class=\"word\">c3</td><td class=\"number\">41</td>"),
            "the worst pair"
        );
        assert!(page.contains("the first 20 of 999000 pairs") && page.contains("Classes that are found least"));
        assert_eq!(page.matches("<tr>").count(), 2 * (1 + LINES));
    }

    #[test]
    fn few_classes_are_shown_whole() {
        let labels = labels(3);
        let page = answers(&labels, &[vec![5, 1, 0], vec![0, 7, 2], vec![0, 0, 3]], None).into_string();
        assert_eq!((page.matches("<tr>").count(), page.matches("<td").count()), (4, 9));
        assert!(page.contains("True class against answer"));
    }

    #[test]
    fn long_names_and_texts_are_clipped() {
        let labels = vec!["x".repeat(100_000), "y".into()];
        let (text, expected) = ("w ".repeat(1_000_000), labels[0].clone());
        let mistakes = [Mistake { text, expected, answer: "y".into(), size: 0.9 }];
        let page = answers(&labels, &[vec![1, 1], vec![0, 1]], Some(&mistakes)).into_string();
        assert!(page.len() < 200_000, "{} bytes", page.len());
        assert!(page.contains("…"));
    }
}

use super::*;
use crate::split::Split;

fn positions(task: &str, split: Split, names: &[&str]) -> Result<Positions, String> {
    let columns: Vec<Column> = names.iter().map(|&name| Column::text(name)).collect();
    TaskColumns::new(&TaskSpec::glue(task).unwrap(), Labels::of(split)).positions(&columns, Twins::Refused)
}

#[test]
fn both_layouts_are_recognised() {
    let official = ["index", "promptID", "sentence1", "sentence2", "label1", "gold_label"];
    let hub = ["premise", "hypothesis", "label", "idx"];
    let expected = Positions { first: 2, second: Some(3), label: Some(5), id: Some(0) };
    assert_eq!(positions("mnli", Split::Train, &official).unwrap(), expected);
    assert_eq!(expected.packed(), Positions { first: 0, second: Some(1), label: Some(2), id: Some(3) });
    let expected = Positions { first: 0, second: Some(1), label: Some(2), id: Some(3) };
    assert_eq!(positions("mnli", Split::Train, &hub).unwrap(), expected);
}

#[test]
fn a_label_column_is_needed_only_where_labels_are() {
    let names = ["index", "sentence"];
    assert_eq!(positions("sst2", Split::Test, &names).unwrap().label, None);
    let message = positions("sst2", Split::Dev, &names).unwrap_err();
    assert_eq!(message, "no column `label`; found `index`, `sentence`");
    let message = positions("qqp", Split::Dev, &["question1", "question2"]).unwrap_err();
    assert!(message.contains("`label` or `is_duplicate`"), "{message}");
}

#[test]
fn a_repeated_column_is_ambiguous() {
    let message = positions("sst2", Split::Dev, &["sentence", "label", "sentence"]).unwrap_err();
    assert!(message.contains("`sentence` occurs twice"), "{message}");
}

use super::*;
use crate::split::Split;

fn read(task: &TaskSpec, split: Split, cell: Cell) -> Result<Option<f32>, String> {
    LabelReader::new(task, Labels::of(split)).read(Some(&cell))
}

fn word(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[test]
fn labels_are_names_or_indices() {
    let task = TaskSpec::glue("rte").unwrap();
    assert_eq!(read(&task, Split::Dev, word("not_entailment")), Ok(Some(1.0)));
    assert_eq!(read(&task, Split::Dev, word(" 0 ")), Ok(Some(0.0)));
    assert_eq!(read(&task, Split::Dev, Cell::Integer(1)), Ok(Some(1.0)));
    assert_eq!(read(&task, Split::Dev, Cell::Number(1.0)), Ok(Some(1.0)));
    for bad in [word("maybe"), word("2"), Cell::Integer(-2), Cell::Number(0.5), word("Entailment")] {
        let message = read(&task, Split::Dev, bad).unwrap_err();
        assert!(message.contains("one of entailment, not_entailment or a class index from 0 to 1"), "{message}");
    }
}

#[test]
fn classes_named_by_numbers_are_not_indices() {
    let mut task = TaskSpec::glue("rte").unwrap();
    task.target = Target::Classification { labels: vec!["1".into(), "2".into()] };
    assert_eq!(read(&task, Split::Dev, word("1")), Ok(Some(0.0)));
    assert_eq!(read(&task, Split::Dev, Cell::Integer(2)), Ok(Some(1.0)));
    assert_eq!(
        read(&task, Split::Dev, Cell::Integer(0)).unwrap_err(),
        "column `label`: expected one of 1, 2, found `0`"
    );
    task.target = Target::Classification { labels: vec!["-1".into(), "1".into()] };
    assert_eq!(read(&task, Split::Test, Cell::Integer(-1)), Ok(Some(0.0)));
}

#[test]
fn only_a_test_split_may_lack_labels() {
    for task in ["rte", "stsb"].map(|name| TaskSpec::glue(name).unwrap()) {
        for none in [word(""), Cell::Missing, Cell::Integer(-1), Cell::Number(-1.0), word("-1")] {
            assert_eq!(read(&task, Split::Test, none.clone()), Ok(None));
            assert!(read(&task, Split::Dev, none).is_err());
        }
        assert_eq!(LabelReader::new(&task, Labels::of(Split::Test)).read(None), Ok(None));
    }
}

#[test]
fn scores_stay_in_a_stated_range() {
    let mut task = TaskSpec::glue("stsb").unwrap();
    assert_eq!(read(&task, Split::Train, word("5.000")), Ok(Some(5.0)));
    for bad in ["5.001", "NaN", "inf", "five"] {
        let message = read(&task, Split::Train, word(bad)).unwrap_err();
        assert!(message.contains("a number from 0 to 5") && message.contains(bad), "{message}");
    }
    task.discovered = true;
    assert_eq!(read(&task, Split::Dev, word("5.001")), Ok(Some(5.001)));
    assert!(read(&task, Split::Dev, word("NaN")).is_err());
}

#[test]
fn which_class_a_number_was_taken_for_is_said_where_no_benchmark_fixes_it() {
    let mut task = TaskSpec::glue("sst2").unwrap();
    let note = |task: &TaskSpec, cell: Cell| {
        let reader = LabelReader::new(task, Labels::Required);
        (reader.read(Some(&cell)).unwrap(), reader.note())
    };
    assert_eq!(note(&task, Cell::Integer(1)), (Some(1.0), None));
    task.glue = None;
    task.target = Target::Classification { labels: vec!["pos".into(), "neg".into()] };
    assert_eq!(note(&task, word("neg")), (Some(1.0), None));
    let (class, said) = note(&task, Cell::Integer(1));
    assert_eq!(class, Some(1.0));
    assert!(said.as_ref().is_some_and(|said| said.contains("0 is `pos`, 1 is `neg`")), "{said:?}");
}

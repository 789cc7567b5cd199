use std::fs::File;

use bitspike::Target;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::table::{Cell, Column, Form, TableWriter};
use crate::{CustomTarget, CustomTask, Metric, Split, load};

fn names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

fn task(classes: &[&str], discovered: bool) -> TaskSpec {
    TaskSpec {
        name: "mood".into(),
        glue: None,
        first: "text".into(),
        second: None,
        label: "label".into(),
        target: Target::Classification { labels: names(classes) },
        metrics: vec![Metric::Accuracy],
        discovered,
    }
}

fn map(model: &[&str], classes: &[&str]) -> Option<Vec<usize>> {
    ClassMap::new(&names(model), &task(classes, true), None).ok().map(|map| map.outputs)
}

fn glue(model: &[&str], name: &str) -> Option<Vec<usize>> {
    ClassMap::new(&names(model), &TaskSpec::glue(name).unwrap(), None).ok().map(|map| map.outputs)
}

#[test]
fn names_count_wherever_they_stand() {
    assert_eq!(map(&["positive", "negative"], &["negative", "positive"]), Some(vec![1, 0]));
    assert_eq!(map(&["c", "a", "b"], &["a", "b", "c"]), Some(vec![1, 2, 0]));
    assert_eq!(glue(&["contradiction", "entailment", "neutral"], "mnli"), Some(vec![1, 2, 0]));
    assert_eq!(glue(&["CONTRADICTION", "NEUTRAL", "ENTAILMENT"], "mnli"), Some(vec![2, 1, 0]));
    assert_eq!(glue(&["not_entailment", "entailment"], "rte"), Some(vec![1, 0]));
    assert_eq!(glue(&["not_entailment", "entailment"], "wnli"), Some(vec![0, 1]));
    assert_eq!(glue(&["Entailment", "Not Entailment"], "qnli"), Some(vec![0, 1]));
    assert_eq!(map(&["caf\u{e9}", "bar"], &["bar", "cafe\u{301}"]), Some(vec![1, 0]));
}

#[test]
fn names_that_differ_in_case_alone_are_kept_apart() {
    assert_eq!(map(&["B", "b"], &["b", "B"]), Some(vec![1, 0]));
    assert_eq!(map(&["B", "b"], &["bad", "good"]), None);
}

#[test]
fn numbers_are_one_thing_however_they_are_written() {
    assert_eq!(map(&["1.0", "0.0"], &["0", "1"]), Some(vec![1, 0]));
    assert_eq!(map(&["LABEL_1", "LABEL_0"], &["0", "1"]), Some(vec![1, 0]));
    assert_eq!(map(&["True", "False"], &["0", "1"]), Some(vec![1, 0]));
    assert_eq!(map(&["5 stars", "1 star", "3 stars"], &["1", "3", "5"]), Some(vec![1, 2, 0]));
    assert_eq!(map(&["1", "2"], &["01", "02"]), None, "text that looks like numbers is text");
    assert_eq!(map(&["c1", "c0"], &["d0", "d1"]), None, "two words");
    let eleven: Vec<String> = (0..12).map(|i| format!("LABEL_{i}")).collect();
    let mut own: Vec<String> = (0..12).map(|i| format!("c{i}")).collect();
    own.sort();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    assert_eq!(map(&eleven, &own), Some(vec![0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]), "c10 is LABEL_10");
}

#[test]
fn labels_without_other_information_go_by_index() {
    assert_eq!(map(&["LABEL_0", "LABEL_1"], &["neg", "pos"]), Some(vec![0, 1]));
    assert_eq!(map(&["LABEL_1", "LABEL_0"], &["neg", "pos"]), Some(vec![1, 0]), "LABEL_1 is 1 wherever it stands");
    assert_eq!(glue(&["LABEL_0", "LABEL_1", "LABEL_2"], "mnli"), Some(vec![0, 1, 2]));
    assert_eq!(glue(&["1", "0"], "sst2"), Some(vec![1, 0]));
    assert_eq!(map(&["LABEL_0", "LABEL_1", "LABEL_2"], &["1", "2", "3"]), Some(vec![0, 1, 2]));
    let note = ClassMap::new(&names(["LABEL_0", "LABEL_1"]), &task(&["neg", "pos"], true), None).unwrap().note();
    let note = note.expect("what is assumed is said");
    assert!(note.contains("`LABEL_0` as `neg`, `LABEL_1` as `pos`") && note.contains("--map"), "{note}");
}

#[test]
fn numbers_in_the_data_are_the_indices_of_a_model_unless_its_names_say_otherwise() {
    assert_eq!(map(&["world", "sports", "business"], &["0", "1", "2"]), Some(vec![0, 1, 2]));
    assert_eq!(map(&["negative", "positive"], &["0", "1"]), Some(vec![0, 1]));
    assert_eq!(map(&["positive", "negative"], &["0", "1"]), None);
    assert_eq!(map(&["spam", "not_spam"], &["0", "1"]), None);
    assert_eq!(map(&["contradiction", "entailment", "neutral"], &["0", "1", "2"]), None);
    assert_eq!(map(&["a", "b"], &["1", "2"]), None);
    // The order of classes that are found in the data is that of their bytes, and GLUE's is another.
    assert_eq!(map(&["LABEL_0", "LABEL_1"], &["acceptable", "unacceptable"]), None);
    assert_eq!(glue(&["LABEL_0", "LABEL_1"], "cola"), Some(vec![0, 1]));
}

#[test]
fn names_of_another_task_are_refused_with_both_lists_and_the_flag() {
    for (model, name) in [
        (&["negative", "positive"][..], "cola"),
        (&["not_duplicate", "duplicate"], "mrpc"),
        (&["entailment", "contradiction"], "rte"),
        (&["positive", "LABEL_1"], "sst2"),
        (&["a", "a"], "sst2"),
    ] {
        let error = ClassMap::new(&names(model), &TaskSpec::glue(name).unwrap(), None).unwrap_err();
        assert!(matches!(error, Error::Classes { .. }), "{model:?} {name}: {error}");
        let error = error.to_string();
        let both =
            error.contains(&format!("`{}`", model[0])) && error.contains(&TaskSpec::glue(name).unwrap().labels()[0]);
        assert!(both && error.contains("--map"), "{error}");
    }
    let error = ClassMap::new(&names(["negative", "positive"]), &task(&["happy", "sad"], true), None).unwrap_err();
    assert!(error.to_string().contains("--map negative=CLASS,positive=CLASS"), "no guess to copy: {error}");
    let error = ClassMap::new(&names(["a", "b", "c"]), &task(&["a", "b"], true), None).unwrap_err().to_string();
    assert!(error.contains("3 outputs") && error.contains("has 2"), "{error}");
}

#[test]
fn a_stated_map_is_obeyed_in_either_direction() {
    let stated = |text: &str, model: &[&str], classes: &[&str]| -> Result<Vec<usize>, String> {
        let text: StatedClasses = text.parse().map_err(|e: Error| e.to_string())?;
        ClassMap::new(&names(model), &task(classes, true), Some(&text))
            .map(|map| map.outputs)
            .map_err(|e| e.to_string())
    };
    assert_eq!(stated("positive=1,negative=0", &["positive", "negative"], &["0", "1"]), Ok(vec![1, 0]));
    assert_eq!(stated("positive=1,negative=0", &["LABEL_0", "LABEL_1"], &["positive", "negative"]), Ok(vec![1, 0]));
    assert_eq!(stated("good=pos", &["good", "bad"], &["neg", "pos"]), Ok(vec![1, 0]), "the last pair is left over");
    assert_eq!(stated("x=a", &["c", "b", "x"], &["a", "b", "c"]), Ok(vec![2, 1, 0]), "the rest goes by name");
    assert_eq!(stated(" \"a, b\" = c , d=\"e=f\"", &["d", "a, b"], &["c", "e=f"]), Ok(vec![1, 0]));
    assert_eq!(stated("neg=pos,pos=neg", &["neg", "pos"], &["neg", "pos"]), Ok(vec![1, 0]), "even against the names");
    for (text, says) in [
        ("good=pos,bad=pos", "`pos` twice"),
        ("good=fine", "`fine`"),
        ("good", "OUTPUT=CLASS"),
        ("good=", "OUTPUT=CLASS"),
        ("a=b=c", "OUTPUT=CLASS"),
        ("\"good=pos", "OUTPUT=CLASS"),
        ("", "OUTPUT=CLASS"),
    ] {
        let error = stated(text, &["good", "bad"], &["neg", "pos"]).unwrap_err();
        assert!(error.contains("--map") && error.contains(says), "{text}: {error}");
    }
    let some = stated("x=a", &["x", "y", "z"], &["a", "b", "c"]).unwrap_err();
    assert!(some.contains("nothing for `b`, `c`"), "{some}");
    let scores = TaskSpec::glue("stsb").unwrap();
    let error = ClassMap::new(&names(["LABEL_0"]), &scores, Some(&"a=b".parse().unwrap())).unwrap_err().to_string();
    assert!(error.contains("has scores"), "{error}");
}

#[test]
fn a_score_needs_no_name() {
    let map = ClassMap::new(&names(["LABEL_0"]), &TaskSpec::glue("stsb").unwrap(), None).unwrap();
    assert_eq!((map.outputs(), map.note()), (&[0][..], None));
}

#[test]
fn numbered_classes_sort_as_numbers() {
    let sorted = |list: &[&str]| {
        let mut list = names(list);
        sort(&mut list);
        list
    };
    assert_eq!(sorted(&["c10", "c2", "c0"]), ["c0", "c2", "c10"]);
    assert_eq!(sorted(&["10", "9", "-1"]), ["-1", "9", "10"]);
    assert_eq!(sorted(&["2.5", "10", "1"]), ["1", "2.5", "10"]);
    assert_eq!(sorted(&["b", "a10", "a2"]), ["a10", "a2", "b"]);
}

#[test]
fn only_names_that_mean_something_say_that_two_tasks_are_the_same() {
    let same = |a: &[&str], b: &[&str]| same_classes(&names(a), &names(b));
    assert_eq!(same(&["pos", "neg"], &["neg", "pos"]), Some(vec![1, 0]));
    assert_eq!(same(&["0", "1"], &["0", "1"]), None);
    assert_eq!(same(&["LABEL_0", "LABEL_1"], &["LABEL_0", "LABEL_1"]), None);
    assert_eq!(same(&["a", "b"], &["a", "c"]), None);
    assert_eq!(same(&["1 star", "2 stars"], &["2 Stars", "1 Star"]), Some(vec![1, 0]));
}

/// A spelling of `name` that still is that name, of `class`.
fn respelled(name: &str, rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..5) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        2 => name.replace('_', " "),
        3 => name.replace('_', "-"),
        _ => name.to_owned(),
    }
}

#[test]
fn an_answer_keeps_its_class_through_any_order_spelling_and_form_of_table() {
    const WORDS: [&str; 12] =
        ["happy", "Sad", "so_so", "très_bien", "日本", "Ω", "not_happy", "a, b", "x=y", "5 %", "ÉTÉ", "q\"q"];
    let folder = tempfile::tempdir().unwrap();
    let forms = [(Form::Csv, "csv"), (Form::Jsonl, "jsonl"), (Form::Parquet, "parquet")];
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(2..=12);
        // What the classes really are: words, or numbers in one of their spellings.
        let numbered = rng.random_bool(0.3);
        let truth: Vec<String> = match numbered {
            true => (0..count).map(|i| i.to_string()).collect(),
            false => WORDS.sample(&mut rng, count).map(|word| (*word).to_owned()).collect(),
        };
        let in_data = |i: usize| truth[i].clone();
        let mut of_model: Vec<(usize, String)> =
            (0..count).map(|i| (i, if numbered { truth[i].clone() } else { respelled(&truth[i], &mut rng) })).collect();
        if numbered && rng.random_bool(0.5) {
            of_model.iter_mut().for_each(|(i, name)| *name = format!("LABEL_{i}"));
        }
        of_model.shuffle(&mut rng);
        let mut rows: Vec<usize> = (0..count).chain((0..20).map(|_| rng.random_range(0..count))).collect();
        rows.shuffle(&mut rng);

        let (form, extension) = forms[seed as usize % 3];
        let path = folder.path().join(format!("train.{extension}"));
        let columns = vec![Column::text("text"), Column::text("label")];
        let mut table = TableWriter::create(File::create(&path).unwrap(), form, columns).unwrap();
        rows.iter().for_each(|&i| table.write(vec!["a text".into(), Cell::from(in_data(i).as_str())]).unwrap());
        table.finish().unwrap();

        let target = match rng.random_bool(0.5) {
            true => CustomTarget::DiscoverClasses,
            false => {
                let mut stated: Vec<String> = truth.clone();
                stated.shuffle(&mut rng);
                CustomTarget::Classes(stated)
            }
        };
        let task = CustomTask {
            name: "mood".into(),
            first: "text".into(),
            second: None,
            label: "label".into(),
            target,
            metrics: Vec::new(),
        };
        let task = task.resolve(&path).unwrap();
        let model: Vec<String> = of_model.iter().map(|(_, name)| name.clone()).collect();
        let map = ClassMap::new(&model, &task, None).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let data = load(&task, &path, Split::Train).unwrap();
        for (&row, example) in rows.iter().zip(&data.examples) {
            let class = example.target.unwrap() as usize;
            let answered = of_model[map.outputs()[class]].0;
            assert_eq!(answered, row, "seed {seed}, {extension}: {model:?} for {:?}", task.labels());
        }
    }
}

#[test]
fn short_forms_of_sentiments_are_the_words_themselves() {
    let by_name = |model: &[&str], classes: &[&str]| {
        let [model, classes] =
            [model, classes].map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        super::by_name(&model, &classes).map(|(outputs, _)| outputs)
    };
    assert_eq!(by_name(&["positive", "negative"], &["neg", "pos"]), Some(vec![1, 0]));
    assert_eq!(by_name(&["NEG", "NEU", "POS"], &["positive", "neutral", "negative"]), Some(vec![2, 1, 0]));
    assert_eq!(by_name(&["pos", "positive"], &["pos", "neg"]), None);
}

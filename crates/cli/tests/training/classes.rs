//! Classes are matched by name, whatever their order.

use std::fs;

use super::{Folder, same_weights};

#[test]
fn a_teacher_whose_classes_stand_in_another_order_scores_and_teaches_the_same() {
    let folder = Folder::with_teacher();
    folder.permuted("teacher", "swapped", &[1, 0], &["pos", "neg"]);
    let task = super::TASK;
    let (first, said) = folder.accuracy("teacher", &task);
    assert!(first > 0.9 && !said.contains("classes"), "{first} {said}");
    let (swapped, said) = folder.accuracy("swapped", &task);
    assert_eq!(swapped, first);
    assert!(said.contains("swapped: its classes are in another order") && said.contains("`neg` is output 1"), "{said}");

    folder.runs(&folder.distilling("teacher", "run"), 0);
    let (_, said) = folder.runs(&folder.distilling("swapped", "run of swapped"), 0);
    assert!(said.contains("teacher swapped: its classes are in another order"), "{said}");
    same_weights(&folder.path("run/last.safetensors"), &folder.path("run of swapped/last.safetensors"));

    // A fine-tuning goes on with the classifier, in the order of the task.
    let out = |model, out| {
        let mut command = folder.fine_tuning(out);
        command[2] = model;
        command
    };
    folder.runs(&out("teacher", "again"), 0);
    folder.runs(&out("swapped", "swapped again"), 0);
    same_weights(&folder.path("again/model.safetensors"), &folder.path("swapped again/model.safetensors"));
}

#[test]
fn names_that_are_spelled_or_counted_otherwise_are_mapped_aloud() {
    let folder = Folder::with_teacher();
    let (first, _) = folder.accuracy("teacher", &super::TASK);
    for (names, says) in [
        (["POS", "Neg"], "`Neg` as `neg`, `POS` as `pos`"),
        (["LABEL_1", "LABEL_0"], "`LABEL_0` as `neg`, `LABEL_1` as `pos`, by their order"),
        (["1", "0"], "`0` as `neg`, `1` as `pos`, by their order"),
    ] {
        folder.permuted("teacher", "other", &[1, 0], &names);
        let (found, said) = folder.accuracy("other", &super::TASK);
        assert_eq!(found, first, "{names:?}");
        assert!(said.contains(says), "{said}");
        fs::remove_dir_all(folder.path("other")).unwrap();
    }
}

#[test]
fn a_teacher_of_several_true_classes_or_of_scores_is_no_teacher_of_one_class() {
    let folder = Folder::with_teacher();
    let config = fs::read_to_string(folder.path("teacher/config.json")).unwrap();
    assert!(config.contains("single_label_classification"), "{config}");
    for (kind, says) in [
        ("multi_label", "multi_label_classification: any number"),
        ("regression", "regression: its outputs are scores"),
    ] {
        let other = if kind == "regression" { kind.to_owned() } else { format!("{kind}_classification") };
        fs::write(folder.path("teacher/config.json"), config.replace("single_label_classification", &other)).unwrap();
        for command in [[&["eval", "teacher"][..], &super::TASK].concat(), folder.distilling("teacher", "run")] {
            let (_, said) = folder.runs(&command, 1);
            assert!(said.contains("`problem_type`") && said.contains(says), "{said}");
        }
    }
}

#[test]
fn names_of_another_task_are_refused_until_a_map_is_stated() {
    let folder = Folder::with_teacher();
    let (first, _) = folder.accuracy("teacher", &super::TASK);
    folder.permuted("teacher", "other", &[1, 0], &["good", "bad"]);
    let eval = [&["eval", "other"][..], &super::TASK].concat();
    let (_, said) = folder.runs(&eval, 1);
    assert!(said.contains("`good`, `bad`") && said.contains("`neg`, `pos`") && said.contains("--map"), "{said}");
    let (_, said) = folder.runs(&folder.distilling("other", "run"), 1);
    assert!(said.contains("`good`, `bad`") && said.contains("--map"), "{said}");
    for map in ["good=pos,bad=neg", "pos=good", "pos=0,neg=1"] {
        let (found, said) = folder.accuracy("other", &[&super::TASK[..], &["--map", map]].concat());
        assert_eq!(found, first, "{map}: {said}");
    }
    let (_, said) = folder.runs(&[&eval[..], &["--map", "good=fine"]].concat(), 1);
    assert!(said.contains("`fine`"), "{said}");
    folder.runs(&[&eval[..], &["--map", "good"]].concat(), 2);
    folder.runs(&[&folder.distilling("other", "mapped")[..], &["--map", "good=pos"]].concat(), 0);
    folder.runs(&folder.distilling("teacher", "run"), 0);
    same_weights(&folder.path("run/last.safetensors"), &folder.path("mapped/last.safetensors"));
    // Hidden states can be learnt from a teacher of any classes.
    let hidden = [&folder.distilling("other", "hidden")[..], &["--set", "stage.0.prediction_weight=0"]].concat();
    folder.runs(&hidden, 0);
}

#[test]
fn a_task_of_glue_takes_its_names_in_any_order_and_a_map() {
    let folder = Folder::with_teacher();
    let rows = |split: &str| {
        let text = String::from_utf8(folder.read(&format!("data/{split}.csv"))).unwrap();
        let rows = text.lines().skip(1).map(|line| line.rsplit_once(',').unwrap());
        let rows: String = rows.map(|(text, label)| format!("{text}\t{}\n", u8::from(label == "pos"))).collect();
        fs::create_dir_all(folder.path("SST-2")).unwrap();
        fs::write(folder.path(&format!("SST-2/{split}.tsv")), format!("sentence\tlabel\n{rows}")).unwrap();
    };
    ["train", "dev"].into_iter().for_each(rows);
    let sst2 = ["--task", "sst2", "--data", "SST-2"];
    let (first, _) = folder.accuracy("teacher", &super::TASK);
    for names in [["positive", "negative"], ["Positive", "NEGATIVE"], ["LABEL_1", "LABEL_0"], ["1", "0"]] {
        folder.permuted("teacher", "glue", &[1, 0], &names);
        assert_eq!(folder.accuracy("glue", &sst2).0, first, "{names:?}");
    }
    folder.permuted("teacher", "glue", &[1, 0], &["good", "bad"]);
    let (_, said) = folder.runs(&[&["eval", "glue"][..], &sst2].concat(), 1);
    assert!(said.contains("`negative`, `positive`") && said.contains("--map"), "{said}");
    assert_eq!(folder.accuracy("glue", &[&sst2[..], &["--map", "positive=0,negative=1"]].concat()).0, first);
    let (_, said) = folder.runs(&["eval", "glue", "--task", "cola", "--data", "SST-2"], 1);
    assert!(said.contains("`unacceptable`, `acceptable`"), "{said}");
}

#[test]
fn a_student_and_its_packed_model_answer_in_the_order_that_is_asked_for() {
    let folder = Folder::with_teacher();
    folder.runs(&folder.distilling("teacher", "run"), 0);
    folder.runs(&["pack", "run", "--out", "packed.safetensors"], 0);
    folder.data("other", 50, ["bad", "good"]);
    for model in ["run", "packed.safetensors"] {
        let (first, _) = folder.accuracy(model, &["--data", "data"]);
        for labels in ["neg,pos", "pos,neg"] {
            let (found, said) = folder.accuracy(model, &[&super::TASK[..], &["--labels", labels]].concat());
            assert_eq!(found, first, "{model} {labels}: {said}");
        }
        let file = |labels: &str| {
            let out = format!("{}.tsv", labels.replace(',', "-"));
            let arguments = ["--labels", labels, "--predictions", &out, "--force"];
            folder.runs(&[&["eval", model][..], &super::TASK, &arguments].concat(), 0);
            folder.read(&out)
        };
        assert_eq!(file("neg,pos"), file("pos,neg"), "{model}");
        let (_, said) =
            folder.runs(&["eval", model, "--task", "m", "--text", "text", "--label", "label", "--data", "other"], 1);
        assert!(said.contains("`neg`, `pos`") && said.contains("`bad`, `good`"), "{said}");
        let mapped = ["--task", "m", "--text", "text", "--label", "label", "--data", "other", "--map", "pos=good"];
        assert_eq!(folder.accuracy(model, &mapped).0, first);
    }
    // Beside its run, spike by spike, in either order.
    for labels in ["neg,pos", "pos,neg"] {
        let against = ["--labels", labels, "--against", "run"];
        folder.runs(&[&["eval", "packed.safetensors"][..], &super::TASK, &against].concat(), 0);
    }
}

#[test]
fn a_classifier_is_taken_over_only_where_the_names_say_the_same_task() {
    let folder = Folder::with_teacher();
    folder.runs(&folder.distilling("teacher", "run"), 0);
    folder.data("other", 200, ["bad", "good"]);
    folder.permuted("teacher", "teacher of other", &[0, 1], &["bad", "good"]);
    let step = ["--from", "run", "--set", "stage.0.epochs=0.01", "--set", "stage.0.learning_rate=1e-9"];
    let (_, said) = folder.runs(&[&folder.distilling("teacher", "same")[..], &step].concat(), 0);
    assert!(said.contains("starts from run, classifier included"), "{said}");
    let (_, said) =
        folder.runs(&[&folder.distilling("teacher", "reversed")[..], &step, &["--labels", "pos,neg"]].concat(), 0);
    assert!(said.contains("classifier included"), "{said}");
    let (first, _) = folder.accuracy("run", &["--data", "data", "--checkpoint", "last"]);
    for run in ["same", "reversed"] {
        let (found, _) = folder.accuracy(run, &["--data", "data", "--checkpoint", "last"]);
        assert!((found - first).abs() < 0.02, "{run}: {found}, {first}");
    }
    let mut other = folder.distilling("teacher of other", "of other");
    let data = other.iter().position(|argument| *argument == "data").unwrap();
    other[data] = "other";
    let (_, said) = folder.runs(&[&other[..], &step].concat(), 0);
    assert!(said.contains("but for its classifier"), "{said}");
}

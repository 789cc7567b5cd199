//! `bitspike logits`, and students that learn from what a table says.

use std::fs;

use bitspike_run::weights::Weights;

use super::Folder;

#[test]
fn a_student_of_a_table_is_as_good_as_one_of_the_teacher_who_wrote_it() {
    let folder = Folder::with_teacher();
    let soft = |name: &str| {
        let mut command = vec!["logits", "teacher", "--out", name, "--max-length", "16"];
        command.extend(super::TASK);
        folder.runs(&command, 0);
    };
    let distilled = |more: &[&str], out: &str| {
        let mut command = folder.distilling("teacher", out);
        command.extend(more);
        folder.runs(&command, 0);
        let weights = Weights::load(&folder.path(&format!("{out}/best.safetensors"))).unwrap();
        weights.names().map(|name| (name.to_owned(), weights.get(name).unwrap().values.clone())).collect::<Vec<_>>()
    };
    distilled(&[], "plain");
    let students = ["soft.csv", "soft.jsonl", "soft.parquet"].map(|name| {
        soft(name);
        distilled(&["--soft-labels", name], name.strip_prefix("soft.").unwrap())
    });
    // A float is the same in each form. Beside the teacher's own answers batches are others, and so is the last bit.
    assert!(students[0] == students[1] && students[1] == students[2]);
    let [plain, of_table] = ["plain", "csv"].map(|run| folder.accuracy(run, &["--data", "data"]).0);
    assert!(plain > 0.75 && (plain - of_table).abs() < 0.03, "{plain} {of_table}");
    // Nothing but the answers is compared, so that the teacher's part is its shape: the encoder will do, which has no classifier.
    let answers_alone = ["--set", "stage.0.hidden_weight=0", "--set", "stage.0.attention_weight=0"];
    let mut command = folder.distilling("encoder", "alone");
    command.extend(answers_alone);
    let (_, said) = folder.runs(&command, 1);
    assert!(said.contains("--soft-labels"), "{said}");
    let mut command = folder.distilling("encoder", "of-answers");
    let epochs = command.iter().position(|argument| *argument == "--epochs").unwrap() + 1;
    command[epochs] = "8";
    command.extend(answers_alone);
    command.extend(["--soft-labels", "soft.parquet"]);
    folder.runs(&command, 0);
    assert!(folder.accuracy("of-answers", &["--data", "data"]).0 > 0.75);
    // Without the table there is nothing to go on with.
    command.truncate(command.len() - 2);
    command.push("--resume");
    let (_, said) = folder.runs(&command, 1);
    assert!(said.contains("--soft-labels"), "{said}");
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let folder = Folder::with_teacher();
    let mut command = vec!["logits", "teacher", "--out", "soft.csv", "--max-length", "16"];
    command.extend(super::TASK);
    folder.runs(&command, 0);
    let (_, said) = folder.runs(&command, 1);
    assert!(said.contains("--force"), "{said}");
    let text = String::from_utf8(folder.read("soft.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "digest,logit_neg,logit_pos");
    let refused = |text: String| {
        fs::write(folder.path("other.csv"), text).unwrap();
        let mut command = folder.distilling("teacher", "refused");
        command.extend(["--soft-labels", "other.csv"]);
        let (_, said) = folder.runs(&command, 1);
        assert!(!folder.path("refused/last.safetensors").exists());
        fs::remove_dir_all(folder.path("refused")).unwrap();
        said
    };
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let foreign = format!("{},0,1", "ab".repeat(32));
    let other = format!("{},7,7", lines[1].split(',').next().unwrap());
    for (text, expected) in [
        (joined(&lines[..lines.len() - 40]), "training examples, the first of them"),
        (joined(&[&lines[..], &[foreign.as_str()]].concat()), "1 of its records are of texts that are not in the data"),
        (joined(&[&lines[..], &[other.as_str()]].concat()), "the same digest and says something else"),
        (text.replace("logit_neg", "logit_bad"), "expected `logit_neg`, `logit_pos`"),
        (text.replace("logit_", "probability_"), "expected probabilities"),
        (text.replace("digest", "sha256"), "a column `digest`"),
        (format!("{}\nxyz,0,1\n", lines[0]), "64 hexadecimal digits"),
        (format!("{}\n{},0,nan\n", lines[0], "ab".repeat(32)), "a finite number"),
        (format!("{}\n", lines[0]), "no records"),
    ] {
        let said = refused(text);
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

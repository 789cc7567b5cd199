//! `--resume`: what has finished is left alone, what has changed is refused, and what was stopped ends as if it had not been.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Folder, same_weights, small_run};

impl Folder {
    /// Runs a command until it has written so many lines of its log, and kills it.
    fn killed(&self, command: &[&str], log: &str, lines: usize) {
        let mut child = small_run::command(self.0.path());
        let mut child = child.args(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let written = || fs::read_to_string(self.path(log)).is_ok_and(|log| log.lines().count() >= lines);
        while !written() {
            assert!(began.elapsed() < Duration::from_secs(120), "{log} has not {lines} lines");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_finished_run_is_left_as_it_is() {
    let folder = Folder::with_teacher();
    folder.runs(&folder.distilling("teacher", "run"), 0);
    for (command, out) in [(folder.fine_tuning("teacher"), "teacher"), (folder.distilling("teacher", "run"), "run")] {
        let before = folder.contents(out);
        let (_, said) = folder.runs(&[&command[..], &["--resume"]].concat(), 0);
        assert!(said.contains("this run had finished, and nothing was changed"), "{said}");
        assert!(said.contains("best accuracy "), "{said}");
        assert_eq!(folder.contents(out), before, "{out}");
        let (json, _) = folder.runs(&[&command[..], &["--resume", "--json"]].concat(), 0);
        let outcome: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&outcome["reason"], &outcome["primary"]), (&"finished".into(), &"accuracy".into()));
        assert_eq!(folder.contents(out), before, "{out}");
    }
    let (_, said) =
        folder.runs(&[&folder.distilling("teacher", "run")[..], &["--resume", "--set", "run.log_every=5"]].concat(), 0);
    assert!(said.contains("had finished"), "{said}");
}

#[test]
fn a_killed_fine_tuning_goes_on_to_the_same_teacher() {
    let folder = Folder::with_teacher();
    let command = [&folder.fine_tuning("killed")[..], &["--checkpoint-minutes", "0"]].concat();
    folder.killed(&command, "killed/metrics.jsonl", 60);
    assert!(folder.path("killed/last.safetensors").exists());
    let (_, said) = folder.runs(&[&command[..], &["--resume"]].concat(), 0);
    assert!(!said.contains("had finished"), "{said}");
    same_weights(&folder.path("teacher/model.safetensors"), &folder.path("killed/model.safetensors"));
}

#[test]
fn a_run_goes_on_only_with_what_it_was_begun_with() {
    let folder = Folder::with_teacher();
    folder.runs(&folder.distilling("teacher", "whole"), 0);
    let killed = [&folder.distilling("teacher", "killed")[..], &["--set", "run.checkpoint_minutes=0"]].concat();
    folder.killed(&killed, "killed/metrics.jsonl", 40);
    fs::create_dir_all(folder.path("kept")).unwrap();
    let restore = || {
        for (file, content) in folder.contents("killed") {
            fs::write(folder.path("kept").join(file.file_name().unwrap()), content).unwrap();
        }
    };
    restore();

    let rewrite = |name: &str, change: &dyn Fn(&mut Vec<String>)| {
        fs::create_dir_all(folder.path(name)).unwrap();
        for split in ["train.csv", "dev.csv"] {
            let text = String::from_utf8(folder.read(&format!("data/{split}"))).unwrap();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if split == "train.csv" {
                change(&mut lines);
            }
            fs::write(folder.path(&format!("{name}/{split}")), lines.join("\n") + "\n").unwrap();
        }
    };
    rewrite("moved", &|_| ());
    rewrite("reversed", &|lines| lines[1..].reverse());
    rewrite("fewer", &|lines| lines.truncate(151));
    rewrite("others", &|lines| lines[1] = format!("film {}", lines[1]));
    folder.encoder("other encoder", 4);
    folder.permuted("teacher", "twin", &[1, 0], &["pos", "neg"]);
    folder.permuted("teacher", "liar", &[0, 1], &["pos", "neg"]);
    fn on<'a>(teacher: &'a str, data: &'a str, folder: &Folder) -> Vec<&'a str> {
        let mut command = folder.distilling(teacher, "kept");
        let at = command.iter().position(|argument| *argument == "data").unwrap();
        command[at] = data;
        [&command[..], &["--resume"]].concat()
    }
    for (teacher, data, says) in [
        ("teacher", "reversed", "the training examples stand in another order"),
        ("teacher", "fewer", "there were 600 training examples and are 150"),
        ("teacher", "others", "the 600 training examples are others"),
        ("liar", "data", "the model liar has other weights or classes than teacher had"),
    ] {
        let before = folder.contents("kept");
        let (_, said) = folder.runs(&on(teacher, data, &folder), 1);
        assert!(said.contains(says), "{said}");
        assert_eq!(folder.contents("kept"), before);
    }
    for (setting, says) in [
        ("stage.0.learning_rate=0.001", "`stage.0.learning_rate` was 0.002 and is 0.001"),
        ("seed=7", "`seed` was 42 and is 7"),
        ("student.time_steps=8", "`student.time_steps` was 16 and is 8"),
    ] {
        let (_, said) = folder.runs(&[&on("teacher", "data", &folder)[..], &["--set", setting]].concat(), 1);
        assert!(said.contains(says), "{said}");
    }
    let (_, said) = folder.runs(&[&on("teacher", "data", &folder)[..], &["--from", "whole"]].concat(), 1);
    assert!(said.contains("started without --from"), "{said}");

    // The same examples elsewhere, the same teacher with its classes in another order, other intervals.
    for (teacher, data, more) in [
        ("teacher", "data", &[][..]),
        ("twin", "moved", &[]),
        ("teacher", "data", &["--set", "run.log_every=3", "--set", "run.checkpoint_minutes=1"]),
    ] {
        restore();
        folder.runs(&[&on(teacher, data, &folder)[..], more].concat(), 0);
        same_weights(&folder.path("whole/last.safetensors"), &folder.path("kept/last.safetensors"));
        if !more.is_empty() {
            let recipe = String::from_utf8(folder.read("kept/recipe.toml")).unwrap();
            assert!(recipe.contains("log_every = 3"), "{recipe}");
        }
    }

    // A run of a version that kept no digests goes on, and it is said what was not checked.
    restore();
    fs::remove_file(folder.path("kept/origin.json")).unwrap();
    let (_, said) = folder.runs(&on("teacher", "data", &folder), 0);
    assert!(said.contains("kept no digests of teacher and data"), "{said}");
    same_weights(&folder.path("whole/last.safetensors"), &folder.path("kept/last.safetensors"));
}

#[test]
fn a_fine_tuning_goes_on_only_with_what_it_was_begun_with() {
    let folder = Folder::new();
    let command = [&folder.fine_tuning("killed")[..], &["--checkpoint-minutes", "0"]].concat();
    folder.killed(&command, "killed/metrics.jsonl", 40);
    folder.data("fewer", 300, ["neg", "pos"]);
    folder.encoder("other", 4);
    let resumed = |from: &'static str, to: &'static str| {
        let mut command = command.clone();
        let at = command.iter().position(|argument| *argument == from).unwrap();
        command[at] = to;
        command.push("--resume");
        command
    };
    for (from, to, says) in [
        ("data", "fewer", "there were 600 training examples and are 300"),
        ("encoder", "other", "the model other has other weights"),
        ("3e-3", "1e-3", "`stage.learning_rate` was 0.003 and is 0.001"),
    ] {
        let before = folder.contents("killed");
        let (_, said) = folder.runs(&resumed(from, to), 1);
        assert!(said.contains(says), "{said}");
        assert_eq!(folder.contents("killed"), before);
    }
    fs::rename(folder.path("encoder"), folder.path("moved")).unwrap();
    folder.runs(&resumed("encoder", "moved"), 0);
}

#[test]
fn a_run_from_another_that_was_stopped_before_its_first_checkpoint_starts_from_it_again() {
    let folder = Folder::with_teacher();
    folder.runs(&folder.distilling("teacher", "first"), 0);
    let from = ["--from", "first", "--set", "run.checkpoint_minutes=60"];
    folder.runs(&[&folder.distilling("teacher", "whole")[..], &from].concat(), 0);
    let killed = [&folder.distilling("teacher", "killed")[..], &from].concat();
    folder.killed(&killed, "killed/metrics.jsonl", 4);
    assert!(!folder.path("killed/last.safetensors").exists());
    let (_, said) = folder.runs(&[&folder.distilling("teacher", "killed")[..], &from[2..], &["--resume"]].concat(), 0);
    assert!(said.contains("starts from first"), "{said}");
    same_weights(&folder.path("whole/last.safetensors"), &folder.path("killed/last.safetensors"));
}

#[test]
fn after_a_divergence_the_way_that_is_offered_works() {
    let folder = Folder::with_teacher();
    // Without a checkpoint there is none to speak of, and the folder is free.
    let at_once = ["--set", "stage.0.hidden_weight=1e39"];
    let (_, said) = folder.runs(&[&folder.distilling("teacher", "at once")[..], &at_once].concat(), 1);
    assert!(said.contains("diverged at step 1") && said.contains("no checkpoint was written"), "{said}");
    assert!(!said.contains("--resume"), "{said}");
    folder.runs(&folder.distilling("teacher", "at once"), 0);
    folder.runs(&folder.distilling("teacher", "plain"), 0);
    same_weights(&folder.path("plain/last.safetensors"), &folder.path("at once/last.safetensors"));

    // With one, the settings of the optimiser may change; the step that diverged is not taken again.
    let distil = folder.distilling("teacher", "late");
    let settings = |weight: &str, rate: &str| -> Vec<String> {
        let set = ["run.checkpoint_minutes=0", "stage.0.clip_norm=1e30", weight, rate];
        let set = set.iter().flat_map(|value| ["--set", value]);
        distil.iter().copied().chain(set).map(str::to_owned).collect()
    };
    let run = |arguments: &[String], more: &[&str], code| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        folder.runs(&arguments, code).1
    };
    // The weight at which the first steps are numbers and a later one is not.
    let mut found = None;
    for exponent in [17, 18, 19] {
        let weight = format!("stage.0.hidden_weight=1e{exponent}");
        let _ = fs::remove_dir_all(folder.path("late"));
        let command = settings(&weight, "stage.0.learning_rate=0.9");
        let output = small_run::command(folder.0.path()).args(&command).output().unwrap();
        if output.status.code() == Some(1) {
            found = Some((weight, String::from_utf8(output.stderr).unwrap()));
            break;
        }
    }
    let (weight, said) = found.expect("a weight that is too much");
    let command = settings(&weight, "stage.0.learning_rate=0.9");
    let offered = said.split("`--resume --set ").nth(1).and_then(|rest| rest.split('`').next()).unwrap_or_default();
    assert!(said.contains("the last checkpoint is kept") && offered == "stage.0.learning_rate=0.09", "{said}");
    let said = run(&command, &["--resume", "--set", "seed=3"], 1);
    assert!(said.contains("`seed`"), "{said}");
    let gentle = settings(&weight, "stage.0.learning_rate=1e-5");
    let said = run(&gentle, &["--resume"], 0);
    assert!(
        said.contains("goes on with other settings") && said.contains("`stage.0.learning_rate` was 0.9 and is"),
        "{said}"
    );
    assert!(said.contains("diverges at any learning rate"), "{said}");
    let said = run(&gentle, &["--resume"], 0);
    assert!(said.contains("had finished"), "{said}");
}

#[test]
fn a_metric_that_is_undefined_is_said_and_never_chosen_as_best() {
    let folder = Folder::new();
    let mut rows = String::from("text,label\n");
    (0..64).for_each(|i| rows += &format!("{} film,{}\n", ["good", "bad"][i % 2], i as f64 / 10.0));
    fs::create_dir_all(folder.path("scores")).unwrap();
    fs::write(folder.path("scores/train.csv"), &rows).unwrap();
    fs::write(folder.path("scores/dev.csv"), "text,label\ngood film,2.5\nbad film,2.5\n").unwrap();
    let task = ["--text", "text", "--label", "label", "--regression", "--data", "scores"];
    let settings = ["--epochs", "2", "--batch-size", "16", "--max-length", "16", "--threads", "1"];
    let (_, said) = folder.runs(&[&["teacher", "--model", "encoder", "--out", "t"][..], &task, &settings].concat(), 0);
    assert!(said.contains("pearson on dev is undefined: all labels are equal"), "{said}");
    let log = String::from_utf8(folder.read("t/metrics.jsonl")).unwrap();
    let best: Vec<bool> = log
        .lines()
        .filter(|line| line.contains("\"event\":\"eval\""))
        .map(|line| line.contains("\"best\":true"))
        .collect();
    assert_eq!(best, [false, false, false, true], "the last is kept");
    let (_, said) = folder.runs(&[&["eval", "t"][..], &task].concat(), 0);
    assert!(said.contains("pearson is undefined: all labels are equal"), "{said}");
}

#[test]
fn what_could_not_be_packed_is_refused_before_training() {
    let folder = Folder::with_teacher();
    let small = ["--set", "student.thresholds.key=1e-38", "--set", "student.learn_thresholds=false"];
    let (_, said) = folder.runs(&[&folder.distilling("teacher", "run")[..], &small].concat(), 1);
    assert!(said.contains("student.thresholds"), "{said}");
    assert!(!folder.path("run/metrics.jsonl").exists());
}

#[test]
fn texts_are_cut_to_what_the_tokeniser_of_a_teacher_allows_and_that_is_said() {
    let folder = Folder::new();
    let settings = |most: &str| {
        let text = format!("{{\"tokenizer_class\": \"BertTokenizer\", \"model_max_length\": {most}}}");
        fs::write(folder.path("encoder/tokenizer_config.json"), text).unwrap();
    };
    settings("5");
    let (_, said) = folder.runs(&folder.fine_tuning("short"), 0);
    assert!(
        said.contains("texts are cut to 5 tokens, the teacher's `model_max_length`, where 16 are asked for"),
        "{said}"
    );
    settings("2");
    let (_, said) = folder.runs(&folder.fine_tuning("none"), 1);
    assert!(said.contains("has a `model_max_length` of 2; expected 3 or more"), "{said}");
    settings("5");
    let distilling = folder.distilling("short", "run");
    let (_, said) = folder.runs(&distilling, 0);
    assert!(said.contains("texts are cut to 5 tokens"), "{said}");
    let run: serde_json::Value = serde_json::from_slice(&folder.read("run/model.json")).unwrap();
    assert_eq!(run["max_length"], 5);
    // The recipe is kept as it was asked for, and the run goes on by it.
    let (_, said) = folder.runs(&[&distilling[..], &["--resume"]].concat(), 0);
    assert!(said.contains("had finished"), "{said}");
}

#[test]
fn a_damaged_checkpoint_costs_no_more_than_the_way_from_the_one_before() {
    let folder = Folder::with_teacher();
    let settings = ["--set", "run.checkpoint_minutes=0"];
    folder.runs(&[&folder.distilling("teacher", "whole")[..], &settings].concat(), 0);
    assert!(!folder.path("whole/last.before.safetensors").exists(), "a run that has ended needs it no more");
    let command = [&folder.distilling("teacher", "run")[..], &settings].concat();
    folder.killed(&command, "run/metrics.jsonl", 40);
    let killed = folder.contents("run");
    let [last, before] = ["run/last.safetensors", "run/last.before.safetensors"].map(|name| folder.path(name));
    let whole = fs::read(&last).unwrap();
    let middle = whole.len() * 2 / 3;
    let mut flipped = whole.clone();
    flipped[middle] ^= 0x40;
    let resumed = [&command[..], &["--resume"]].concat();
    for (what, damaged) in
        [("cut short", Some(&whole[..middle])), ("empty", Some(&[])), ("flipped", Some(&flipped)), ("gone", None)]
    {
        killed.iter().for_each(|(file, content)| {
            fs::write(folder.path("run").join(file.file_name().unwrap()), content).unwrap()
        });
        match damaged {
            Some(bytes) => fs::write(&last, bytes).unwrap(),
            None => fs::remove_file(&last).unwrap(),
        }
        let (_, said) = folder.runs(&resumed, 0);
        assert!(
            said.contains("last.safetensors") && said.contains("goes on from the checkpoint before it"),
            "{what}: {said}"
        );
        for student in ["best.safetensors", "last.safetensors"] {
            same_weights(&folder.path("run").join(student), &folder.path("whole").join(student));
        }
    }
    // Where both are damaged nothing is guessed.
    killed
        .iter()
        .for_each(|(file, content)| fs::write(folder.path("run").join(file.file_name().unwrap()), content).unwrap());
    [&last, &before].iter().for_each(|path| fs::write(path, &whole[..middle]).unwrap());
    let (_, said) = folder.runs(&resumed, 1);
    assert!(said.contains("last.safetensors"), "{said}");
}

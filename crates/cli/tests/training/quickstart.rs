//! `bitspike quickstart` and the folder that it replaces.

use std::fs;

use super::{Folder, small_run};

#[test]
fn only_a_folder_with_its_own_mark_is_replaced() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let own =
        [("corpus/train.tsv", "years of work"), ("teacher/model.safetensors", "mine"), ("student-1/notes", "mine")];
    for (file, text) in own {
        fs::create_dir_all(folder.path("work").join(file).parent().unwrap()).unwrap();
        fs::write(folder.path("work").join(file), text).unwrap();
    }
    for (mark, says) in [(None, "without the quickstart.json"), (Some("{}"), "without the quickstart.json")] {
        if let Some(mark) = mark {
            fs::write(folder.path("work/quickstart.json"), mark).unwrap();
        }
        let (_, said) = folder.runs(&["quickstart", "--out", "work", "--force"], 1);
        assert!(said.contains(says), "{said}");
        own.iter()
            .for_each(|(file, text)| assert_eq!(fs::read_to_string(folder.path("work").join(file)).unwrap(), *text));
    }
    fs::write(folder.path("work/thesis.tex"), "mine").unwrap();
    let (_, said) = folder.runs(&["quickstart", "--out", "work", "--force"], 1);
    assert!(said.contains("thesis.tex"), "{said}");
}

#[cfg(unix)]
#[test]
fn it_stops_when_it_is_asked_to_and_replaces_itself() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let folder = Folder(tempfile::tempdir().unwrap());
    for out in ["first", "first"] {
        let mut command = small_run::command(folder.0.path());
        let command = command.args(["quickstart", "--out", out, "--force", "--threads", "1"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let log = folder.path(out).join("teacher/metrics.jsonl");
        let training = || fs::read_to_string(&log).is_ok_and(|log| log.contains("\"event\":\"step\""));
        while !training() {
            assert!(began.elapsed() < Duration::from_secs(120), "the teacher is not in training");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(folder.path(out).join("teacher/last.safetensors").exists());
        fs::remove_file(folder.path(out).join("teacher/metrics.jsonl")).unwrap();
    }
}

//! Signals: a run that is told to end, or whose terminal goes away, writes its checkpoint first and gives the terminal back.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Folder, same_weights, small_run};

/// Waits until `done` says so.
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, process: impl ToString) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

impl Folder {
    fn starts(&self, command: &[&str]) -> Child {
        let mut program = small_run::command(self.0.path());
        program.args(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn has_lines(&self, log: &str, lines: usize) -> bool {
        fs::read_to_string(self.path(log)).is_ok_and(|log| log.lines().count() >= lines)
    }
}

#[test]
fn termination_and_hang_up_write_the_checkpoint_and_the_run_goes_on_to_the_same_end() {
    let folder = Folder::with_teacher();
    let seldom = ["--set", "run.checkpoint_minutes=60"];
    folder.runs(&[&folder.distilling("teacher", "whole")[..], &seldom].concat(), 0);
    for (signal, again) in [("TERM", None), ("HUP", Some("HUP")), ("INT", None), ("TERM", Some("HUP"))] {
        let command = [&folder.distilling("teacher", "run")[..], &seldom].concat();
        let mut child = folder.starts(&command);
        wait("no steps", || folder.has_lines("run/metrics.jsonl", 20));
        send(signal, child.id());
        // A closing terminal hangs up twice.
        again.into_iter().for_each(|signal| send(signal, child.id()));
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert!(folder.path("run/last.safetensors").exists(), "{signal}");
        let log = String::from_utf8(folder.read("run/metrics.jsonl")).unwrap();
        assert!(log.contains("\"reason\":\"interrupted\""), "{log}");
        folder.runs(&[&command[..], &["--resume"]].concat(), 0);
        same_weights(&folder.path("whole/last.safetensors"), &folder.path("run/last.safetensors"));
        fs::remove_dir_all(folder.path("run")).unwrap();
    }
}

#[test]
fn a_fine_tuning_that_is_terminated_goes_on_to_the_same_teacher() {
    let folder = Folder::with_teacher();
    let command = [&folder.fine_tuning("run")[..], &["--checkpoint-minutes", "60"]].concat();
    let mut child = folder.starts(&command);
    wait("no steps", || folder.has_lines("run/metrics.jsonl", 6));
    send("TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    folder.runs(&[&command[..], &["--resume"]].concat(), 0);
    same_weights(&folder.path("teacher/model.safetensors"), &folder.path("run/model.safetensors"));
}

/// On a terminal of its own, which `script` makes.
#[cfg(target_os = "linux")]
mod terminal {
    use super::*;

    /// A distillation of slow steps in a live view, between two looks at the terminal's mode.
    fn starts(folder: &Folder) -> Child {
        let slow = ["--set", "stage.0.simulate.dynamics=accumulated", "--set", "stage.0.simulate.time_steps=200"];
        let command =
            [&folder.distilling("teacher", "run")[..], &slow, &["--display", "live", "--set", "data.batch_size=64"]]
                .concat();
        let command: Vec<String> = command.iter().map(|argument| format!("'{argument}'")).collect();
        let program = env!("CARGO_BIN_EXE_bitspike");
        let script = format!(
            "stty rows 40 cols 120; stty -a > before; '{program}' {} & echo $! > pid; wait $!; echo $? > code; stty -a > after",
            command.join(" ")
        );
        // Under `nohup` a program ignores hang-ups, and so would this one.
        let mut child = Command::new("env");
        let child = child.current_dir(folder.0.path()).env("TERM", "xterm").env("SHELL", "/bin/sh");
        let child = child.args(["--default-signal=HUP", "script", "-qfc", &script, "typescript"]).stdin(Stdio::null());
        child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("script, of util-linux")
    }

    fn pid(folder: &Folder) -> String {
        String::from_utf8(folder.read("pid")).unwrap().trim().to_owned()
    }

    #[test]
    fn termination_in_a_live_view_is_announced_and_gives_the_terminal_back() {
        let folder = Folder::with_teacher();
        let mut child = starts(&folder);
        let seen = |text: &str| {
            fs::read(folder.path("typescript")).is_ok_and(|all| String::from_utf8_lossy(&all).contains(text))
        };
        wait("no view", || seen("\u{1b}[?1049h") && folder.has_lines("run/metrics.jsonl", 3));
        send("TERM", pid(&folder));
        wait("no end", || child.try_wait().unwrap().is_some());
        let all = String::from_utf8_lossy(&folder.read("typescript")).into_owned();
        assert!(all.contains("stopping") && all.contains("checkpoint"), "{all}");
        assert!(all.contains("\u{1b}[?1049l") && all.contains("interrupted"), "{all}");
        assert_eq!(folder.read("code"), b"130\n");
        assert_eq!(folder.read("before"), folder.read("after"), "the terminal's mode");
        assert!(folder.path("run/last.safetensors").exists());
    }

    #[test]
    fn a_terminal_that_goes_away_leaves_a_checkpoint() {
        let folder = Folder::with_teacher();
        let mut child = starts(&folder);
        wait("no steps", || folder.path("pid").exists() && folder.has_lines("run/metrics.jsonl", 3));
        let pid = pid(&folder);
        child.kill().unwrap();
        child.wait().unwrap();
        wait("the run goes on", || !fs::exists(format!("/proc/{pid}")).unwrap());
        assert!(folder.path("run/last.safetensors").exists());
        let log = String::from_utf8(folder.read("run/metrics.jsonl")).unwrap();
        assert!(log.contains("\"reason\":\"interrupted\""), "{log}");
    }
}

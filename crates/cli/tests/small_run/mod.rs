//! A run of a small student of random weights, as `bitspike distil` leaves it.

#[allow(dead_code, reason = "the tests of the library use all of it")]
#[path = "../../../run/tests/small_run/mod.rs"]
mod described;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use bitspike::config::StudentConfig;
use bitspike_run::recipe::Thresholds;
use bitspike_run::run::Counters;
use bitspike_train::Device;
use bitspike_train::student::{Start, Student};
use rand::SeedableRng;

/// Writes a run of a two-layer student for `task`, ternary and signed but for what `change` makes of it, into `folder/run`.
pub(crate) fn make(folder: &Path, task: &str, change: impl FnOnce(&mut StudentConfig)) {
    let (run, config) = described::describe(folder, task, change);
    let thresholds = Thresholds { key: 0.25, value: 0.3, context: 0.125, feed_forward: 0.5, ..Thresholds::default() };
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let start = Start { teacher_width: 16, thresholds: &thresholds, deviation: 0.2 };
    let student = Student::random(config, start, &mut rng, &Device::flex());
    student.save_best(&run, &Counters::default()).unwrap();
}

/// Runs the program in `folder`, checks the exit code, and returns standard output and standard error.
pub(crate) fn exits(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    output(command(folder).args(arguments), code)
}

/// The program in `folder`, where no model of the user who runs the tests is found.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    command.current_dir(folder).env_remove("BITSPIKE_MODELS").env("HF_HUB_CACHE", folder.join("hub"));
    command.stdin(Stdio::null());
    command
}

/// Runs `command` as [`exits`] does.
pub(crate) fn output(command: &mut Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().expect("starts");
    let [out, err] = [stdout, stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert_eq!(status.code(), Some(code), "{command:?}\n{out}{err}");
    assert!(!err.contains("panicked"), "{err}");
    (out, err)
}

//! `bitspike serve` as a program: flags, signals, exit codes, what it prints.
#![cfg(all(feature = "serve", unix))]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    command.arg("serve").args(arguments).stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn ends(arguments: &[&str]) -> Output {
    serve(arguments).output().unwrap()
}

/// A server on a free port, and its address.
fn running(arguments: &[&str]) -> (Child, String) {
    let mut child = serve(arguments).args(["--port", "0", "--threads", "1"]).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    let address = said.split_once("://").unwrap_or_else(|| panic!("{said}")).1.split(';').next().unwrap().to_owned();
    (child, address)
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn ask(address: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("POST /v1/classify HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_answers_as_classify_does_loads_anew_and_ends_when_told() {
    let (mut child, address) = running(&[]);
    let text = "a gripping, funny film";
    let answer = ask(&address, &format!("{{\"inputs\": \"{text}\"}}"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let line = Command::new(env!("CARGO_BIN_EXE_bitspike")).args(["classify", "--json", text]).output().unwrap();
    let line = String::from_utf8(line.stdout).unwrap();
    let probability = line.split("\"positive\":").nth(1).unwrap().split(['}', ',']).next().unwrap().trim();
    assert!(answer.contains(&format!("\"score\":{probability}")), "{line} {answer}");
    // A hang-up ends nothing.
    signal(&child, "-HUP");
    std::thread::sleep(Duration::from_millis(100));
    assert!(ask(&address, "{\"inputs\": \"fine\"}").starts_with("HTTP/1.1 200"));
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_still_at_work_when_time_is_over_is_said_and_ends_with_1() {
    let (mut child, address) = running(&["--drain-seconds", "1"]);
    // Half a request.
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"POST /v1/classify HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\n{").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn wrong_flags_end_with_2_and_wrong_files_with_1() {
    for (arguments, code, says) in [
        (&["--exit", "margin=1"][..], 2, "--exit: expected --dynamics accumulated"),
        (&["--anytime", "margin=1"], 2, "--anytime: expected --dynamics accumulated"),
        (&["--tls-cert", "x"], 2, "--tls-key"),
        (&["--port", "70000"], 2, "70000"),
        (&["nowhere-model"], 1, "nowhere-model"),
        (&["--api-key-file", "/nowhere/keys"], 1, "a key a line"),
        (&["--tls-cert", "/nowhere/c", "--tls-key", "/nowhere/k"], 1, "a certificate chain in PEM"),
        (&["--cors", "a\u{7f}b"], 1, "--cors: expected an origin"),
    ] {
        let Output { status, stderr, .. } = ends(arguments);
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(says), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_unit_runs_the_same_command_line() {
    let Output { status, stdout, .. } =
        ends(&["sst2-tiny", "--port", "9000", "--drain-seconds", "5", "--print-systemd-unit"]);
    let unit = String::from_utf8(stdout).unwrap();
    assert!(status.success());
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    assert!(start.ends_with("serve sst2-tiny --port 9000 --drain-seconds 5"), "{start}");
    assert!(unit.contains("TimeoutStopSec=15\n") && unit.contains("DynamicUser=yes\n"));
}

use std::collections::BTreeMap;

use super::super::Level;
use super::*;

fn step(step: u64, loss: f64) -> Event {
    Event::Step {
        stage: "internal".into(),
        step,
        total_steps: 10,
        epoch: 0.1 * step as f64,
        loss,
        hidden: Some(loss / 3.0),
        attention: None,
        prediction: Some(f64::INFINITY),
        rate: Some(0.21),
        feedback: None,
        nonzero: None,
        threshold_change: None,
        learning_rate: 2.1e-4,
        grad_norm: f64::NEG_INFINITY,
        examples_per_second: 813.0,
        tokens_per_second: 1.2e4,
        elapsed_s: 1.0,
        eta_s: 9.0,
    }
}

fn eval(step: u64) -> Event {
    Event::Eval {
        stage: "internal".into(),
        step,
        split: "dev".into(),
        metrics: BTreeMap::from([("accuracy".into(), 0.1 + 0.2), ("f1".into(), 1.0)]),
        primary: "accuracy".into(),
        best: true,
        rates: BTreeMap::from([("layer 0 key".into(), 0.25)]),
        elapsed_s: 2.0,
    }
}

fn start(resumed_at: Option<u64>) -> Event {
    Event::Start {
        run: "distil sst2".into(),
        stages: vec!["internal".into(), "prediction".into()],
        total_steps: u64::MAX,
        trainable_parameters: 10_700_000,
        train_examples: 67_349,
        dev_examples: 872,
        resumed_at,
    }
}

fn checkpoint(step: u64) -> Event {
    Event::Checkpoint { step, kind: "last".into(), path: "runs/a \"b\"\n".into() }
}

fn message(text: &str) -> Event {
    Event::Message { level: Level::Warn, text: text.into() }
}

/// The file of a log with `events`.
fn log(folder: &Path, events: &[Event]) -> PathBuf {
    let path = folder.join("metrics.jsonl");
    let mut log = MetricsLog::create(&path).unwrap();
    for event in events {
        log.on_event(event).unwrap();
    }
    path
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn events_come_back_as_written_each_on_a_line_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let events = [start(None), step(1, 0.1), eval(1), checkpoint(1), message("a\nb"), step(2, 1e-300), start(Some(2))];
    let path = log(folder.path(), &events);
    assert_eq!(read_events(&path).unwrap(), (events.to_vec(), None));

    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), events.len());
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((0.0..600.0).contains(&(now - line["time"].as_f64().unwrap())), "{line}");
    }
}

#[test]
fn a_loss_that_is_not_a_number_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(folder.path(), &[step(1, f64::NAN)]);
    let (events, bad) = read_events(&path).unwrap();
    let [Event::Step { loss, hidden, prediction, attention, grad_norm, .. }] = &events[..] else {
        panic!("expected one step, found {events:?}, first bad line {bad:?}")
    };
    assert!(loss.is_nan() && hidden.is_some_and(f64::is_nan));
    assert_eq!((*prediction, *attention, *grad_norm), (Some(f64::INFINITY), None, f64::NEG_INFINITY));
}

#[test]
fn resume_drops_later_steps_and_the_torn_line() {
    let folder = tempfile::tempdir().unwrap();
    let end = Event::End {
        reason: "interrupted".into(),
        step: 3,
        elapsed_s: 3.0,
        best: Some(0.5),
        best_step: Some(2),
        primary: "accuracy".into(),
    };
    let before = [start(None), step(1, 0.9), eval(1), step(2, 0.8), eval(2), checkpoint(2)];
    let after = [step(3, 0.7), message("kept"), eval(3), checkpoint(3), end.clone()];
    let path = log(folder.path(), &[&before[..], &after[..]].concat());
    append(&path, b"{\"time\":1.0,\"event\":\"step\",\"sta\xff\xc3");
    assert_eq!(read_events(&path).unwrap().1, Some(before.len() + after.len() + 1));
    let old = fs::read_to_string(&path).unwrap_err();
    assert_eq!(old.kind(), io::ErrorKind::InvalidData, "the torn line must not be UTF-8 for this test");

    let mut log = MetricsLog::resume(&path, 2).unwrap();
    assert_eq!(log.path(), path);
    let mut expected = before.to_vec();
    expected.extend([message("kept"), end]);
    assert_eq!(read_events(&path).unwrap(), (expected.clone(), None));

    for event in [start(Some(2)), step(3, 0.7)] {
        log.on_event(&event).unwrap();
        expected.push(event);
    }
    assert_eq!(read_events(&path).unwrap(), (expected, None));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left behind");
}

#[test]
fn resume_keeps_lines_byte_for_byte_and_ends_a_line_that_lacks_only_its_newline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let line = r#"{"unknown":[1],"time":1,"level":"info","text":"é","event":"message"}"#;
    fs::write(&path, format!("\n{line}\n\n{line}")).unwrap();
    MetricsLog::resume(&path, 0).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{line}\n{line}\n"));
}

#[test]
fn resume_refuses_a_bad_line_in_the_middle_and_leaves_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(folder.path(), &[step(1, 0.5)]);
    append(&path, b"{\"event\":\"step\"}\n");
    append(&path, b"{\"time\":1,\"event\":\"message\",\"level\":\"info\",\"text\":\"\"}\n");
    let before = fs::read(&path).unwrap();
    let error = MetricsLog::resume(&path, 5).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("metrics.jsonl, line 2: not an event: "), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left behind");
}

#[test]
fn resume_without_a_file_starts_one_and_create_refuses_a_used_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    MetricsLog::resume(&path, 5).unwrap().on_event(&message("first")).unwrap();
    let error = MetricsLog::create(&path).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("metrics.jsonl: holds the log of an earlier run"), "{error}");
    assert_eq!(read_events(&path).unwrap(), (vec![message("first")], None));
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/metrics.jsonl");
    for error in [MetricsLog::create(&path).unwrap_err(), MetricsLog::resume(&path, 1).unwrap_err()] {
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with(&format!("open {}: ", path.display())), "{error}");
    }
    assert_eq!(read_events(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let mut log = MetricsLog::create("/dev/full").unwrap();
    let error = log.on_event(&message("lost")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().starts_with("write /dev/full: "), "{error}");
}

use super::*;

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|i| i.to_string()).collect()
}

fn submit(task: &str, split: Split, predictions: &[f32]) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    let task = TaskSpec::glue(task).unwrap();
    let path = write_submission(&task, split, &ids(predictions.len()), predictions, folder.path())
        .map_err(|e| e.to_string())?;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the result is left");
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    Ok((name, std::fs::read_to_string(path).unwrap()))
}

#[test]
fn names_and_labels_are_the_servers() {
    let file = |task, split, predictions: &[f32]| submit(task, split, predictions).unwrap();
    let expect = |name: &str, body: &str| (name.to_owned(), format!("index\tprediction\n{body}"));
    for (task, name) in [("cola", "CoLA"), ("sst2", "SST-2"), ("mrpc", "MRPC"), ("qqp", "QQP"), ("wnli", "WNLI")] {
        assert_eq!(file(task, Split::Test, &[1.0, 0.0]), expect(&format!("{name}.tsv"), "0\t1\n1\t0\n"));
    }
    for (task, name) in [("qnli", "QNLI"), ("rte", "RTE")] {
        let body = "0\tnot_entailment\n1\tentailment\n";
        assert_eq!(file(task, Split::Test, &[1.0, 0.0]), expect(&format!("{name}.tsv"), body));
    }
    let body = "0\tentailment\n1\tneutral\n2\tcontradiction\n";
    assert_eq!(file("mnli", Split::Test, &[0.0, 1.0, 2.0]), expect("MNLI-m.tsv", body));
    assert_eq!(file("mnli", Split::TestMismatched, &[0.0, 1.0, 2.0]), expect("MNLI-mm.tsv", body));
    let body = "0\t0.000\n1\t2.346\n2\t5.000\n";
    assert_eq!(file("stsb", Split::Test, &[-0.5, 2.3456, 6.0]), expect("STS-B.tsv", body));
}

#[test]
fn nothing_is_written_for_bad_predictions() {
    let folder = tempfile::tempdir().unwrap();
    let task = TaskSpec::glue("rte").unwrap();
    let refuse = |split, ids: &[String], predictions: &[f32]| {
        let message = write_submission(&task, split, ids, predictions, folder.path()).unwrap_err().to_string();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        message
    };
    assert!(refuse(Split::Test, &ids(1), &[2.0]).contains("class indices from 0 to 1, found 2 for id 0"));
    for bad in [-1.0, 0.5, f32::NAN, f32::INFINITY] {
        assert!(refuse(Split::Test, &ids(1), &[bad]).contains("class indices"));
    }
    assert!(refuse(Split::Test, &ids(2), &[1.0]).contains("each of 2 ids"));
    assert!(refuse(Split::Test, &["7".into(), "7".into()], &[1.0, 1.0]).contains("\"7\""));
    assert!(refuse(Split::Test, &["a\tb".into()], &[1.0]).contains("no tab"));
    assert!(refuse(Split::Dev, &ids(1), &[1.0]).contains("a test split, found dev"));
    assert!(submit("stsb", Split::Test, &[f32::NAN]).unwrap_err().contains("finite scores"));
}

#[test]
fn a_users_own_task_writes_its_labels() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = TaskSpec::glue("sst2").unwrap();
    task.glue = None;
    assert!(write_submission(&task, Split::Test, &ids(1), &[1.0], folder.path()).is_err());
    let path = folder.path().join("out.tsv");
    std::fs::write(&path, "old").unwrap();
    write_predictions(&task, &["x7".into()], &[1.0], &path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "index\tprediction\nx7\tpositive\n");
    let missing = folder.path().join("no/such/out.tsv");
    let message = write_predictions(&task, &ids(1), &[1.0], &missing).unwrap_err().to_string();
    assert!(message.starts_with(&format!("write {}", missing.display())), "{message}");
}

use super::*;

fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn found(task: &str, names: &[&str], split: Split) -> Result<Vec<String>, String> {
    let folder = folder(names);
    let files = require(&TaskSpec::glue(task).unwrap(), folder.path(), split).map_err(|e| e.to_string())?;
    Ok(files.iter().map(|f| f.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned()).collect())
}

#[test]
fn official_and_hub_names_are_found() {
    assert_eq!(found("rte", &["train.tsv", "dev.tsv", "README.md"], Split::Dev).unwrap(), ["dev.tsv"]);
    let hub = ["validation-00000-of-00001.parquet", "train-00000-of-00001.parquet"];
    assert_eq!(found("rte", &hub, Split::Dev).unwrap(), [hub[0]]);
    let mnli = ["dev_matched.tsv", "dev_mismatched.tsv", "train.tsv", "test_mismatched-00000-of-00001.parquet"];
    assert_eq!(found("mnli", &mnli, Split::Dev).unwrap(), [mnli[0]]);
    assert_eq!(found("mnli", &mnli, Split::DevMismatched).unwrap(), [mnli[1]]);
    assert_eq!(found("mnli", &mnli, Split::TestMismatched).unwrap(), [mnli[3]]);
    assert_eq!(found("sst2", &["SST-2/dev.tsv", "RTE/dev.tsv"], Split::Dev).unwrap(), ["SST-2/dev.tsv"]);
    assert_eq!(found("rte", &["data/Valid.CSV"], Split::Dev).unwrap(), ["data/Valid.CSV"]);
    let mrpc = ["msr_paraphrase_train.txt", "msr_paraphrase_test.txt"];
    assert_eq!(found("mrpc", &mrpc, Split::Train).unwrap(), [mrpc[0]]);
    assert_eq!(found("mrpc", &["msr_paraphrase_train.txt", "train.tsv"], Split::Train).unwrap(), ["train.tsv"]);
}

#[test]
fn shards_are_ordered_and_complete() {
    let shards = ["train-00001-of-00002.parquet", "train-00000-of-00002.parquet"];
    assert_eq!(found("qqp", &shards, Split::Train).unwrap(), [shards[1], shards[0]]);
    let message = found("qqp", &shards[..1], Split::Train).unwrap_err();
    assert!(message.contains("train-00000-of-00002.parquet is missing"), "{message}");
}

#[test]
fn nothing_or_too_much_says_what_was_seen() {
    let message = found("mrpc", &["notes.md"], Split::Train).unwrap_err();
    assert!(
        message.contains("looked for train or msr_paraphrase_train.txt") && message.contains("found notes.md"),
        "{message}"
    );
    let message = found("rte", &["dev.tsv", "validation.csv"], Split::Dev).unwrap_err();
    assert!(message.contains("several files for the dev split: dev.tsv, validation.csv"), "{message}");
    let message = found("rte", &["dev_mismatched.tsv"], Split::DevMismatched).unwrap_err();
    assert!(message.contains("one of train, dev, test"), "{message}");
    let missing = find(&TaskSpec::glue("rte").unwrap(), Path::new("/nonexistent/x"), Split::Dev).unwrap_err();
    let message = missing.to_string();
    assert!(
        message.starts_with("/nonexistent/x: no such file or folder") && message.contains("data fetch rte"),
        "{message}"
    );
}

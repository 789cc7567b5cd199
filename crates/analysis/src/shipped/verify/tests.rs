use super::*;
use crate::fixture::{shipped, write_data};

/// Files and figures of a model that is shipped, with figures of the test's own data.
fn tiny(data: &Path) -> (Vec<u8>, Metrics) {
    let folder = shipped("sst2-tiny");
    let model = std::fs::read(folder.join(MODEL)).unwrap();
    let mut metrics = Metrics::load(&folder.join(METRICS)).unwrap().unwrap();
    let files = ModelFiles { model: &model, tokenizer: None };
    metrics.measured = verify_files("sst2-tiny", &files, &metrics, data).unwrap().measured;
    (model, metrics)
}

#[test]
fn a_model_is_what_it_was_and_a_changed_count_is_found() {
    let data = tempfile::tempdir().unwrap();
    write_data(data.path());
    let (model, mut metrics) = tiny(data.path());
    let files = ModelFiles { model: &model, tokenizer: None };
    let verified = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap();
    assert_eq!((verified.failure(), verified.differences), (None, vec![]));
    assert!(verified.compared > 50);

    metrics.measured.spikes.populations[1].spikes += 1;
    let verified = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap();
    let [difference] = &verified.differences[..] else { panic!("{:?}", verified.differences) };
    assert_eq!(difference.what, "spikes.populations.layer.0.key.spikes");
    assert!(verified.failure().unwrap().contains("1 of "));

    // Other labels are other data.
    let rows = std::fs::read_to_string(data.path().join("dev.tsv")).unwrap();
    std::fs::write(data.path().join("dev.tsv"), rows.replace("w6\t1", "w6\t0")).unwrap();
    let verified = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap();
    assert!(verified.failure().unwrap().contains("does not hold the examples"));
}

#[test]
fn a_damaged_file_says_which_it_is() {
    let data = tempfile::tempdir().unwrap();
    write_data(data.path());
    let (mut model, metrics) = tiny(data.path());
    model.pop();
    let files = ModelFiles { model: &model, tokenizer: None };
    let error = verify_files("sst2-tiny", &files, &metrics, data.path()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors: expected SHA-256") && error.contains("model in memory"), "{error}");
}

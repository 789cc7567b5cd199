use super::*;
use crate::fixture::shipped;

#[test]
fn a_shipped_model_is_listed_with_its_figures_and_a_broken_one_with_its_error() {
    let listed = Listed::new(&PackedModel::file(shipped("sst2-tiny").join("model.safetensors")));
    assert_eq!((listed.task.as_deref(), listed.metric.as_deref()), (Some("sst2"), Some("accuracy")));
    assert!(listed.error.is_none() && listed.score.unwrap() > 0.5 && listed.metrics.is_some());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.safetensors"), "no model").unwrap();
    let broken = Listed::new(&PackedModel::file(folder.path().join("model.safetensors")));
    assert!(broken.error.is_some() && broken.task.is_none());
}

#[test]
fn what_is_compiled_in_is_listed_without_a_path() {
    let listed = list(&Registry::of([], None));
    let [builtin] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((builtin.name.as_str(), &builtin.path, &builtin.error), ("sst2-tiny", &None, &None));
}

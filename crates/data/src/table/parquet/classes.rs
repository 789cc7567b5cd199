//! Names of classes that a Parquet file keeps beside the numbers that stand for them.

use std::sync::Arc;

use parquet::file::metadata::KeyValue;
use serde_json::Value;

/// Names of the classes of the column `name`, from what the library `datasets` writes under the key `huggingface`:
/// `info.features.NAME` with `_type` `ClassLabel` and `names`.
pub(super) fn of(metadata: &[KeyValue], name: &str) -> Option<Arc<[String]>> {
    let entry = metadata.iter().find(|entry| entry.key == "huggingface")?;
    let value: Value = serde_json::from_str(entry.value.as_deref()?).ok()?;
    let feature = value.get("info")?.get("features")?.get(name)?;
    // Older versions leave the type of the column out, or give names with their numbers.
    let names = feature.get("names")?.as_array()?;
    names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_anything_else_is_nothing() {
        let of = |text: &str| {
            of(&[KeyValue::new("pandas".into(), None), KeyValue::new("huggingface".into(), text.to_owned())], "label")
        };
        let names = of(r#"{"info": {"features": {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}}}"#);
        assert_eq!(names.unwrap().as_ref(), ["neg", "pos"]);
        for other in [
            "",
            "{",
            "[]",
            r#"{"info": {"features": {"label": {"dtype": "int64", "_type": "Value"}}}}"#,
            r#"{"info": {"features": {"x": {"names": ["a"]}}}}"#,
            r#"{"info": {"features": {"label": {"names": [1]}}}}"#,
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}

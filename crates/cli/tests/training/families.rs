//! Teachers that are no BERT, from the first step to the packed file.

use std::path::Path;

use super::Folder;

#[test]
fn students_of_other_families_answer_packed_as_they_were_trained() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    for (name, relative) in [("mpnet-micro", true), ("distilbert-micro", false)] {
        let folder = Folder::new();
        folder.data("data", 200, ["no", "yes"]);
        let teacher = fixtures.join(name).display().to_string();
        // The fine-tuned teacher is read again as what it is.
        let mut tuning = folder.fine_tuning("tuned");
        let at = tuning.iter().position(|argument| *argument == "encoder").unwrap();
        tuning[at] = &teacher;
        folder.runs(&tuning, 0);
        let config: serde_json::Value = serde_json::from_slice(&folder.read("tuned/config.json")).unwrap();
        assert_eq!(Some(config["model_type"].as_str().unwrap()), name.strip_suffix("-micro"));
        assert!(folder.accuracy("tuned", &super::TASK).0 > 0.6);

        folder.runs(&folder.distilling("tuned", "run"), 0);
        folder.runs(&["pack", "run", "--out", "packed.safetensors"], 0);
        let (out, _) = folder.runs(&["eval", "packed.safetensors", "--data", "data", "--against", "run"], 0);
        assert!(out.contains("0 labels"), "{name}: {out}");
        let (out, _) = folder.runs(&["inspect", "packed.safetensors", "--json"], 0);
        assert_eq!(out.contains("relative_position"), relative, "{name}: {out}");
        let (out, _) = folder.runs(&["classify", "--model", "packed.safetensors", "a good film"], 0);
        assert!(out.starts_with("no") || out.starts_with("yes"), "{name}: {out}");
    }
}

//! `bitspike eval` with all the files that it writes, and beside the run that a model was packed from.

use std::fs;

use super::Folder;

#[test]
fn predictions_submission_and_parity_of_a_packed_model() {
    let folder = Folder::with_teacher();
    let row = |line: &str| {
        let (text, label) = line.rsplit_once(',').unwrap();
        format!("{text}\t{}\n", u8::from(label == "pos"))
    };
    fs::create_dir_all(folder.path("SST-2")).unwrap();
    for split in ["train", "dev"] {
        let text = String::from_utf8(folder.read(&format!("data/{split}.csv"))).unwrap();
        let rows: String = text.lines().skip(1).map(row).collect();
        fs::write(folder.path(&format!("SST-2/{split}.tsv")), format!("sentence\tlabel\n{rows}")).unwrap();
    }
    fs::write(folder.path("SST-2/test.tsv"), "index\tsentence\n0\ta good film\n1\ta dull film\n2\tlovely\n").unwrap();
    folder.permuted("teacher", "sst2", &[1, 0], &["positive", "negative"]);
    let mut distil = folder.distilling("sst2", "run");
    let at = distil.iter().position(|argument| *argument == "--task").unwrap();
    distil.splice(at..at + 8, ["--task", "sst2", "--data", "SST-2"]);
    folder.runs(&distil, 0);
    folder.runs(&["pack", "run", "--out", "packed.safetensors"], 0);

    let (out, _) = folder.runs(&["eval", "packed.safetensors", "--data", "SST-2", "--against", "run"], 0);
    assert!(out.contains("0 labels"), "{out}");
    let test = ["--split", "test", "--predictions", "named.tsv", "--submission", "."];
    for model in ["run", "packed.safetensors", "sst2"] {
        let task = ["--task", "sst2", "--data", "SST-2", "--force"];
        let (_, said) = folder.runs(&[&["eval", model][..], &task, &test].concat(), 0);
        assert!(said.contains("SST-2.tsv"), "{said}");
        let named = String::from_utf8(folder.read("named.tsv")).unwrap();
        let numbered = String::from_utf8(folder.read("SST-2.tsv")).unwrap();
        assert_eq!(named.replace("positive", "1").replace("negative", "0"), numbered, "{model}");
        if model == "sst2" {
            assert_eq!(named, "index\tprediction\n0\tpositive\n1\tnegative\n2\tpositive\n");
        }
    }
}

#[test]
fn what_training_set_aside_of_one_file_is_what_is_scored() {
    let folder = Folder::with_teacher();
    fs::copy(folder.path("data/train.csv"), folder.path("all.csv")).unwrap();
    let mut distil = folder.distilling("teacher", "run");
    let at = distil.iter().position(|argument| *argument == "--data").unwrap();
    distil[at + 1] = "all.csv";
    distil.extend(["--dev-share", "0.25", "--dev-seed", "7"]);
    let (_, said) = folder.runs(&distil, 0);
    assert!(said.contains("the teacher scores accuracy"), "{said}");
    folder.runs(&["pack", "run", "--out", "packed.safetensors"], 0);
    let rows = String::from_utf8(folder.read("all.csv")).unwrap().lines().count() - 1;
    let scored = |arguments: &[&str]| {
        let (out, said) = folder.runs(&[&["eval"], arguments, &["--json"]].concat(), 0);
        let score: serde_json::Value = serde_json::from_str(&out).unwrap();
        (score[0]["examples"].as_u64().unwrap() as usize, said)
    };
    let (aside, said) = scored(&["run", "--data", "all.csv"]);
    assert!(aside > 0 && aside < rows / 2, "{aside} of {rows}");
    assert!(said.contains("the share of 0.25 that the seed 7 sets aside"), "{said}");
    // A packed file does not say what its training was kept from.
    assert_eq!(scored(&["packed.safetensors", "--data", "all.csv"]).0, rows);
    let share = ["--dev-share", "0.25", "--dev-seed", "7"];
    assert_eq!(scored(&[&["packed.safetensors", "--data", "all.csv"][..], &share].concat()).0, aside);
    let (out, _) = folder.runs(&["cost", "run", "--data", "all.csv", "--json"], 0);
    let cost: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(cost["examples"].as_u64(), Some(aside as u64), "{out}");
    // Other data is scored whole, as is a split that was asked for.
    assert_eq!(
        scored(&["run", "--data", "data/dev.csv"]).0,
        String::from_utf8(folder.read("data/dev.csv")).unwrap().lines().count() - 1
    );
    let (_, said) = folder.runs(&["eval", "run", "--data", "all.csv", "--split", "train", "--dev-share", "0.25"], 2);
    assert!(said.contains("leave --split out"), "{said}");
}

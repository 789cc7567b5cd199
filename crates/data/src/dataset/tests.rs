use super::super::fixture::{firsts, read};
use super::*;

/// Id, texts and target of every example.
fn rows(dataset: &Dataset) -> Vec<(&str, &str, &str, Option<f32>)> {
    dataset
        .examples
        .iter()
        .map(|e| (e.id.as_str(), e.first.as_str(), e.second.as_deref().unwrap_or("-"), e.target))
        .collect()
}

#[test]
fn cola_has_a_header_in_test_only() {
    let train =
        read("cola", "train.tsv", b"mx01\t1\t\tThe bell rang twice.\nmx01\t0\t*\tThe bell \"ranged twice.\n").unwrap();
    let expected = [("0", "The bell rang twice.", "-", Some(1.0)), ("1", "The bell \"ranged twice.", "-", Some(0.0))];
    assert_eq!(rows(&train), expected);
    let test = read("CoLA", "test.tsv", b"index\tsentence\n0\tKim left.\n1\tLeft Kim did.\n").unwrap();
    assert_eq!(rows(&test), [("0", "Kim left.", "-", None), ("1", "Left Kim did.", "-", None)]);
    assert!(!test.is_labelled() && train.is_labelled());
    let message = read("cola", "dev.tsv", b"mx01\t1\t\tFine.\nmx01\t1\tFine.\n").unwrap_err();
    assert!(message.contains("line 2: expected 4 columns, found 3"), "{message}");
}

#[test]
fn sst2_test_has_an_index_and_no_label() {
    let train = read("sst2", "train.tsv", b"sentence\tlabel\na warm , odd film \t1\n").unwrap();
    assert_eq!(rows(&train), [("0", "a warm , odd film ", "-", Some(1.0))]);
    let test = read("sst2", "test.tsv", b"index\tsentence\n4\tdull\n").unwrap();
    assert_eq!(rows(&test), [("4", "dull", "-", None)]);
}

#[test]
fn mrpc_begins_with_a_mark_and_ends_lines_with_carriage_returns() {
    let header = b"\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n".as_slice();
    let body = b"1\t101\t102\tHe said \"no.\tHe refused.\r\n0\t103\t104\tRain fell.\tSnow fell.\r\n".as_slice();
    let expected = [("0", "He said \"no.", "He refused.", Some(1.0)), ("1", "Rain fell.", "Snow fell.", Some(0.0))];
    let text = [header, body].concat();
    for name in ["train.tsv", "dev.tsv", "msr_paraphrase_train.txt", "msr_paraphrase_test.txt"] {
        assert_eq!(rows(&read("mrpc", name, &text).unwrap()), expected, "{name}");
    }
    let test = b"index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t5\t6\tA b.\tB a.\n";
    assert_eq!(rows(&read("mrpc", "test.tsv", test).unwrap()), [("0", "A b.", "B a.", None)]);
}

#[test]
fn stsb_scores_are_bounded() {
    let header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2";
    let row = "3\tmain\tf\t2012\t1\tnone\tnone\tA dog runs.\tA dog is running.";
    let train = read("stsb", "train.tsv", format!("{header}\tscore\n{row}\t4.750\n").as_bytes()).unwrap();
    assert_eq!(rows(&train), [("3", "A dog runs.", "A dog is running.", Some(4.75))]);
    let test = read("stsb", "test.tsv", format!("{header}\n{row}\n").as_bytes()).unwrap();
    assert_eq!(rows(&test), [("3", "A dog runs.", "A dog is running.", None)]);
    let message = read("stsb", "dev.tsv", format!("{header}\tscore\n{row}\t5.2\n").as_bytes()).unwrap_err();
    assert!(message.contains("line 2: column `label`: expected a number from 0 to 5, found `5.2`"), "{message}");
}

#[test]
fn qqp_leaves_out_and_counts_short_lines() {
    let text = b"id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n\
        9\t1\t2\tHow far?\tHow long?\t0\n8\t3\t4\tWhat is\nleft over?\t1\n7\t5\t6\tWho?\tWhom?\t1\n";
    let train = read("qqp", "train.tsv", text).unwrap();
    assert_eq!(rows(&train), [("9", "How far?", "How long?", Some(0.0)), ("7", "Who?", "Whom?", Some(1.0))]);
    assert_eq!(train.skipped, 2);
    let test = read("qqp", "test.tsv", b"id\tquestion1\tquestion2\n0\tWho?\tWhy?\n").unwrap();
    assert_eq!(rows(&test), [("0", "Who?", "Why?", None)]);
    let message = read("qqp", "dev.tsv", b"id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\nx\n").unwrap_err();
    assert!(message.contains("no examples (1 records were skipped as unusable)"), "{message}");
    let message = read("qqp", "dev.tsv", b"question1\tquestion2\tis_duplicate\na\tb\t1\t1\n").unwrap_err();
    assert!(message.contains("line 2: expected 3 columns, found 4"), "{message}");
}

#[test]
fn mnli_has_many_columns_and_undecided_pairs() {
    let header = "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t\
        sentence2_parse\tsentence1\tsentence2";
    let start =
        |i: u8| format!("{i}\t1\t1n\tletters\t( a )\t( b )\t(ROOT a)\t(ROOT b)\tIt rained all day.\tIt was wet.");
    let train = format!("{header}\tlabel1\tgold_label\n{}\tneutral\tentailment\n", start(0));
    assert_eq!(
        rows(&read("mnli", "train.tsv", train.as_bytes()).unwrap())[0],
        ("0", "It rained all day.", "It was wet.", Some(0.0))
    );
    let votes = "\tneutral\tneutral\tcontradiction\tcontradiction\tentailment";
    let dev = format!(
        "{header}\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n{}{votes}\t-\n{}{votes}\tcontradiction\n",
        start(0),
        start(1)
    );
    for name in ["dev_matched.tsv", "dev_mismatched.tsv"] {
        let dev = read("mnli", name, dev.as_bytes()).unwrap();
        assert_eq!((rows(&dev)[0].0, rows(&dev)[0].3, dev.examples.len(), dev.skipped), ("1", Some(2.0), 1, 1));
    }
    let test = format!("{header}\n{}\n", start(5));
    assert_eq!(rows(&read("mnli", "test_matched.tsv", test.as_bytes()).unwrap())[0].3, None);
    assert_eq!(rows(&read("mnli", "test_mismatched.tsv", test.as_bytes()).unwrap())[0].0, "5");
    // Elsewhere `-` is a label like any other, and a wrong one.
    let message = read("rte", "dev.tsv", b"index\tsentence1\tsentence2\tlabel\n0\ta\tb\t-\n").unwrap_err();
    assert!(message.contains("line 2: column `label`") && message.contains("found `-`"), "{message}");
}

#[test]
fn qnli_rte_and_wnli_name_their_columns() {
    let qnli = read("qnli", "train.tsv", b"index\tquestion\tsentence\tlabel\n2\tWhen?\tIn May.\tentailment\n").unwrap();
    assert_eq!(rows(&qnli), [("2", "When?", "In May.", Some(0.0))]);
    let qnli = read("qnli", "test.tsv", b"index\tquestion\tsentence\n0\tWhen?\tIn May.\n").unwrap();
    assert_eq!(rows(&qnli), [("0", "When?", "In May.", None)]);
    let rte = read("rte", "dev.tsv", b"index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment\n").unwrap();
    assert_eq!(rows(&rte), [("0", "A.", "B.", Some(1.0))]);
    let wnli = read("wnli", "dev.tsv", b"index\tsentence1\tsentence2\tlabel\n0\tShe won.\tAnn won.\t1\n").unwrap();
    assert_eq!(rows(&wnli), [("0", "She won.", "Ann won.", Some(1.0))]);
    let wnli = read("wnli", "test.tsv", b"index\tsentence1\tsentence2\n0\tShe won.\tAnn won.\n").unwrap();
    assert_eq!(rows(&wnli), [("0", "She won.", "Ann won.", None)]);
}

#[test]
fn the_hubs_columns_are_read_from_any_format() {
    let text = b"premise,hypothesis,label,idx\nIt rained.,It was wet.,0,11\nIt rained.,It was dry.,2,12\n";
    let train = read("mnli", "train.csv", text).unwrap();
    let expected = [("11", "It rained.", "It was wet.", Some(0.0)), ("12", "It rained.", "It was dry.", Some(2.0))];
    assert_eq!(rows(&train), expected);
    let test = read("mnli", "test_matched.jsonl", br#"{"premise":"a","hypothesis":"b","label":-1,"idx":0}"#).unwrap();
    assert_eq!(rows(&test), [("0", "a", "b", None)]);
}

#[test]
fn a_text_of_a_hundred_thousand_characters_is_kept_whole() {
    let long = "\u{e9}".repeat(100_000);
    for (name, text) in [
        ("dev.tsv", format!("sentence\tlabel\n{long}\t1\n")),
        ("dev.csv", format!("sentence,label\n\"{long}\",1\n")),
        ("dev.jsonl", format!("{{\"sentence\":\"{long}\",\"label\":1}}\n")),
    ] {
        assert_eq!(firsts(&read("sst2", name, text.as_bytes()).unwrap()), [long.as_str()], "{name}");
    }
}

#[test]
fn a_file_may_be_named_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my reviews.TSV");
    std::fs::write(&path, "label\tsentence\npositive\tgood\n").unwrap();
    let task = TaskSpec::glue("sst2").unwrap();
    let dataset = load(&task, &path, Split::Dev).unwrap();
    assert_eq!((dataset.examples.len(), dataset.files), (1, vec![path]));
    let missing = load(&task, &folder.path().join("none.tsv"), Split::Dev).unwrap_err().to_string();
    assert!(missing.contains("none.tsv: no such file or folder"), "{missing}");
}

#[test]
fn shards_are_one_split() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..3 {
        let path = folder.path().join(format!("train-0000{i}-of-00003.csv"));
        std::fs::write(path, format!("sentence,label\nfrom {i},1\n")).unwrap();
    }
    let dataset = load(&TaskSpec::glue("sst2").unwrap(), folder.path(), Split::Train).unwrap();
    assert_eq!(firsts(&dataset), ["from 0", "from 1", "from 2"]);
    assert_eq!(dataset.examples.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
}

/// Example counts as published with GLUE. Runs where `BITSPIKE_SHARED` names a folder with the real data.
#[test]
fn real_files_have_their_published_sizes() {
    let Some(shared) = std::env::var_os("BITSPIKE_SHARED") else {
        eprintln!("BITSPIKE_SHARED is not set: real data not checked");
        return;
    };
    let data = Path::new(&shared).join("data");
    for (task, train, dev) in [("sst2", 67_349, 872), ("rte", 2_490, 277), ("stsb", 5_749, 1_500)] {
        let task = TaskSpec::glue(task).unwrap();
        for (split, count) in [(Split::Train, train), (Split::Dev, dev)] {
            let dataset = load(&task, &data, split).unwrap();
            assert_eq!((dataset.examples.len(), dataset.skipped), (count, 0), "{} {split}", task.name);
            assert!(dataset.is_labelled());
        }
    }
    let rte = load(&TaskSpec::glue("rte").unwrap(), &data.join("RTE"), Split::Train).unwrap();
    assert_eq!(rte.examples.iter().filter(|e| e.target == Some(0.0)).count(), 1_249);
    let paragraphs = super::super::read_plain_text(&data.join("wikitext-2/valid.txt")).unwrap();
    assert!(paragraphs.len() > 1_000 && paragraphs.iter().all(|p| !p.starts_with("= ")), "{}", paragraphs.len());
}

#[test]
fn dev_examples_that_are_all_training_examples_too_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let train = "sentence\tlabel\ngood\t1\nbad\t0\nfine\t1\n";
    let task = TaskSpec::glue("sst2").unwrap();
    let notes = |dev: &str| {
        std::fs::write(folder.path().join("train.tsv"), train).unwrap();
        std::fs::write(folder.path().join("dev.tsv"), dev).unwrap();
        load_for_training(&task, folder.path(), Labels::Required, None).unwrap().1.notes
    };
    let found = notes("sentence\tlabel\nfine\t1\ngood\t0\n");
    assert!(found[0].starts_with("all 2 dev examples are training examples too"), "{found:?}");
    assert_eq!(notes("sentence\tlabel\nfine\t1\ndull\t0\n"), [""; 0]);
}

//! `bitspike data fetch` and `data check` as a user runs them, against a hub on the loopback interface.

mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;
use server::{COMMIT, Fault, Server};
use tempfile::TempDir;

const TRAIN: &str = "sst2/train-00000-of-00001.parquet";
const DEV: &str = "sst2/validation-00000-of-00001.parquet";
const TEST: &str = "sst2/test-00000-of-00001.parquet";

/// A user: a server, and a home folder with an empty cache.
struct User {
    server: Server,
    home: TempDir,
}

impl User {
    fn new(server: Server) -> Self {
        Self { server, home: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A user of a hub that has SST-2 with three training sentences.
    fn of_sst2() -> Self {
        let user = Self::new(Server::start("datasets", "nyu-mll/glue"));
        user.server
            .large(TRAIN, parquet_file(&[("a fine film", 1), ("a dull one", 0), ("dull again", 0)]))
            .large(DEV, parquet_file(&[("not bad", 1), ("bad", 0)]))
            .large(TEST, parquet_file(&[("no label here", -1)]))
            .large("cola/train-00000-of-00001.parquet", "another task")
            .small("README.md", "# GLUE");
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
        // Nothing of the machine's own settings: a proxy or a token would change what is tested.
        command.env_clear().envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
        command.env("HOME", self.home.path()).env("HF_ENDPOINT", &self.server.address);
        command.env("HF_HUB_CACHE", self.path("hub")).current_dir(self.home.path()).arg("data").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Runs, and returns standard output without its line break.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// Runs, and returns the error of a command that ends with exit code 1.
    fn fails(&self, arguments: &[&str]) -> String {
        fails(&self.run(arguments))
    }

    /// Where the cache keeps the bytes of `path`.
    fn blob(&self, path: &str) -> PathBuf {
        self.path("hub/datasets--nyu-mll--glue/blobs").join(self.server.etag(path))
    }

    /// Puts `bytes` where an interrupted fetch of `path` would have left them.
    fn leave_part(&self, path: &str, bytes: &[u8]) {
        let blob = self.blob(path);
        std::fs::create_dir_all(blob.parent().expect("a folder")).expect("a folder");
        std::fs::write(blob.with_extension("incomplete"), bytes).expect("a file");
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn fails(output: &Output) -> String {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(output.stdout, b"", "a failure prints no result");
    text
}

/// Sentences and labels as the hub's own conversion stores them.
fn parquet_file(rows: &[(&str, i64)]) -> Vec<u8> {
    let schema = "message schema { optional binary sentence (STRING); optional int64 label; optional int32 idx; }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    let present = vec![1; rows.len()];
    let text: Vec<ByteArray> = rows.iter().map(|(text, _)| ByteArray::from(*text)).collect();
    let labels: Vec<i64> = rows.iter().map(|(_, label)| *label).collect();
    let indices: Vec<i32> = (0..).take(rows.len()).collect();
    let mut column = group.next_column().expect("a column").expect("sentence");
    column.typed::<ByteArrayType>().write_batch(&text, Some(&present), None).expect("texts");
    column.close().expect("sentence");
    let mut column = group.next_column().expect("a column").expect("label");
    column.typed::<Int64Type>().write_batch(&labels, Some(&present), None).expect("labels");
    column.close().expect("label");
    let mut column = group.next_column().expect("a column").expect("idx");
    column.typed::<Int32Type>().write_batch(&indices, Some(&present), None).expect("indices");
    column.close().expect("idx");
    group.close().expect("a row group");
    writer.close().expect("a file");
    bytes
}

/// Every regular file below `folder`, by name.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|f| format!("{}/{f}", entry.file_name().display())));
        } else {
            found.push(entry.file_name().display().to_string());
        }
    }
    found.sort();
    found
}

/// Names of the blobs of `paths` in the cache and nothing besides: no part, no temporary file.
fn assert_blobs(user: &User, paths: &[&str]) {
    let folder = user.blob(paths[0]);
    let mut expected: Vec<String> = paths.iter().map(|path| user.server.etag(path)).collect();
    expected.sort();
    assert_eq!(files(folder.parent().expect("a folder")), expected);
}

#[test]
fn a_fetched_task_is_where_it_says_and_can_be_checked() {
    let user = User::of_sst2();
    let folder = user.succeeds(&["fetch", "SST-2"]);
    assert!(folder.ends_with(&format!("snapshots/{COMMIT}/sst2")), "{folder}");
    assert_eq!(
        files(Path::new(&folder)),
        ["test-00000-of-00001.parquet", "train-00000-of-00001.parquet", "validation-00000-of-00001.parquet"]
    );
    assert_blobs(&user, &[TRAIN, DEV, TEST]);
    let report = user.succeeds(&["check", "--task", "sst2", &folder, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let [train, dev, test] = [0, 1, 2].map(|i| &report["splits"][i]);
    assert_eq!((&train["split"], &train["examples"], &train["labelled"]), (&json!("train"), &json!(3), &json!(3)));
    assert_eq!(train["labels"], json!([{ "label": "negative", "count": 2 }, { "label": "positive", "count": 1 }]));
    assert_eq!((&dev["split"], &dev["examples"]), (&json!("dev"), &json!(2)), "{report}");
    assert_eq!((&test["split"], &test["labelled"]), (&json!("test"), &json!(0)), "{report}");
    assert_eq!(report["usable"], json!(true));

    let out = user.succeeds(&["fetch", "sst2", "--out", "data/sst2"]);
    assert_eq!(out, "data/sst2");
    assert_eq!(files(&user.path(&out)), files(Path::new(&folder)));
    assert!(
        user.path(&out).join("train-00000-of-00001.parquet").symlink_metadata().unwrap().is_file(),
        "a copy, no link"
    );
}

#[test]
fn what_is_in_the_cache_is_not_fetched_again() {
    let user = User::of_sst2();
    let folder = user.succeeds(&["fetch", "sst2"]);
    assert_eq!(user.server.requests().len(), 1 + 3 * 2, "the listing, and a redirect and a store for each file");

    assert_eq!(user.succeeds(&["fetch", "sst2"]), folder);
    assert_eq!(user.server.requests().len(), 1, "where main is, and nothing else");
    assert_eq!(user.succeeds(&["fetch", "sst2", "--revision", COMMIT]), folder);
    assert_eq!(user.server.requests().len(), 0, "a commit never changes");
    let offline = user.command(&["fetch", "sst2"]).env("HF_HUB_OFFLINE", "1").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&offline.stdout).trim_end(), folder, "{}", stderr(&offline));
    assert_eq!(user.server.requests().len(), 0, "offline means offline");

    let unreachable = user.command(&["fetch", "sst2"]).env("HF_ENDPOINT", closed_port()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&unreachable.stdout).trim_end(), folder, "{}", stderr(&unreachable));
    assert!(stderr(&unreachable).contains("as it was last fetched"), "{}", stderr(&unreachable));
    user.server.api(503, "", "");
    assert_eq!(user.succeeds(&["fetch", "sst2"]), folder, "a hub out of order is no worse than none");
}

#[test]
fn a_cache_that_another_tool_has_filled_is_used() {
    let user = User::of_sst2();
    let folder = user.succeeds(&["fetch", "sst2"]);
    std::fs::remove_dir_all(user.path("hub/datasets--nyu-mll--glue/listings")).unwrap();
    for revision in ["main", COMMIT] {
        let command = &["fetch", "sst2", "--revision", revision];
        let output = user.command(command).env("HF_HUB_OFFLINE", "1").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), folder, "{}", stderr(&output));
    }
    let missing = user.command(&["fetch", "cola"]).env("HF_HUB_OFFLINE", "1").output().unwrap();
    assert!(fails(&missing).contains("cola/train"), "{}", stderr(&missing));
}

#[test]
fn offline_with_an_empty_cache_says_what_to_do() {
    let user = User::of_sst2();
    let message = fails(&user.command(&["fetch", "sst2"]).env("HF_HUB_OFFLINE", "yes").output().unwrap());
    assert!(message.contains("HF_HUB_OFFLINE") && message.contains("train.tsv"), "{message}");
    assert_eq!(user.server.requests().len(), 0);
}

#[test]
fn a_connection_that_is_cut_goes_on_where_it_ended() {
    let user = User::of_sst2();
    user.server.faults(TRAIN, &[Fault::Cut(100), Fault::Cut(0), Fault::Cut(50)]);
    user.succeeds(&["fetch", "sst2"]);
    let store = format!("/store/{}", user.server.etag(TRAIN));
    let requests = user.server.requests();
    let ranges: Vec<_> = requests.iter().filter(|r| r.path == store).map(|r| r.header("range")).collect();
    assert_eq!(ranges, [None, Some("bytes=100-"), Some("bytes=100-"), Some("bytes=150-")]);
    assert_blobs(&user, &[TRAIN, DEV, TEST]);
}

#[test]
fn what_a_killed_fetch_left_is_continued() {
    let user = User::of_sst2();
    let whole = parquet_file(&[("a fine film", 1), ("a dull one", 0), ("dull again", 0)]);
    user.leave_part(TRAIN, &whole[..77]);
    user.succeeds(&["fetch", "sst2"]);
    let store = format!("/store/{}", user.server.etag(TRAIN));
    let ranges: Vec<_> = user.server.requests().into_iter().filter(|r| r.path == store).collect();
    assert_eq!(ranges.len(), 1);
    assert_eq!(ranges[0].header("range"), Some("bytes=77-"));
    assert_eq!(std::fs::read(user.blob(TRAIN)).unwrap(), whole);
    assert_blobs(&user, &[TRAIN, DEV, TEST]);
}

#[test]
fn a_bad_part_is_thrown_away() {
    for (part, fault) in [
        (vec![0; 77], None),                         // Other bytes.
        (vec![0; 1 << 20], None),                    // Longer than the file.
        (vec![0; 77], Some(Fault::NoRange)),         // A server that cannot continue.
        (vec![0; 77], Some(Fault::Status(416, ""))), // A server that finds the range wrong.
    ] {
        let user = User::of_sst2();
        user.leave_part(TRAIN, &part);
        user.server.faults(TRAIN, fault.as_slice());
        user.succeeds(&["fetch", "sst2"]);
        assert_blobs(&user, &[TRAIN, DEV, TEST]);
        let whole = parquet_file(&[("a fine film", 1), ("a dull one", 0), ("dull again", 0)]);
        assert!(std::fs::read(user.blob(TRAIN)).unwrap() == whole, "{fault:?}");
    }
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let user = User::of_sst2();
    user.server.faults(TRAIN, &[Fault::Status(503, "Retry-After: 1\r\n"), Fault::Status(429, "")]);
    user.succeeds(&["fetch", "sst2"]);
    assert_blobs(&user, &[TRAIN, DEV, TEST]);
}

#[test]
fn a_server_that_never_delivers_is_given_up_and_nothing_half_written_remains() {
    let user = User::of_sst2();
    user.server.always(DEV, Fault::Cut(0));
    let message = user.fails(&["fetch", "sst2", "--out", "data"]);
    assert!(message.contains(DEV) && message.contains("0 B of") && message.contains("try again later"), "{message}");
    assert!(!user.blob(DEV).exists(), "no blob without its bytes");
    assert_eq!(files(&user.path("data")), [""; 0], "a task of which one split is missing is not put anywhere");
}

#[test]
fn bytes_that_are_not_what_was_announced_are_refused() {
    let check = |path: &str, fault: Fault, says: &str| {
        let user = User::of_sst2();
        user.server.always(path, fault);
        let message = user.fails(&["fetch", "sst2", "--out", "data"]);
        assert!(message.contains(says) && message.contains(path), "{message}");
        assert!(!user.blob(path).exists());
        assert_eq!(files(&user.path("data")), [""; 0]);
    };
    check(TRAIN, Fault::Damage, "damaged");
    check(TRAIN, Fault::TooLong, "more than the");
    check(TEST, Fault::Compressed, "compressed");
    check(DEV, Fault::Status(404, ""), "does not have it");

    let user = User::of_sst2();
    user.leave_part(TRAIN, b"PAR1");
    user.server.always(TRAIN, Fault::WrongRange);
    assert!(user.fails(&["fetch", "sst2"]).contains("asked for byte 4"));
}

#[test]
fn a_small_file_is_checked_as_git_does() {
    let user = model();
    user.server.always("config.json", Fault::Damage);
    let message = user.fails(&["fetch", "--model", "some-org/tiny-bert"]);
    assert!(message.contains("config.json") && message.contains("damaged"), "{message}");
}

#[test]
fn answers_of_the_hub_become_advice() {
    let user = User::of_sst2();
    let with = |status: u16, code: &str| {
        user.server.api(status, &format!("X-Error-Code: {code}\r\n"), "{\"error\":\"no\"}");
        user.fails(&["fetch", "--model", "some-org/secret", "--revision", "v9"])
    };
    let unknown = with(404, "RepoNotFound");
    assert!(unknown.contains("`some-org/secret`") && unknown.contains("check the spelling"), "{unknown}");
    let revision = with(404, "RevisionNotFound");
    assert!(revision.contains("no revision `v9`"), "{revision}");
    let private = with(401, "RepoNotFound");
    assert!(private.contains("401") && private.contains("set HF_TOKEN"), "{private}");
    let gated = with(403, "GatedRepo");
    assert!(gated.contains("403") && gated.contains("accept its conditions on"), "{gated}");
    let odd = with(418, "");
    assert!(odd.contains("418"), "{odd}");

    user.server.api(200, "", "<html>a login page</html>");
    let page = user.fails(&["fetch", "sst2"]);
    assert!(page.contains("not the listing of a repository"), "{page}");
    assert_eq!(files(&user.path("hub")), [""; 0], "an error leaves nothing behind");
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let user = User::of_sst2();
    let output = user.command(&["fetch", "sst2"]).env("HF_TOKEN", "hf_secret").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    for request in user.server.requests() {
        let expected = (!request.path.starts_with("/store/")).then_some("Bearer hf_secret");
        assert_eq!(request.header("authorization"), expected, "{}", request.path);
    }
    user.server.api(401, "", "");
    let refused = user.command(&["fetch", "rte"]).env("HF_TOKEN", "hf_secret").output().unwrap();
    let message = fails(&refused);
    assert!(message.contains("HF_TOKEN is set") && !message.contains("hf_secret"), "{message}");
}

#[test]
fn names_that_leave_the_cache_are_refused() {
    for name in ["sst2/../../../x.parquet", "/tmp/x.parquet", "sst2\\..\\x.parquet", "sst2/C:x.parquet"] {
        let user = User::of_sst2();
        user.server.large(name, "hostile");
        let message = user.fails(&["fetch", "sst2"]);
        assert!(message.contains("refused"), "{name}: {message}");
        assert_eq!(files(user.home.path()), [""; 0]);
    }
    let user = User::of_sst2();
    for (arguments, says) in [
        (["--model", "../x", "--revision", "main"], "OWNER/NAME"),
        (["--model", "a/b", "--revision", "../../x"], "not a revision"),
    ] {
        let message = user.fails(&["fetch", arguments[0], arguments[1], arguments[2], arguments[3]]);
        assert!(message.contains(says), "{message}");
    }
    assert_eq!(user.server.requests().len(), 0);
}

#[test]
fn without_a_network_the_message_says_what_to_give_by_hand() {
    let user = User::of_sst2();
    let run = |arguments: &[&str]| {
        fails(&user.command(arguments).env("HF_ENDPOINT", closed_port()).output().expect("the program starts"))
    };
    let task = run(&["fetch", "sst2"]);
    assert!(task.contains("cannot reach http://127.0.0.1") && task.contains("train.tsv, dev.tsv"), "{task}");
    let model = run(&["fetch", "--model", "some-org/tiny-bert"]);
    assert!(model.contains("config.json, tokenizer.json or vocab.txt"), "{model}");
}

/// A server without encryption behind an `https` address, as a wrong HF_ENDPOINT may name.
#[test]
fn a_server_that_does_not_speak_tls_is_an_error() {
    let user = User::of_sst2();
    let encrypted = user.server.address.replace("http:", "https:");
    let message =
        fails(&user.command(&["fetch", "sst2"]).env("HF_ENDPOINT", &encrypted).output().expect("the program starts"));
    assert!(message.contains(&encrypted), "{message}");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let user = User::of_sst2();
    std::fs::write(user.path("occupied"), "").unwrap();
    let output = user.command(&["fetch", "sst2"]).env("HF_HUB_CACHE", user.path("occupied")).output().unwrap();
    assert!(fails(&output).contains("occupied"), "{}", stderr(&output));
}

#[test]
fn two_processes_fetch_a_file_once() {
    let user = User::of_sst2();
    user.server.always(TRAIN, Fault::Slow(Duration::from_millis(400)));
    let start = || {
        let mut command = user.command(&["fetch", "sst2"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().expect("the program starts")
    };
    for child in [start(), start()] {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let store = format!("/store/{}", user.server.etag(TRAIN));
    assert_eq!(user.server.requests().iter().filter(|request| request.path == store).count(), 1);
    assert_blobs(&user, &[TRAIN, DEV, TEST]);
}

/// A user of a hub that has a BERT of 300 kB.
fn model() -> User {
    let user = User::new(Server::start("models", "some-org/tiny-bert"));
    let weights: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    user.server
        .small("config.json", "{}")
        .small("vocab.txt", "[PAD]\n[UNK]\n")
        .small("tokenizer_config.json", "{\"do_lower_case\": true}")
        .small("1_Pooling/config.json", "{\"other\": 1}")
        .large("onnx/model.onnx", "not wanted")
        .large("pytorch_model.bin", weights.as_slice());
    user
}

#[test]
fn a_model_comes_with_what_it_has() {
    let user = model();
    let folder = user.succeeds(&["fetch", "--model", "some-org/tiny-bert"]);
    let expected = ["config.json", "pytorch_model.bin", "tokenizer_config.json", "vocab.txt"];
    assert_eq!(files(Path::new(&folder)), expected);
    assert_eq!(std::fs::read(Path::new(&folder).join("config.json")).unwrap(), b"{}");

    let both = model();
    both.server.large("model.safetensors", "safer");
    let folder = both.succeeds(&["fetch", "--model", "some-org/tiny-bert", "--out", "m"]);
    assert_eq!(files(&both.path(&folder)), ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]);
}

#[test]
fn a_packed_model_comes_with_its_card_and_has_a_name() {
    let user = User::new(Server::start("models", "some-org/packed"));
    let expected = ["README.md", "metrics.json", "model.safetensors", "recipe.toml", "tokenizer.json"];
    for file in expected {
        user.server.small(file, format!("the {file}").as_str());
    }
    user.server.small("eval.log", "not wanted");
    let folder = user.succeeds(&["fetch", "--model", "some-org/packed"]);
    assert_eq!(files(Path::new(&folder)), expected);
    for name in ["packed", "some-org/packed"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
        command.env("HF_HUB_CACHE", user.path("hub")).current_dir(user.home.path()).args(["inspect", name]);
        let message = fails(&command.output().expect("the program starts"));
        assert!(message.contains("models--some-org--packed") && message.contains("expected a header"), "{message}");
    }
}

#[test]
fn a_mirror_whose_listing_has_no_checksums_is_asked_for_each() {
    let user = model();
    user.server.bare();
    user.succeeds(&["fetch", "--model", "some-org/tiny-bert"]);
    let requests = user.server.requests();
    assert_eq!(requests.iter().filter(|request| request.method == "HEAD").count(), 4);
    user.succeeds(&["fetch", "--model", "some-org/tiny-bert"]);
    assert_eq!(user.server.requests().len(), 1);
}

#[test]
fn a_model_that_is_none_is_refused_before_anything_is_fetched() {
    for (files, says) in [
        (vec!["config.json", "model.safetensors"], "neither tokenizer.json nor vocab.txt"),
        (vec!["vocab.txt", "model.safetensors"], "no config.json"),
        (vec!["vocab.txt", "config.json"], "neither model.safetensors nor pytorch_model.bin"),
        (vec!["vocab.txt", "config.json", "model.safetensors.index.json"], "split over several files"),
    ] {
        let user = User::new(Server::start("models", "some-org/tiny-bert"));
        for file in files {
            user.server.small(file, "x");
        }
        let message = user.fails(&["fetch", "--model", "some-org/tiny-bert"]);
        assert!(message.contains(says), "{message}");
        assert_eq!(user.server.requests().len(), 1);
    }
}

/// An address where nobody listens.
fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

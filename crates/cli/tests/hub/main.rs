//! `bitspike data fetch` and `data check` as a user runs them, against a hub on the loopback interface.

#[allow(dead_code, reason = "the tests of the library use all of it")]
#[path = "../../../hub/tests/fetch/server.rs"]
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
fn offline_with_an_empty_cache_says_what_to_do() {
    let user = User::of_sst2();
    let message = fails(&user.command(&["fetch", "sst2"]).env("HF_HUB_OFFLINE", "yes").output().unwrap());
    assert!(message.contains("HF_HUB_OFFLINE") && message.contains("train.tsv"), "{message}");
    assert_eq!(user.server.requests().len(), 0);
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

#[test]
fn arguments_that_cannot_be_used_are_refused_without_a_request() {
    let user = User::of_sst2();
    for (arguments, says) in [
        (["--model", "../x", "--revision", "main"], "OWNER/NAME"),
        (["--model", "a/b", "--revision", "../../x"], "not a revision"),
    ] {
        let message = user.fails(&["fetch", arguments[0], arguments[1], arguments[2], arguments[3]]);
        assert!(message.contains(says), "{message}");
    }
    let unknown = user.run(&["fetch", "glue"]);
    assert!(unknown.status.code() == Some(2) && stderr(&unknown).contains("found `glue`"), "{}", stderr(&unknown));
    assert_eq!(user.server.requests().len(), 0);
}

#[test]
fn an_answer_of_the_hub_is_one_message() {
    let user = User::of_sst2();
    user.server.api(200, "", "<html>a login page</html>");
    let page = user.fails(&["fetch", "sst2"]);
    let url = format!("{}/api/datasets/nyu-mll/glue/revision/main?blobs=true", user.server.address);
    let expected = format!(
        "bitspike: fetch dataset `nyu-mll/glue`: answer of {url}: the answer is not the listing of a repository: expected value \
         at line 1 column 1\n"
    );
    assert_eq!(page, expected);
    assert_eq!(files(&user.path("hub")), [""; 0], "an error leaves nothing behind");
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

/// An address where nobody listens.
fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

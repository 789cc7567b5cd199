//! Fetching from a hub on the loopback interface.

mod server;

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bitspike::error::explain;
use bitspike_data::GlueTask;
use bitspike_hub::fetch::{FetchError, Fetched, Progress};
use bitspike_hub::{Error, Hub, HubConfig, Result};
use server::{COMMIT, Fault, Server};
use tempfile::TempDir;

const TRAIN: &str = "sst2/train-00000-of-00001.parquet";
const DEV: &str = "sst2/validation-00000-of-00001.parquet";
const TEST: &str = "sst2/test-00000-of-00001.parquet";

/// The bytes of a training split, longer than any fault needs.
fn train() -> Vec<u8> {
    (0..400u32).map(|i| (i % 251) as u8).collect()
}

/// A user: a server, and a home folder with an empty cache.
struct User {
    server: Server,
    home: TempDir,
    config: HubConfig,
    /// What was noted.
    notes: Mutex<Vec<String>>,
}

impl User {
    fn new(server: Server) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (endpoint, cache) = (server.address.clone(), home.path().join("hub"));
        let config = HubConfig { endpoint, token: None, cache, offline: false };
        Self { server, home, config, notes: Mutex::default() }
    }

    /// A user of a hub that has SST-2.
    fn of_sst2() -> Self {
        let user = Self::new(Server::start("datasets", "nyu-mll/glue"));
        user.server
            .large(TRAIN, train())
            .large(DEV, "not bad")
            .large(TEST, "no label here")
            .large("cola/train-00000-of-00001.parquet", "another task")
            .small("README.md", "# GLUE");
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn with<T>(&self, config: HubConfig, work: impl FnOnce(&Hub<'_>) -> Result<T>) -> Result<T> {
        let note = |progress: Progress<'_>| {
            if let Progress::Note { text, .. } | Progress::Again { why: text, .. } = progress {
                self.notes.lock().unwrap().push(text.to_owned());
            }
        };
        work(&Hub::new(config, &note))
    }

    fn task(&self) -> Result<Fetched> {
        self.with(self.config.clone(), |hub| hub.task(GlueTask::Sst2, "main"))
    }

    fn task_as(&self, change: impl FnOnce(&mut HubConfig)) -> Result<Fetched> {
        self.task_at("main", change)
    }

    fn task_at(&self, revision: &str, change: impl FnOnce(&mut HubConfig)) -> Result<Fetched> {
        let mut config = self.config.clone();
        change(&mut config);
        self.with(config, |hub| hub.task(GlueTask::Sst2, revision))
    }

    fn model(&self, id: &str) -> Result<Fetched> {
        self.with(self.config.clone(), |hub| hub.model(id, "main"))
    }

    fn notes(&self) -> String {
        self.notes.lock().unwrap().join("\n")
    }

    /// Where the cache keeps the bytes of `path`.
    fn blob(&self, path: &str) -> PathBuf {
        self.path("hub/datasets--nyu-mll--glue/blobs").join(self.server.etag(path))
    }

    /// Puts `bytes` where an interrupted fetch of `path` would have left them.
    fn leave_part(&self, path: &str, bytes: &[u8]) {
        let blob = self.blob(path);
        fs::create_dir_all(blob.parent().expect("a folder")).expect("a folder");
        fs::write(blob.with_extension("incomplete"), bytes).expect("a file");
    }
}

/// What a user reads of an error: it and its causes, none twice.
fn says<T>(outcome: Result<T>) -> String {
    let Err(error) = outcome else { panic!("expected an error") };
    explain(&error)
}

/// Every regular file below `folder`, by name.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
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

/// Names of the blobs of SST-2 in the cache and nothing besides: no part, no temporary file.
fn assert_blobs(user: &User) {
    let mut expected: Vec<String> = [TRAIN, DEV, TEST].map(|path| user.server.etag(path)).into();
    expected.sort();
    assert_eq!(files(user.blob(TRAIN).parent().expect("a folder")), expected);
}

#[test]
fn a_fetched_task_is_where_it_says() {
    let user = User::of_sst2();
    let fetched = user.task().unwrap();
    assert!(fetched.folder.ends_with(format!("snapshots/{COMMIT}/sst2")), "{}", fetched.folder.display());
    assert_eq!(fetched.commit, COMMIT);
    assert_eq!(
        files(&fetched.folder),
        ["test-00000-of-00001.parquet", "train-00000-of-00001.parquet", "validation-00000-of-00001.parquet"]
    );
    assert_blobs(&user);
    let out = user.path("data/sst2");
    assert_eq!(fetched.copy_to(&out, false).unwrap().len(), 3);
    assert_eq!(files(&out), files(&fetched.folder));
    assert!(out.join("train-00000-of-00001.parquet").symlink_metadata().unwrap().is_file(), "a copy, no link");
}

#[test]
fn progress_is_told_from_the_first_byte_to_the_last() {
    let user = User::of_sst2();
    user.leave_part(TRAIN, &train()[..100]);
    let told = Mutex::new(Vec::new());
    let note = |progress: Progress<'_>| match progress {
        Progress::Begin { file: TRAIN, size, have } => told.lock().unwrap().push(("begin", size, have)),
        Progress::Have { file: TRAIN, size, have } => told.lock().unwrap().push(("have", size, have)),
        Progress::End { file: TRAIN, size } => told.lock().unwrap().push(("end", size, size)),
        _ => {}
    };
    Hub::new(user.config.clone(), &note).task(GlueTask::Sst2, "main").unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!((told[0], told[told.len() - 1]), (("begin", 400, 100), ("end", 400, 400)));
    let have: Vec<u64> = told.iter().filter(|(what, ..)| *what == "have").map(|(.., have)| *have).collect();
    assert!(have.is_sorted() && have.last() == Some(&400), "{told:?}");
}

#[test]
fn what_is_in_the_cache_is_not_fetched_again() {
    let user = User::of_sst2();
    let folder = user.task().unwrap().folder;
    assert_eq!(user.server.requests().len(), 1 + 3 * 2, "the listing, and a redirect and a store for each file");

    assert_eq!(user.task().unwrap().folder, folder);
    assert_eq!(user.server.requests().len(), 1, "where main is, and nothing else");
    assert_eq!(user.task_at(COMMIT, |_| ()).unwrap().folder, folder);
    assert_eq!(user.server.requests().len(), 0, "a commit never changes");
    assert_eq!(user.task_as(|config| config.offline = true).unwrap().folder, folder);
    assert_eq!(user.server.requests().len(), 0, "offline means offline");

    assert_eq!(user.task_as(|config| config.endpoint = closed_port()).unwrap().folder, folder);
    assert!(user.notes().contains("as it was last fetched"), "{}", user.notes());
    user.server.api(503, "", "");
    assert_eq!(user.task().unwrap().folder, folder, "a hub out of order is no worse than none");
}

#[test]
fn a_cache_that_another_tool_has_filled_is_used() {
    let user = User::of_sst2();
    let folder = user.task().unwrap().folder;
    fs::remove_dir_all(user.path("hub/datasets--nyu-mll--glue/listings")).unwrap();
    for revision in ["main", COMMIT] {
        assert_eq!(user.task_at(revision, |config| config.offline = true).unwrap().folder, folder);
    }
    let offline = HubConfig { offline: true, ..user.config.clone() };
    let message = says(user.with(offline, |hub| hub.task(GlueTask::Cola, "main")));
    assert!(message.contains("cola/train"), "{message}");
}

#[test]
fn offline_with_an_empty_cache_says_what_to_do() {
    let user = User::of_sst2();
    let message = says(user.task_as(|config| config.offline = true));
    assert!(message.contains("HF_HUB_OFFLINE") && message.contains("train.tsv"), "{message}");
    assert_eq!(user.server.requests().len(), 0);
}

#[test]
fn a_connection_that_is_cut_goes_on_where_it_ended() {
    let user = User::of_sst2();
    user.server.faults(TRAIN, &[Fault::Cut(100), Fault::Cut(0), Fault::Cut(50)]);
    user.task().unwrap();
    let store = format!("/store/{}", user.server.etag(TRAIN));
    let requests = user.server.requests();
    let ranges: Vec<_> = requests.iter().filter(|r| r.path == store).map(|r| r.header("range")).collect();
    assert_eq!(ranges, [None, Some("bytes=100-"), Some("bytes=100-"), Some("bytes=150-")]);
    assert!(user.notes().contains("the connection ended early after 100 B of 400 B; try 2 of 5"), "{}", user.notes());
    assert_blobs(&user);
}

#[test]
fn what_a_killed_fetch_left_is_continued() {
    let user = User::of_sst2();
    user.leave_part(TRAIN, &train()[..77]);
    user.task().unwrap();
    let store = format!("/store/{}", user.server.etag(TRAIN));
    let ranges: Vec<_> = user.server.requests().into_iter().filter(|r| r.path == store).collect();
    assert_eq!(ranges.len(), 1);
    assert_eq!(ranges[0].header("range"), Some("bytes=77-"));
    assert_eq!(fs::read(user.blob(TRAIN)).unwrap(), train());
    assert_blobs(&user);
}

#[test]
fn a_bad_part_is_thrown_away() {
    for (part, fault) in [
        (vec![9; 77], None),                         // Other bytes.
        (vec![9; 1 << 20], None),                    // Longer than the file.
        (vec![9; 77], Some(Fault::NoRange)),         // A server that cannot continue.
        (vec![9; 77], Some(Fault::Status(416, ""))), // A server that finds the range wrong.
    ] {
        let user = User::of_sst2();
        user.leave_part(TRAIN, &part);
        user.server.faults(TRAIN, fault.as_slice());
        user.task().unwrap();
        assert_blobs(&user);
        assert!(fs::read(user.blob(TRAIN)).unwrap() == train(), "{fault:?}");
    }
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let user = User::of_sst2();
    user.server.faults(TRAIN, &[Fault::Status(503, "Retry-After: 1\r\n"), Fault::Status(429, "")]);
    user.task().unwrap();
    assert_blobs(&user);
}

#[test]
fn a_server_that_never_delivers_is_given_up_and_nothing_half_written_remains() {
    let user = User::of_sst2();
    user.server.always(DEV, Fault::Cut(0));
    let message = says(user.task());
    assert!(message.contains(DEV) && message.contains("0 B of") && message.contains("try again later"), "{message}");
    assert!(!user.blob(DEV).exists(), "no blob without its bytes");
}

#[test]
fn bytes_that_are_not_what_was_announced_are_refused() {
    let check = |path: &str, fault: Fault, expected: &str| {
        let user = User::of_sst2();
        user.server.always(path, fault);
        let message = says(user.task());
        assert!(message.contains(expected) && message.contains(path), "{message}");
        assert!(!user.blob(path).exists());
    };
    check(TRAIN, Fault::Damage, "damaged");
    check(TRAIN, Fault::TooLong, "more than the");
    check(TEST, Fault::Compressed, "compressed");
    check(DEV, Fault::Status(404, ""), "does not have it");

    let user = User::of_sst2();
    user.leave_part(TRAIN, b"PAR1");
    user.server.always(TRAIN, Fault::WrongRange);
    assert!(says(user.task()).contains("asked for byte 4"));
}

#[test]
fn a_small_file_is_checked_as_git_does() {
    let user = bert();
    user.server.always("config.json", Fault::Damage);
    let message = says(user.model("some-org/tiny-bert"));
    assert!(message.contains("config.json") && message.contains("damaged"), "{message}");
}

#[test]
fn answers_of_the_hub_become_advice() {
    let user = User::of_sst2();
    let with = |status: u16, code: &str| {
        user.server.api(status, &format!("X-Error-Code: {code}\r\n"), "{\"error\":\"no\"}");
        says(user.with(user.config.clone(), |hub| hub.model("some-org/secret", "v9")))
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
    let page = says(user.task());
    assert!(page.contains("not the listing of a repository: expected value at line 1"), "{page}");
    assert_eq!(files(&user.path("hub")), [""; 0], "an error leaves nothing behind");
}

#[test]
fn errors_keep_their_kind() {
    let user = User::of_sst2();
    user.server.api(403, "", "");
    let Err(Error::Fetch(error)) = user.task() else { panic!("an error of the fetch") };
    let FetchError::Refused(refusal) = *error else { panic!("{error}") };
    assert_eq!((refusal.status, refusal.with_token, refusal.revision.as_str()), (403, false, "main"));

    let Err(Error::Fetch(error)) = user.task_as(|config| config.endpoint = closed_port()) else { panic!("an error") };
    assert!(matches!(*error, FetchError::Unreachable { .. }), "{error}");
    let cause = error.source().and_then(|cause| cause.source());
    let io = error.source().expect("a cause").downcast_ref::<bitspike_hub::fetch::Cause>();
    assert!(matches!(io, Some(bitspike_hub::fetch::Cause::Io(_))) && cause.is_none(), "{io:?}");
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let user = User::of_sst2();
    let token = |config: &mut HubConfig| config.token = Some("hf_secret".into());
    user.task_as(token).unwrap();
    for request in user.server.requests() {
        let expected = (!request.path.starts_with("/store/")).then_some("Bearer hf_secret");
        assert_eq!(request.header("authorization"), expected, "{}", request.path);
    }
    user.server.api(401, "", "");
    let message = says(user.task_at("other", token));
    assert!(message.contains("HF_TOKEN is set") && !message.contains("hf_secret"), "{message}");
}

#[test]
fn names_that_leave_the_cache_are_refused() {
    for name in ["sst2/../../../x.parquet", "/tmp/x.parquet", "sst2\\..\\x.parquet", "sst2/C:x.parquet"] {
        let user = User::of_sst2();
        user.server.large(name, "hostile");
        let message = says(user.task());
        assert!(message.contains("refused"), "{name}: {message}");
        assert_eq!(files(user.home.path()), [""; 0]);
    }
    let user = User::of_sst2();
    for (id, revision, expected) in [("../x", "main", "OWNER/NAME"), ("a/b", "../../x", "not a revision")] {
        let message = says(user.with(user.config.clone(), |hub| hub.model(id, revision)));
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(user.server.requests().len(), 0);
}

#[test]
fn without_a_network_the_message_says_what_to_give_by_hand() {
    let user = User::of_sst2();
    let config = HubConfig { endpoint: closed_port(), ..user.config.clone() };
    let task = says(user.with(config.clone(), |hub| hub.task(GlueTask::Sst2, "main")));
    assert!(task.contains("cannot reach http://127.0.0.1") && task.contains("train.tsv, dev.tsv"), "{task}");
    let model = says(user.with(config, |hub| hub.model("some-org/tiny-bert", "main")));
    assert!(model.contains("config.json, tokenizer.json or vocab.txt"), "{model}");
}

/// A server without encryption behind an `https` address, as a wrong HF_ENDPOINT may name.
#[test]
fn a_server_that_does_not_speak_tls_is_an_error() {
    let user = User::of_sst2();
    let encrypted = user.server.address.replace("http:", "https:");
    let message = says(user.task_as(|config| config.endpoint.clone_from(&encrypted)));
    assert!(message.contains(&encrypted), "{message}");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let user = User::of_sst2();
    fs::write(user.path("occupied"), "").unwrap();
    let message = says(user.task_as(|config| config.cache = user.path("occupied")));
    assert!(message.contains("occupied"), "{message}");
}

#[test]
fn two_fetches_bring_a_file_once() {
    let user = User::of_sst2();
    user.server.always(TRAIN, Fault::Slow(Duration::from_millis(400)));
    std::thread::scope(|scope| {
        for fetch in [scope.spawn(|| user.task()), scope.spawn(|| user.task())] {
            fetch.join().unwrap().unwrap();
        }
    });
    let store = format!("/store/{}", user.server.etag(TRAIN));
    assert_eq!(user.server.requests().iter().filter(|request| request.path == store).count(), 1);
    assert_blobs(&user);
}

/// A user of a hub that has a BERT of 300 kB.
fn bert() -> User {
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
    let user = bert();
    let folder = user.model("some-org/tiny-bert").unwrap().folder;
    assert_eq!(files(&folder), ["config.json", "pytorch_model.bin", "tokenizer_config.json", "vocab.txt"]);
    assert_eq!(fs::read(folder.join("config.json")).unwrap(), b"{}");

    let both = bert();
    both.server.large("model.safetensors", "safer");
    let fetched = both.model("some-org/tiny-bert").unwrap();
    fetched.copy_to(&both.path("m"), false).unwrap();
    assert_eq!(files(&both.path("m")), ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]);
}

#[test]
fn weights_that_are_split_come_with_every_part_and_every_file_of_the_tokeniser() {
    for (index, parts) in [
        ("model.safetensors.index.json", ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]),
        ("pytorch_model.bin.index.json", ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]),
    ] {
        let user = User::new(Server::start("models", "some-org/split"));
        let map = serde_json::json!({"weight_map": {"a": parts[0], "b": parts[1], "c": parts[0]}}).to_string();
        user.server.small("config.json", "{}").small("vocab.txt", "a").small(index, map.as_str());
        user.server.small("added_tokens.json", "{}").small("special_tokens_map.json", "{}");
        user.server.large(parts[0], "first").large(parts[1], "second").large("model-other.safetensors", "not wanted");
        let fetched = user.model("some-org/split").unwrap();
        let mut expected =
            vec![index, parts[0], parts[1], "added_tokens.json", "config.json", "special_tokens_map.json", "vocab.txt"];
        expected.sort_unstable();
        assert_eq!(files(&fetched.folder), expected);
        fetched.copy_to(&user.path("copy"), false).unwrap();
        assert_eq!(files(&user.path("copy")), expected);
    }
    let user = User::new(Server::start("models", "some-org/split"));
    let map = r#"{"weight_map": {"a": "model-00001-of-00001.safetensors"}}"#;
    user.server.small("config.json", "{}").small("vocab.txt", "a").small("model.safetensors.index.json", map);
    let message = says(user.model("some-org/split"));
    assert!(message.contains("names model-00001-of-00001.safetensors, which the model has not"), "{message}");
}

#[test]
fn a_packed_model_comes_with_its_card() {
    let user = User::new(Server::start("models", "some-org/packed"));
    let expected = ["README.md", "metrics.json", "model.safetensors", "recipe.toml", "tokenizer.json"];
    for file in expected {
        user.server.small(file, format!("the {file}").as_str());
    }
    user.server.small("eval.log", "not wanted");
    assert_eq!(files(&user.model("some-org/packed").unwrap().folder), expected);

    // One that holds its vocabulary itself.
    let user = User::new(Server::start("models", "some-org/whole"));
    user.server.small("model.safetensors", "all of it").small("metrics.json", "{}");
    assert_eq!(files(&user.model("some-org/whole").unwrap().folder), ["metrics.json", "model.safetensors"]);
}

#[test]
fn a_mirror_whose_listing_has_no_checksums_is_asked_for_each() {
    let user = bert();
    user.server.bare();
    user.model("some-org/tiny-bert").unwrap();
    let requests = user.server.requests();
    assert_eq!(requests.iter().filter(|request| request.method == "HEAD").count(), 4);
    user.model("some-org/tiny-bert").unwrap();
    assert_eq!(user.server.requests().len(), 1);
}

#[test]
fn a_model_that_is_none_is_refused_before_anything_is_fetched() {
    for (files, expected) in [
        (vec!["config.json", "model.safetensors"], "the model has neither tokenizer.json nor vocab.txt"),
        (vec!["vocab.txt", "model.safetensors"], "the model has no config.json"),
        (vec!["vocab.txt", "config.json"], "neither model.safetensors nor pytorch_model.bin"),
        (vec!["vocab.txt", "adapter_config.json"], "this is an adapter"),
    ] {
        let user = User::new(Server::start("models", "some-org/tiny-bert"));
        for file in files {
            user.server.small(file, "x");
        }
        let message = says(user.model("some-org/tiny-bert"));
        assert!(message.contains(expected), "{message}");
        assert_eq!(user.server.requests().len(), 1);
    }
}

/// An address where nobody listens.
fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

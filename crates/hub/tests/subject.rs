//! What an argument means: every kind of subject, what wins where several could be meant, and what is said where nothing is.

#[path = "../../run/tests/small_run/mod.rs"]
mod small_run;

use std::fs;
use std::path::{Path, PathBuf};

use bitspike::Options;
use bitspike::config::{BertConfig, Feedback};
use bitspike::format::Packing;
use bitspike_hub::{Error, METRICS, MODEL, PackedModel, Registry, Subject, TOKENIZER};
use bitspike_run::run::{Counters, save};
use bitspike_run::{Checkpoint, FromRun, RunFolder};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "76543210fedcba9876543210fedcba9876543210";

/// A folder with a run, and with its best student packed in `models/own`.
struct Folder {
    folder: tempfile::TempDir,
    run: RunFolder,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let run = small_run::make(folder.path(), "sst2", |_| ());
        let made = Self { folder, run };
        let student = &made.run.description().unwrap().student;
        save(&made.run.last(), small_run::weights(student, 2), &Counters::default()).unwrap();
        made.write_model("models/own", Checkpoint::Best);
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    /// Packs a student of the run into the folder `name`.
    fn write_model(&self, name: &str, checkpoint: Checkpoint) {
        let packed = FromRun::pack(&self.run, checkpoint, Packing::default()).unwrap();
        self.write(&format!("{name}/{MODEL}"), packed.file);
    }

    /// A model in the cache, as the branch `revision` is at `commit`.
    fn cache(&self, repository: &str, revision: Option<&str>, commit: &str, checkpoint: Checkpoint) {
        if let Some(revision) = revision {
            self.write(&format!("hub/models--{repository}/refs/{revision}"), commit);
        }
        self.write_model(&format!("hub/models--{repository}/snapshots/{commit}"), checkpoint);
    }

    fn registry(&self) -> Registry {
        Registry::of([self.path("nowhere"), self.path("models")], Some(self.path("hub")))
    }

    fn resolve(&self, argument: impl AsRef<Path>) -> Result<Subject, Error> {
        Subject::resolve_in(argument, &self.registry())
    }

    fn refused(&self, argument: impl AsRef<Path>) -> Error {
        self.resolve(argument).expect_err("an error")
    }
}

/// The logits of a text.
fn answer(subject: &Subject) -> Vec<f32> {
    let model = subject.model(&Options::default()).unwrap();
    model.classify(["a fine film"]).unwrap().swap_remove(0).logits
}

#[test]
fn a_packed_model_goes_by_its_file_its_folder_and_its_name() {
    let folder = Folder::new();
    let expected = answer(&folder.resolve(folder.path("models/own").join(MODEL)).unwrap());
    for argument in [folder.path("models/own"), "own".into()] {
        let subject = folder.resolve(&argument).unwrap();
        assert_eq!((subject.name(), answer(&subject)), ("own".to_owned(), expected.clone()));
        assert_eq!(subject.to_string(), folder.path("models/own").join(MODEL).display().to_string());
        assert!(subject.packed().is_some() && subject.run().is_none() && subject.teacher().is_none());
        assert_eq!(subject.task().unwrap().unwrap().name, "sst2");
        assert_eq!(subject.max_length(None).unwrap(), 12);
        assert_eq!(answer(&subject.at(Checkpoint::Last)), expected, "a packed model has one student");
    }
    fs::rename(folder.path("models/own").join(MODEL), folder.path("models/own/other.bin")).unwrap();
    let subject = folder.resolve(folder.path("models/own/other.bin")).unwrap();
    assert_eq!((subject.name().as_str(), answer(&subject)), ("other", expected));
}

#[test]
fn a_run_is_packed_in_memory_whichever_student_is_meant() {
    let folder = Folder::new();
    let run = folder.resolve(folder.run.path()).unwrap();
    assert_eq!(run.run().unwrap().path(), folder.run.path());
    assert_eq!(run.name(), folder.run.path().display().to_string());
    assert_eq!((run.task().unwrap().unwrap().name.as_str(), run.max_length(Some(7)).unwrap()), ("sst2", 7));
    let packed = folder.resolve("own").unwrap();
    assert_eq!(answer(&run), answer(&packed), "the best student is the one that was packed");
    assert_eq!(run.open().unwrap().file_bytes(), packed.open().unwrap().file_bytes());
    let last = run.at(Checkpoint::Last);
    assert_ne!(answer(&last), answer(&packed));
}

#[test]
fn a_teacher_has_a_length_and_no_spikes() {
    let folder = Folder::new();
    let config = BertConfig { max_position_embeddings: 64, ..BertConfig::default() };
    folder.write("teacher/config.json", config.to_json());
    folder.write("teacher/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
    let teacher = folder.resolve(folder.path("teacher")).unwrap();
    assert_eq!(teacher.teacher(), Some(folder.path("teacher").as_path()));
    assert!(teacher.task().unwrap().is_none());
    assert_eq!((teacher.max_length(None).unwrap(), teacher.max_length(Some(3)).unwrap()), (64, 3));
    let error = teacher.max_length(Some(65)).unwrap_err().to_string();
    assert_eq!(error, "--max-length: expected 3 to 64, found 65");
    let path = folder.path("teacher");
    for error in [teacher.model(&Options::default()).unwrap_err(), teacher.open().unwrap_err()] {
        assert!(matches!(&error, Error::NoSpikes { path: found } if *found == path), "{error}");
        assert!(error.to_string().starts_with(&format!("{}: a teacher has no spikes", path.display())), "{error}");
    }
}

#[test]
fn what_a_folder_says_it_is_wins() {
    let folder = Folder::new();
    let packed = fs::read(folder.path("models/own").join(MODEL)).unwrap();
    // Weights of that name lie in runs and teachers too.
    folder.write("run/model.safetensors", &packed);
    assert!(folder.resolve(folder.path("run")).unwrap().run().is_some());
    folder.write("teacher/model.safetensors", &packed);
    folder.write("teacher/config.json", BertConfig::default().to_json());
    assert!(folder.resolve(folder.path("teacher")).unwrap().teacher().is_some());
    folder.write("run/config.json", "{}");
    assert!(folder.resolve(folder.path("run")).unwrap().run().is_some());
    // So neither has a name, and a path is no name.
    fs::rename(folder.path("teacher"), folder.path("models/teacher")).unwrap();
    assert!(matches!(folder.refused("teacher"), Error::NotFound { .. }));
    assert!(matches!(folder.refused("models/own"), Error::NotFound { .. }), "two parts are the hub's");
}

#[test]
fn the_built_in_model_is_looked_for_last() {
    let folder = Folder::new();
    let builtin = Subject::builtin();
    assert_eq!((builtin.name().as_str(), builtin.to_string().as_str()), ("sst2-tiny", "sst2-tiny (compiled in)"));
    let found = folder.resolve("sst2-tiny").unwrap();
    assert_eq!(found.packed(), builtin.packed());
    assert_eq!(found.task().unwrap().unwrap().name, "sst2");
    assert!(builtin.packed().unwrap().beside(METRICS).unwrap().read().unwrap().starts_with(b"{"));
    fs::rename(folder.path("models/own"), folder.path("models/sst2-tiny")).unwrap();
    assert!(folder.resolve("sst2-tiny").unwrap().packed().unwrap().path().is_some());
}

#[test]
fn models_in_the_cache_have_names() {
    let folder = Folder::new();
    let expected = answer(&folder.resolve("own").unwrap());
    folder.cache("me--packed", Some("main"), COMMIT, Checkpoint::Best);
    for name in ["packed", "me/packed", "packed@main", &format!("me/packed@{COMMIT}")] {
        let subject = folder.resolve(name).unwrap();
        assert_eq!((subject.name().as_str(), answer(&subject)), (name, expected.clone()));
    }
    // Another revision beside `main` is given by name, and is the one that is meant where it is the only one.
    folder.cache("me--packed", Some("v2"), OTHER, Checkpoint::Last);
    let last = answer(&folder.resolve(folder.run.path()).unwrap().at(Checkpoint::Last));
    assert_eq!(answer(&folder.resolve("packed@v2").unwrap()), last);
    assert_eq!(answer(&folder.resolve("packed").unwrap()), expected);
    assert!(matches!(folder.refused("packed@v3"), Error::NotFound { .. }));
    folder.cache("you--branch", Some("v2"), OTHER, Checkpoint::Last);
    folder.cache("you--commit", None, OTHER, Checkpoint::Last);
    for name in ["branch", "you/branch", "commit"] {
        assert_eq!(answer(&folder.resolve(name).unwrap()), last, "{name}");
    }
    folder.cache("you--commit", None, COMMIT, Checkpoint::Last);
    assert!(matches!(folder.refused("you/commit"), Error::Revisions { .. }), "neither of two is the one meant");

    folder.cache("they--packed", Some("main"), COMMIT, Checkpoint::Best);
    let error = folder.refused("packed").to_string();
    assert!(error.contains("several models of that name, me/packed, they/packed; give OWNER/NAME"), "{error}");
    let names: Vec<String> = folder.registry().all().iter().map(|model| model.name().to_owned()).collect();
    assert_eq!(names, ["own", "me/packed", "they/packed", "you/branch", "sst2-tiny"]);
    // A cache that leads out of itself leads nowhere.
    fs::remove_dir_all(folder.path("hub")).unwrap();
    folder.write("hub/models--me--packed/refs/main", "../../../models");
    assert!(matches!(folder.refused("me/packed"), Error::NotFound { .. }));
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let folder = Folder::new();
    let error = folder.refused("other").to_string();
    for part in
        ["other: no such file, and no model of that name in ", "(the hub's cache)", "; models are own, sst2-tiny"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    for name in ["/own", "own/..x", "a/b/c", " ", "-own", "own\u{1b}[31m", "models\\own", "", "own@../x", "own@"] {
        let error = folder.refused(name).to_string();
        assert!(error.contains("not the name of a model") && !error.contains('\u{1b}'), "{name:?}: {error}");
    }
    let error = folder.refused(folder.path("vocabulary")).to_string();
    for part in ["vocabulary: expected a file that `bitspike pack` wrote, found a folder", "model.json", "config.json"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    // A link that leads nowhere is a path all the same.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", folder.path("link")).unwrap();
        let error = folder.resolve(folder.path("link")).unwrap().open().unwrap_err().to_string();
        assert!(error.contains("link: "), "{error}");
    }
}

#[test]
fn runs_that_cannot_answer_say_why() {
    let refused = |subject: Subject| subject.model(&Options::default()).unwrap_err().to_string();
    let folder = Folder::new();
    fs::remove_file(folder.run.last()).unwrap();
    let run = folder.resolve(folder.run.path()).unwrap();
    assert!(refused(run.clone().at(Checkpoint::Last)).contains("the run has written no checkpoint yet"));
    fs::remove_file(folder.run.best()).unwrap();
    assert!(refused(run).contains("the run has written no checkpoint yet"));

    let other = tempfile::tempdir().unwrap();
    let feedback = toml::from_str::<Feedback>("memory = 4\n").unwrap();
    let run = small_run::make(other.path(), "sst2", |student| student.feedback = Some(feedback));
    let error = refused(folder.resolve(run.path()).unwrap());
    assert!(error.starts_with(&format!("pack {}: ", run.path().display())) && error.contains("feedback"), "{error}");

    fs::write(folder.run.path().join("model.json"), "{").unwrap();
    let run = folder.resolve(folder.run.path()).unwrap();
    assert!(run.task().unwrap_err().to_string().contains("model.json: not JSON"));
}

#[test]
fn a_model_without_a_vocabulary_needs_one_beside_it() {
    let folder = Folder::new();
    // Of its own one, the file beside it is not looked for.
    folder.write(&format!("models/own/{TOKENIZER}"), "no JSON");
    answer(&folder.resolve("own").unwrap());
    folder.write("models/old/model.safetensors", include_bytes!("../../../fuzz/seeds/packed_open/v1-w1.58-e4"));
    let subject = folder.resolve("old").unwrap();
    assert!(subject.open().is_ok(), "its tensors can be looked at");
    let error = subject.model(&Options::default()).unwrap_err().to_string();
    assert!(error.contains(TOKENIZER), "{error}");
    let error = subject.packed().unwrap().beside(TOKENIZER).unwrap().read().unwrap_err().to_string();
    assert!(error.starts_with("read ") && error.contains(TOKENIZER), "{error}");
    folder.write("broken.safetensors", "not a model");
    let broken = PackedModel::file(folder.path("broken.safetensors"));
    assert!(broken.load(&Options::default()).unwrap_err().to_string().contains("broken.safetensors"));
    assert_eq!(broken.beside(MODEL).unwrap().read().unwrap(), b"not a model", "a damaged file has bytes to hash");
}

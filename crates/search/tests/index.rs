//! An index holds what was put in, says what it is, and refuses what it is not.

use std::path::Path;

use bitspike::Model;
use bitspike::config::Pooling;
use bitspike::format::Packed;
use bitspike_data::TaskSpec;
use bitspike_data::answers::{Embedder, OnError, TextColumns, Texts};
use bitspike_data::table::{Decoder, Form, Source};
use bitspike_search::{Access, Builder, Corpus, Error, Index, Kept, Mark, Precision, Search, Settings, add_texts, ask};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use twox_hash::XxHash64;

#[path = "../../bitspike/tests/small_embedder/mod.rs"]
mod small_embedder;

fn mark() -> Mark {
    Mark { name: "m".into(), sha256: "ab".repeat(32) }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(14), failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// An index of `count` vectors of five values, with texts and ids.
fn bytes(count: usize, settings: Settings) -> Vec<u8> {
    builder(count, settings).to_bytes().unwrap()
}

fn vector(i: usize) -> [f32; 5] {
    let x = i as f32;
    [x.sin(), (2.0 * x).cos(), 0.3, (0.1 * x).sin(), -0.5]
}

fn builder(count: usize, settings: Settings) -> Builder {
    let mut builder = Builder::new(mark(), 5, settings).unwrap();
    for i in 0..count {
        let id = format!("id-{i}");
        builder.push(&vector(i), Kept { text: &"t".repeat(i % 7), id: settings.ids.then_some(id.as_str()) }).unwrap();
    }
    builder
}

fn all_settings() -> Vec<Settings> {
    let mut all = Vec::new();
    for precision in [Precision::Float32, Precision::Int8, Precision::Binary] {
        for (texts, ids, exact_below) in [(true, false, 1000), (true, true, 1), (false, true, 10)] {
            all.push(Settings { precision, texts, ids, exact_below });
        }
    }
    all
}

#[test]
fn what_is_written_is_read() {
    for settings in all_settings() {
        for count in [0, 1, 9, 40] {
            let index = Index::from_bytes(bytes(count, settings)).unwrap();
            let report = index.report();
            assert_eq!((report.count, report.dims, report.precision), (count, 5, settings.precision));
            assert_eq!((report.texts, report.ids, index.model()), (settings.texts, settings.ids, &mark()));
            assert_eq!(report.graph, if count >= settings.exact_below { count } else { 0 }, "{settings:?}");
            for i in 0..count {
                assert_eq!(index.text(i).unwrap(), settings.texts.then_some("t".repeat(i % 7)).as_deref());
                assert_eq!(index.id(i).unwrap(), settings.ids.then_some(format!("id-{i}")).as_deref());
            }
            assert_eq!((index.text(count).unwrap(), index.id(count).unwrap()), (None, None));
            let hits = index.search(&vector(7), 3, Search::default()).unwrap();
            assert_eq!(hits.len(), count.min(3));
            if count > 7 && settings.precision != Precision::Binary {
                assert!(hits[0].number == 7 && (hits[0].score - 1.0).abs() < 1e-5, "{hits:?}");
            }
            let exact = index.search(&vector(7), 3, Search { exact: true, ..Search::default() }).unwrap();
            assert_eq!(exact, hits, "a graph of a few texts finds all");
            let together = index.search_all(&[vector(3), vector(7)], 3, Search::default()).unwrap();
            assert_eq!(together[1], hits);
        }
    }
}

#[test]
fn what_is_cut_altered_or_foreign_is_refused() {
    for settings in all_settings() {
        let good = bytes(12, settings);
        for length in 0..good.len() {
            let message = Index::from_bytes(good[..length].to_vec()).unwrap_err().to_string();
            assert!(message.contains("expected") && message.contains("found"), "{length}: {message}");
        }
        let message = Index::from_bytes([&good[..], b"x"].concat()).unwrap_err().to_string();
        assert!(message.contains("cut short or added to"), "{message}");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(Index::from_bytes(bad).is_err(), "byte {at} altered in {settings:?}");
        }
    }
    let refused = |bytes: &[u8]| Index::from_bytes(bytes.to_vec()).unwrap_err().to_string();
    assert!(refused(b"PK\x03\x04 and so on, as other files begin").contains("begins with PK\\x03\\x04"));
    let mut later = bytes(3, Settings::default());
    later[8] = 2;
    assert!(refused(&later).contains("format version: expected 1, found 2"), "{}", refused(&later));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docs.index");
    std::fs::write(&path, &later[..20]).unwrap();
    for access in [Access::Loaded, Access::Mapped] {
        let error = Index::open(&path, access).unwrap_err();
        assert!(matches!(&error, Error::Malformed { path: found, .. } if *found == path), "{error}");
        let error = Index::open(folder.path(), access).unwrap_err().to_string();
        assert!(error.contains("expected an index, found a folder"), "{error}");
        assert!(Index::open(Path::new("nowhere.index"), access).unwrap_err().to_string().contains("open index"));
    }
}

/// The file with its checksum made right again.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 8;
    bytes.truncate(end);
    let sum = twox_hash::XxHash64::oneshot(0, &bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

proptest! {
    #![proptest_config(config(400))]

    /// Whatever a file with a right checksum says, it is refused or every answer is one of its texts.
    #[test]
    fn hostile_files_do_no_harm(kind in 0_usize..9, changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..12)) {
        let mut file = bytes(40, all_settings()[kind]);
        for (at, value) in changes {
            let at = usize::from(at) % (file.len() - 8);
            file[at] = value;
        }
        if let Ok(index) = Index::from_bytes(sealed(file)) {
            for number in 0..index.len().min(1000) {
                let _ = (index.text(number), index.id(number));
            }
            let question = vec![0.5; index.dims()];
            for exact in [true, false] {
                let hits = index.search(&question, 5, Search { exact, effort: 7 }).unwrap();
                prop_assert!(hits.iter().all(|hit| hit.number < index.len()));
            }
        }
    }
}

#[test]
fn bad_questions_and_texts_are_refused() {
    let index = Index::from_bytes(bytes(4, Settings::default())).unwrap();
    let search = |vector: &[f32], k| index.search(vector, k, Search::default()).unwrap_err().to_string();
    assert!(search(&[1.0; 4], 1).contains("expected 5 values, found 4"));
    assert!(search(&[1.0, f32::NAN, 0.0, 0.0, 0.0], 1).contains("expected finite values"));
    assert!(search(&[1.0; 5], 0).contains("expected 1 to"));
    let error = index.check_model(&Mark { name: "n".into(), sha256: "cd".repeat(32) }).unwrap_err().to_string();
    assert!(error.contains("vectors of m (SHA-256 abab") && error.contains("the model n (SHA-256 cdcd"), "{error}");
    index.check_model(&Mark { name: "another name".into(), ..mark() }).unwrap();

    let mut builder = builder(2, Settings { ids: true, ..Settings::default() });
    let push = |builder: &mut Builder, vector: &[f32], id| {
        builder.push(vector, Kept { text: "", id }).unwrap_err().to_string()
    };
    assert!(push(&mut builder, &[1.0; 6], Some("x")).contains("expected 5 values, found 6"));
    assert!(push(&mut builder, &[f32::INFINITY; 5], Some("x")).contains("is the model damaged?"));
    assert!(push(&mut builder, &[1.0; 5], None).contains("have ids"));
    assert!(push(&mut builder, &[1.0; 5], Some("id-1")).contains("`id-1` again"));
    assert_eq!(builder.len(), 2);
    for dims in [0, 1 << 17] {
        assert!(Builder::new(mark(), dims, Settings::default()).is_err());
    }
}

#[test]
fn an_index_grows_and_its_graph_with_it() {
    let settings = Settings { exact_below: 20, ids: true, ..Settings::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docs.index");
    assert_eq!(builder(16, settings).write(&path).unwrap().graph, 0);
    let mut covered = Vec::new();
    for _ in 0..5 {
        let index = Index::open(&path, Access::Mapped).unwrap();
        let first = index.len();
        let mut more = Builder::of(&index).unwrap();
        for i in first..first + 4 {
            more.push(&vector(i), Kept { text: &"t".repeat(i % 7), id: Some(&format!("id-{i}")) }).unwrap();
        }
        let written = more.write(&path).unwrap();
        covered.push(written.graph);
        assert_eq!(written.bytes, path.metadata().unwrap().len());
    }
    // Once there are 20, and again when a quarter is not in it.
    assert_eq!(covered, [20, 20, 28, 28, 36]);
    let grown = Index::open(&path, Access::Loaded).unwrap();
    let whole = Index::from_bytes(bytes(36, Settings { exact_below: usize::MAX, ..settings })).unwrap();
    for i in 0..36 {
        assert_eq!((grown.text(i).unwrap(), grown.id(i).unwrap()), (whole.text(i).unwrap(), whole.id(i).unwrap()));
        let [found, expected] = [&grown, &whole].map(|index| index.search(&vector(i), 5, Search::default()).unwrap());
        assert_eq!(found, expected);
    }
}

fn model() -> Model {
    let file = small_embedder::file(&small_embedder::header(Pooling::Mean, true));
    bitspike::Options::new().build(Packed::from_bytes(file).unwrap(), None).unwrap()
}

fn texts(form: Form, bytes: &'static [u8]) -> Texts {
    Texts {
        source: Source::Reader(Box::new(bytes)),
        form,
        columns: TextColumns::new(&TaskSpec::embedding(true, Vec::new()).unwrap(), None, None).unwrap(),
        decoder: Decoder::any(false, "convert it"),
    }
}

#[test]
fn texts_of_a_table_are_found_by_questions() {
    let model = model();
    let embedder = Embedder::new(&model, Some(16)).unwrap();
    let settings = Settings { ids: true, precision: Precision::Float32, ..Settings::default() };
    let new = || Builder::new(Mark::of("small", &model), 16, settings).unwrap();
    let add = |builder: &mut Builder, bytes, id, on_error| {
        let corpus = Corpus { texts: texts(Form::Csv, bytes), id, on_error, cancel: None };
        add_texts(builder, &embedder, corpus, &mut |_| {})
    };
    let table = b"name,text\na,a good film\nb,\nc,bad bad film\nd,good\n";
    let mut builder = new();
    let summary = add(&mut builder, table, Some("name"), OnError::Null).unwrap();
    assert_eq!((summary.texts, summary.missing, builder.len()), (3, 1, 3));
    for (bytes, id, on_error, says) in [
        (
            &b"name,text\nx,good\na,film\n"[..],
            Some("name"),
            OnError::Skip,
            "line 3: id: expected one that no earlier text has, found `a` again",
        ),
        (
            b"name,text\ny,good\n,film\n",
            Some("name"),
            OnError::Skip,
            "line 3: column `name`: expected an id, found nothing",
        ),
        (b"name,text\nz,good\n", Some("url"), OnError::Skip, "line 2: no column `url`; found name, text"),
        (b"name,text\nq,\n", Some("name"), OnError::Stop, "line 2: column `text`: expected text, found nothing"),
        (b"name,text\nr,good\n", None, OnError::Stop, "line 2: id: expected one, since"),
    ] {
        let error = add(&mut builder, bytes, id, on_error).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let mut builder = new();
    add(&mut builder, table, Some("name"), OnError::Skip).unwrap();
    let index = Index::from_bytes(builder.to_bytes().unwrap()).unwrap();
    index.check_model(&Mark::of("called otherwise", &model)).unwrap();
    let hits = index.ask(&embedder, "bad bad film", 2, Search::default()).unwrap();
    assert_eq!(
        (index.id(hits[0].number).unwrap(), index.text(hits[0].number).unwrap()),
        (Some("c"), Some("bad bad film"))
    );
    let mut asked = Vec::new();
    let questions = texts(Form::Text, b"good\nbad bad film\n");
    let each = &mut |found| {
        asked.push(found);
        std::ops::ControlFlow::Continue(())
    };
    ask(&index, &embedder, questions, (2, Search::default()), None, each).unwrap();
    assert_eq!((asked.len(), &asked[1].hits), (2, &hits));
    assert_eq!(index.id(asked[0].hits[0].number).unwrap(), Some("d"));
}

#[test]
fn what_another_wrote_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("x.index"), folder.path().join("y.index"));
    let kept = Kept { text: "more", id: None };
    builder(5, Settings::default()).write(&path).unwrap();
    let adding = || {
        let mut adding = Builder::of(&Index::open(&path, Access::Loaded).unwrap()).unwrap();
        adding.push(&vector(9), kept).unwrap();
        adding
    };
    let (first, second) = (adding(), adding());
    assert_eq!(first.write(&path).unwrap().count, 6);
    let after = std::fs::read(&path).unwrap();
    assert!(matches!(second.write(&path), Err(Error::Changed { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), after);
    // Another file is nobody's.
    adding().write(&other).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(adding().write(&path).unwrap().count, 8);
}

#[test]
fn a_number_that_is_none_is_found() {
    for precision in [Precision::Float32, Precision::Int8] {
        let settings = Settings { precision, texts: false, ..Settings::default() };
        let mut file = bytes(6, settings);
        Index::from_bytes(file.clone()).unwrap().check().unwrap();
        // The sections before the checksum end with the numbers of the last vector.
        let end = file.len() - 8;
        let last = if precision == Precision::Int8 { end - 4 } else { (end - 4) / 8 * 8 };
        file[last..last + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
        let sum = XxHash64::oneshot(0, &file[..end]);
        file[end..].copy_from_slice(&sum.to_le_bytes());
        let said = Index::from_bytes(file).unwrap().check().unwrap_err().to_string();
        assert!(said.contains("vector 5: expected finite numbers"), "{precision:?}: {said}");
    }
}

/// Seeds of the fuzz target `index_open`, which adds the checksum. `BITSPIKE_WRITE_SEEDS=1` writes them.
#[test]
fn the_kept_seeds_are_what_is_written_today() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/index_open"));
    for (i, settings) in all_settings().into_iter().enumerate() {
        let mut file = bytes(if i < 3 { 12 } else { 4 }, settings);
        file.truncate(file.len() - 8);
        let path = folder.join(format!("{}-{}", settings.precision.name(), i % 3));
        if std::env::var_os("BITSPIKE_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&path, &file).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(kept == file, "{} is of another version; BITSPIKE_WRITE_SEEDS=1 writes it", path.display());
        assert!(Index::from_bytes(sealed([&kept[..], &[0; 8]].concat())).is_ok());
    }
}

use super::*;

const GOOD: &str = "[data.rte]\nname = 'RTE'\norigin = 'here'\nlicence = 'free'\n\
    [teacher.rte]\nname = 'T'\norigin = 'there'\nlicence = 'MIT'\n\
    [model.small]\nabout = 'A model.'\nlimits = ['English only.']\n";

fn load(text: &str) -> Result<Origins> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cards.toml");
    std::fs::write(&path, text).unwrap();
    Origins::load(&path)
}

#[test]
fn a_model_gets_its_lines() {
    let origins = load(GOOD).unwrap();
    let of = origins.of("small", "rte").unwrap();
    assert_eq!((of.about.as_str(), of.data.licence.as_str(), of.teacher.name.as_str()), ("A model.", "free", "T"));
    for (name, task, says) in [("small", "sst2", "[data.sst2]"), ("large", "rte", "[model.large]")] {
        let error = origins.of(name, task).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_model_may_have_a_teacher_of_its_own() {
    let own = "teacher = { name = 'Mine', origin = 'elsewhere', licence = 'none stated' }\n";
    let of = load(&format!("{GOOD}{own}")).unwrap().of("small", "rte").unwrap();
    assert_eq!((of.teacher.name.as_str(), of.data.name.as_str()), ("Mine", "RTE"));
    let error = load(&format!("{GOOD}{}", own.replace("'Mine'", "''"))).unwrap_err().to_string();
    assert!(error.contains("1 to 1000"), "{error}");
}

#[test]
fn what_no_card_could_hold_is_refused() {
    for (from, to, says) in [
        ("'free'", "''", "1 to 1000"),
        ("'free'", "\"a\\u001bb\"", "1 to 1000"),
        ("licence = 'free'", "license = 'free'", "license"),
        ("limits = ['English only.']", "", "limits"),
        ("[data.rte]", "[data.rte", "cards.toml"),
    ] {
        let error = format!("{:#}", load(&GOOD.replacen(from, to, 1)).unwrap_err());
        assert!(error.contains(says), "{to}: {error}");
    }
}

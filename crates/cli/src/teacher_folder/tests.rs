use super::*;

#[test]
fn a_path_is_never_looked_for_on_the_hub() {
    for name in ["own/bert", "own/bert@v1", "sentence-transformers/all-MiniLM-L6-v2"] {
        assert!(is_repository(name), "{name}");
    }
    for path in ["bert", "./bert", "/own/bert", "../own/bert", "a/b/c", "own/", "own\\bert"] {
        assert!(!is_repository(path), "{path}");
        assert!(teacher_folder(Path::new(path)).is_err());
    }
}

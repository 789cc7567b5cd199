use super::*;

fn example(first: &str, second: Option<&str>, target: f32) -> Example {
    Example { id: "0".into(), first: first.into(), second: second.map(Into::into), target: Some(target) }
}

#[test]
fn the_digest_knows_where_texts_end() {
    let digests: Vec<String> = [
        [example("ab", None, 0.0), example("c", None, 0.0)],
        [example("a", None, 0.0), example("bc", None, 0.0)],
        [example("ab", Some(""), 0.0), example("c", None, 0.0)],
        [example("ab", None, 0.0), example("c", None, 1.0)],
    ]
    .iter()
    .map(|examples| digest(examples))
    .collect();
    for (i, digest) in digests.iter().enumerate() {
        assert!(!digests[..i].contains(digest), "{i}");
    }
    let renamed = Example { id: "7".into(), ..example("c", None, 0.0) };
    assert_eq!(digest(&[example("ab", None, 0.0), renamed]), digests[0], "names are no part of it");
}

use super::*;

#[test]
fn rules_are_read_part_by_part() {
    let rule = parse_rule("margin=1.5,min=4").unwrap();
    assert_eq!(rule, ExitRule { margin: 1.5, min_steps: 4, ..ExitRule::default() });
    assert_eq!(parse_rule("").unwrap(), ExitRule::default());
    for (text, says) in [
        ("margin", "key=value"),
        ("margin=x", "not a number"),
        ("patience=1.5", "number of steps"),
        ("patience=0", "patience"),
        ("change=-1", "change"),
        ("color=1", "expected margin"),
    ] {
        assert!(parse_rule(text).unwrap_err().contains(says), "{text}");
    }
}

use super::*;

#[test]
fn a_line_says_how_far_and_how_long() {
    let text = |unit, total, first, done| {
        let mut line = ProgressLine::new("x", unit, total);
        (line.first, line.done, line.drawn) = (first, done, None);
        line.text_after(10.0)
    };
    let half = "############------------";
    let examples = Unit::Things("examples");
    assert_eq!(text(examples, Some(200), 0, 100), format!("x [{half}] 100/200 examples, 10s left"));
    let bytes = text(Unit::Bytes, Some(4_000_000), 1_000_000, 2_000_000);
    assert_eq!(bytes, format!("x [{half}] 2.0 MB/4.0 MB  100.0 kB/s, 20s left"));
    assert_eq!(text(examples, None, 0, 1500), "x 1,500 examples  10s");
    assert!(text(examples, Some(0), 0, 0).contains("0/0 examples"));
}

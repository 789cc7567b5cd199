use super::*;

#[test]
fn ticks_are_short() {
    let numbers = [0.0, 0.25, 1500.0, 65_536.0, 220_000.0, 4.5e6, 1e-5, 0.1 + 0.2];
    assert_eq!(numbers.map(tick), ["0", "0.25", "1500", "65536", "220k", "4.5M", "1e-5", "0.3"]);
}

#[test]
fn labels_are_round_numbers_inside_the_range() {
    let labels = |axis: Axis| axis.ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>();
    assert_eq!(labels(Axis::linear("", 0.0..0.36, 5)), ["0", "0.1", "0.2", "0.3"]);
    assert_eq!(labels(Axis::linear("", -0.7..0.7, 5)), ["-0.5", "0", "0.5"]);
    assert_eq!(labels(Axis::log("", 1.0..32.6, 2.0, 12)), ["1", "2", "4", "8", "16", "32"]);
    assert_eq!(labels(Axis::log("", 1.0..65536.0, 2.0, 6)), ["1", "8", "64", "512", "4096", "32768"]);
    assert_eq!(labels(Axis::log("", 0.004..1.15, 10.0, 8)), ["0.01", "0.1", "1"]);
    // Less than two powers: round numbers between.
    assert_eq!(labels(Axis::log("", 2.0..7.0, 10.0, 5)), ["2", "3", "4", "5", "6", "7"]);
    assert_eq!(
        labels(Axis::linear("", 0.0022..0.00222, 4)),
        ["0.002200", "0.002205", "0.002210", "0.002215", "0.002220"]
    );
    assert_eq!(Axis::log("", 1.0..16.0, 2.0, 9).place(4.0), 0.5);
}

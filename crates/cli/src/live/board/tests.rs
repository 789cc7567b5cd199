use super::*;
use crate::live::sample;

#[test]
fn smoothing_is_the_mean_at_first_forgets_later_and_passes_over_nan() {
    let mut smooth = Smooth::default();
    assert_eq!(smooth.mean(), None);
    smooth.push(Some(f64::NAN));
    smooth.push(None);
    assert_eq!(smooth.mean(), None);
    smooth.push(Some(4.0));
    assert!((smooth.mean().unwrap() - 4.0).abs() < 1e-12);
    (0..500).for_each(|_| smooth.push(Some(1.0)));
    assert!((smooth.mean().unwrap() - 1.0).abs() < 1e-6);
}

#[test]
fn a_curve_stays_bounded_and_keeps_the_mean() {
    let mut curve = Curve::default();
    let n = 100_000;
    (1..=n).for_each(|i| curve.push(f64::from(i), f64::from(i), Some(2.0)));
    let points = curve.raw();
    assert!((POINTS / 2..POINTS).contains(&points.len()), "{} points", points.len());
    let (last, value) = points[points.len() - 1];
    assert!(last > 0.99 * f64::from(n) && (value - last).abs() < f64::from(curve.span), "{last} {value}");
    assert!(points.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
    curve.push(1.0, f64::NAN, Some(2.0));
    assert!(curve.smooth().iter().all(|&(_, loss)| loss == 2.0));
}

#[test]
fn smoothing_starts_afresh_with_a_stage() {
    let mut board = Board::default();
    board.fold(&sample::step("internal", 1, 100.0));
    board.fold(&sample::step("prediction", 2, 1.0));
    assert!((board.smoothed[0].mean().unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn populations_are_in_natural_order_and_the_best_is_kept() {
    let mut board = Board::default();
    sample::run(20).iter().for_each(|event| board.fold(event));
    let names: Vec<_> = board.rates.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(&names[..3], ["embedding", "layer 0 att", "layer 0 ctx"]);
    assert_eq!(names.last(), Some(&"layer 11 val"));
    assert!(names.iter().position(|&n| n == "layer 2 att") < names.iter().position(|&n| n == "layer 10 att"));
    assert_eq!(board.best, Some(Best { split: "dev".into(), step: 10, value: 0.8872 }));
    assert_eq!(board.charted_split(), Some("dev"));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let mut board = Board::default();
    board.fold(&Event::Message { level: Level::Error, text: "a\x1b[2Jb\nc\u{9b}d\n".into() });
    assert_eq!(board.messages, [(Level::Error, "a [2Jb c d".to_owned())]);
    (0..1000).for_each(|i| board.fold(&Event::Message { level: Level::Info, text: i.to_string() }));
    assert_eq!((board.messages.len(), board.alarms.len()), (MESSAGES, 1));
}

use super::*;

fn scale(values: &[f64], may_be_log: bool) -> Option<Scale> {
    Scale::of(values.iter().copied(), may_be_log)
}

#[test]
fn a_wide_span_of_positive_values_is_logarithmic() {
    let wide = scale(&[100.0, f64::NAN, 0.01, f64::INFINITY], true).unwrap();
    assert_eq!(wide, Scale { log: true, bounds: [-2.0, 2.0] });
    assert_eq!(wide.labels(), ["0.0100", "1.00", "100"]);
    assert_eq!(wide.place(10.0), 1.0);
    assert!(!scale(&[1.0, 10.0], true).unwrap().log);
    assert!(!scale(&[0.0, 10.0], true).unwrap().log);
    assert!(!scale(&[-1.0, 10.0], true).unwrap().log);
    assert!(!scale(&[0.01, 100.0], false).unwrap().log);
}

#[test]
fn a_flat_curve_has_room_and_none_has_no_scale() {
    assert_eq!(scale(&[2.0, 2.0], true).unwrap().bounds, [1.8, 2.2]);
    assert_eq!(scale(&[0.0], true).unwrap().bounds, [-1e-6, 1e-6]);
    assert_eq!(scale(&[f64::NAN], true), None);
    assert_eq!(scale(&[], true), None);
}

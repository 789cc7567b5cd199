use super::*;

#[test]
fn every_combination_is_measured_and_shares_sum_to_one() {
    let model = crate::fixture::model();
    let options = BenchOptions {
        lengths: vec![3, 7],
        batches: vec![1, 4],
        threads: vec![1, 2],
        seconds: 0.002,
        kernels: false,
        ..BenchOptions::default()
    };
    let bench = bench(&model, "small", &options).unwrap();
    let names: Vec<(&str, usize)> = bench.scenarios.iter().map(|s| (s.name.as_str(), s.threads)).collect();
    let four = ["L=3 B=1", "L=3 B=4", "L=7 B=1", "L=7 B=4"];
    assert_eq!(names, [1, 2].into_iter().flat_map(|threads| four.map(|name| (name, threads))).collect::<Vec<_>>());
    assert!(bench.scenarios.iter().all(|s| s.best_ms <= s.p50_ms && s.p50_ms <= s.p99_ms && s.runs >= 3));
    assert!((bench.operators.iter().map(|share| share.share).sum::<f64>() - 1.0).abs() < 1e-9);
    for (bad, says) in [
        (BenchOptions { seconds: f64::NAN, ..options.clone() }, "--seconds"),
        (BenchOptions { threads: vec![0], ..options.clone() }, "--threads"),
        (BenchOptions { lengths: vec![4000], ..options.clone() }, "--lengths"),
        (BenchOptions { batches: vec![0], ..options.clone() }, "--batches"),
        (BenchOptions { ids: Some("no/such.json".into()), ..options }, "no/such.json"),
    ] {
        let error = super::bench(&model, "small", &bad).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

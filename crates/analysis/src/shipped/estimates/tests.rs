use super::*;
use bitspike::config::StudentConfig;
use bitspike::count::Operations;

#[test]
fn silence_is_cheaper_and_int8_is_cheaper_than_fp32() {
    let student = StudentConfig { vocab_size: 10, max_positions: 16, ..crate::fixture::config() };
    let teacher =
        TeacherFacts { scores: Default::default(), layers: 2, hidden: 16, intermediate: 24, heads: 2, bytes: 40_000 };
    let of = |synaptic_acs| {
        let operations = Operations { synaptic_acs, ..Operations::default() };
        let profile = EnergyEstimates::profile().unwrap();
        let counted = CountedStudent {
            profile: &profile,
            student: &student,
            operations: &operations,
            bytes: 10_000,
            lengths: &[3, 5],
            sum_bits: Some(16),
            counts: Some(33),
            attention_values: 0,
        };
        EnergyEstimates::new(&counted, Some(&teacher))
    };
    let energy = of(2000);
    let names: Vec<&str> = energy.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["student, phased", "quantised network, 6 bit", "teacher, FP32", "teacher, INT8"]);
    // 1000 accumulates more for each of two sentences, at 0.9 pJ.
    let more = of(4000).of("student, phased").unwrap() - energy.of("student, phased").unwrap();
    assert!((more - 900.0).abs() < 1e-9, "{more}");
    assert!(energy.of("teacher, INT8").unwrap() < energy.of("teacher, FP32").unwrap());
}

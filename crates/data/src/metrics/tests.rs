use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "found {found}, expected {expected}");
}

#[test]
fn counts_worked_by_hand() {
    // TP 4, FP 1, FN 1, TN 1: accuracy 5/7, F1 8/10, Matthews (4*1 - 1*1) / sqrt(5*5*2*2) = 3/10.
    let (predictions, targets) = ([1., 1., 1., 0., 1., 1., 0.], [1., 1., 0., 0., 1., 1., 1.]);
    close(Metric::Accuracy.compute(&predictions, &targets).unwrap(), 5.0 / 7.0);
    close(Metric::F1.compute(&predictions, &targets).unwrap(), 0.8);
    close(Metric::Matthews.compute(&predictions, &targets).unwrap(), 0.3);
}

/// Expected values printed by scikit-learn 1.9.1 (`matthews_corrcoef`) and SciPy 1.17.1 (`pearsonr`, `spearmanr`).
#[test]
fn values_of_scikit_learn_and_scipy() {
    let (predictions, targets) = ([0., 2., 1., 2., 0., 1., 2., 1., 0., 1.], [0., 2., 1., 1., 0., 2., 2., 1., 1., 0.]);
    close(Metric::Accuracy.compute(&predictions, &targets).unwrap(), 0.6);
    close(Metric::Matthews.compute(&predictions, &targets).unwrap(), 0.3939393939393939);
    let (x, y) = ([0.5, 2.25, 4.75, 3.0, 1.0, 5.0, 2.25, 0.0], [1.0, 2.0, 5.0, 2.5, 1.0, 4.0, 3.0, 0.25]);
    close(Metric::Pearson.compute(&x, &y).unwrap(), 0.9553437041470687);
    close(Metric::Spearman.compute(&x, &y).unwrap(), 0.927710843373494);
}

#[test]
fn ties_share_the_mean_of_their_ranks() {
    assert_eq!(ranks(&[2.0, 1.0, 2.0, 0.0, -0.0, 2.0]), [5.0, 3.0, 5.0, 1.5, 1.5, 5.0]);
}

#[test]
fn degenerate_inputs_are_zero_and_not_nan() {
    let (constant, mixed) = ([1.0, 1.0, 1.0], [0.0, 1.0, 1.0]);
    for metric in [Metric::Matthews, Metric::Pearson, Metric::Spearman] {
        assert_eq!(metric.compute(&constant, &mixed).unwrap(), 0.0, "{metric}");
        assert_eq!(metric.compute(&mixed, &constant).unwrap(), 0.0, "{metric}");
        assert_eq!(metric.compute(&[2.0], &[2.0]).unwrap(), 0.0, "{metric} of one example");
    }
    assert_eq!(Metric::F1.compute(&[0.0, 0.0], &[0.0, 0.0]).unwrap(), 0.0);
    assert_eq!(Metric::Accuracy.compute(&[3.0], &[3.0]).unwrap(), 1.0);
    // The mean of a tenth, summed three times, is not a tenth in binary.
    assert_eq!(Metric::Pearson.compute(&[0.1; 3], &[0.0, 1.0, 2.0]).unwrap(), 0.0);
}

#[test]
fn extreme_scores_do_not_overflow() {
    let x = [f32::MAX, f32::MIN, 0.0, f32::MIN_POSITIVE];
    close(Metric::Pearson.compute(&x, &x).unwrap(), 1.0);
    let tiny = [1e-45, 2e-45, 5e-45];
    close(Metric::Pearson.compute(&tiny, &tiny).unwrap(), 1.0);
}

#[test]
fn bad_input_is_refused_with_its_place() {
    for &metric in Metric::ALL {
        assert!(metric.compute(&[], &[]).is_err());
        let message = metric.compute(&[1.0, 0.0], &[1.0]).unwrap_err().to_string();
        assert!(message.contains("1 targets") && message.contains("2 predictions"), "{message}");
        let message = metric.compute(&[1.0, f32::NAN], &[1.0, 0.0]).unwrap_err().to_string();
        assert!(message.contains("finite predictions") && message.contains("index 1"), "{message}");
        assert!(metric.compute(&[1.0, 0.0], &[f32::INFINITY, 0.0]).is_err());
    }
    for class in [0.5, -1.0, 2e9] {
        assert!(Metric::Accuracy.compute(&[class], &[0.0]).is_err(), "{class} is no class");
    }
    let message = Metric::F1.compute(&[2.0], &[0.0]).unwrap_err().to_string();
    assert!(message.contains("from 0 to 1"), "{message}");
}

#[test]
fn names_are_read_back() {
    for &metric in Metric::ALL {
        assert_eq!(metric.name().parse::<Metric>().unwrap(), metric);
        assert_eq!(serde_json::to_string(&metric).unwrap(), format!("\"{metric}\""));
    }
    assert!("f2".parse::<Metric>().unwrap_err().to_string().contains("accuracy, f1"));
}

fn pairs(values: impl Strategy<Value = f32> + 'static) -> impl Strategy<Value = Vec<(f32, f32)>> {
    let values = values.boxed();
    prop::collection::vec((values.clone(), values), 1..40)
}

fn of(metric: Metric, pairs: &[(f32, f32)]) -> f64 {
    let (x, y): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
    metric.compute(&x, &y).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(17), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bounded_and_blind_to_order(
        (original, shuffled) in pairs((0u8..2).prop_map(f32::from)).prop_flat_map(|p| (Just(p.clone()), Just(p).prop_shuffle()))
    ) {
        for &metric in Metric::ALL {
            let value = of(metric, &original);
            let lowest = if matches!(metric, Metric::Accuracy | Metric::F1) { 0.0 } else { -1.0 };
            prop_assert!((lowest..=1.0).contains(&value), "{metric} is {value}");
            prop_assert!((value - of(metric, &shuffled)).abs() < 1e-12, "{metric} depends on the order");
        }
    }

    #[test]
    fn binary_matthews_is_the_four_count_formula(pairs in pairs((0u8..2).prop_map(f32::from))) {
        let count = |p: f32, t: f32| pairs.iter().filter(|&&pair| pair == (p, t)).count() as f64;
        let (tp, tn, fp, fn_) = (count(1., 1.), count(0., 0.), count(1., 0.), count(0., 1.));
        let spread = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
        let expected = if spread == 0.0 { 0.0 } else { (tp * tn - fp * fn_) / spread };
        prop_assert!((of(Metric::Matthews, &pairs) - expected).abs() < 1e-12);
    }

    #[test]
    fn perfect_predictions_score_exactly_one(targets in prop::collection::vec(-50f32..50.0, 2..60)) {
        prop_assume!(targets.iter().any(|t| *t != targets[0]));
        let scores: Vec<(f32, f32)> = targets.iter().map(|&t| (t, t)).collect();
        prop_assert_eq!(of(Metric::Pearson, &scores), 1.0);
        prop_assert_eq!(of(Metric::Spearman, &scores), 1.0);
        let classes: Vec<(f32, f32)> = targets.iter().map(|&t| f32::from(t > targets[0])).map(|c| (c, c)).collect();
        prop_assert_eq!(of(Metric::Accuracy, &classes), 1.0);
        let one_class = classes.iter().all(|pair| *pair == classes[0]);
        prop_assert_eq!(of(Metric::Matthews, &classes), if one_class { 0.0 } else { 1.0 });
        let positives = classes.contains(&(1.0, 1.0));
        prop_assert_eq!(of(Metric::F1, &classes), if positives { 1.0 } else { 0.0 });
    }

    #[test]
    fn correlations_ignore_what_they_should(pairs in pairs((-100i16..100).prop_map(f32::from))) {
        let scaled: Vec<(f32, f32)> = pairs.iter().map(|&(x, y)| (4.0 * x + 8.0, y)).collect();
        let mirrored: Vec<(f32, f32)> = pairs.iter().map(|&(x, y)| (-x, y)).collect();
        let swapped: Vec<(f32, f32)> = pairs.iter().map(|&(x, y)| (y, x)).collect();
        for metric in [Metric::Pearson, Metric::Spearman] {
            let value = of(metric, &pairs);
            prop_assert!((value - of(metric, &scaled)).abs() < 1e-9, "{metric} changes with scale");
            prop_assert!((value + of(metric, &mirrored)).abs() < 1e-9, "{metric} keeps its sign in a mirror");
            prop_assert!((value - of(metric, &swapped)).abs() < 1e-9, "{metric} is not symmetric");
        }
        let cubed: Vec<(f32, f32)> = pairs.iter().map(|&(x, y)| (x * x * x, y)).collect();
        prop_assert!((of(Metric::Spearman, &pairs) - of(Metric::Spearman, &cubed)).abs() < 1e-12);
    }
}

#[test]
fn an_undefined_metric_says_why() {
    let (some, equal, zero) = ([0.0, 1.0, 1.0], [1.0; 3], [0.0; 3]);
    for metric in [Metric::Pearson, Metric::Spearman, Metric::Matthews] {
        assert_eq!(metric.undefined(&equal, &some), Some("all answers are equal"), "{metric}");
        assert_eq!(metric.undefined(&some, &equal), Some("all labels are equal"), "{metric}");
        assert_eq!(metric.undefined(&some, &some), None, "{metric}");
        assert_eq!(metric.compute(&equal, &some).unwrap(), 0.0, "{metric}");
    }
    assert_eq!(Metric::Accuracy.undefined(&equal, &equal), None);
    assert!(Metric::F1.undefined(&zero, &zero).is_some());
    assert_eq!(Metric::F1.undefined(&zero, &some), None);
}

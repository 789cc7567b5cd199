use super::*;
use bitspike::count::{DenseShape, Operations, dense};

fn refused(text: &str) -> String {
    Profile::parse(text, "mine.toml").unwrap_err().to_string()
}

#[test]
fn profiles_that_come_along_are_valid() {
    for (name, _) in PROFILES {
        let profile = Profile::named(name).unwrap();
        assert_eq!(profile.name, name);
        assert!(!profile.compute.accumulate.source.is_empty());
    }
    assert!(Profile::named("7nm").unwrap_err().to_string().contains("45nm, 45nm-integer, neuromorphic"));
}

#[test]
fn what_is_no_profile_is_refused_with_its_line() {
    let good = PROFILES[0].1;
    let line = |text: &str, what: &str| text.lines().position(|line| line.contains(what)).unwrap() + 1;
    let unknown = good.replace("[compute.fp32_mac]", "[compute.fp16_mac]");
    assert!(refused(&unknown).contains("fp16_mac") || refused(&unknown).contains("fp32_mac"), "{}", refused(&unknown));
    let negative = good.replace("value = 0.23", "value = -0.23");
    let expected = format!("line {}: compute.int8_mac.value", line(&negative, "-0.23"));
    assert!(refused(&negative).contains(&expected), "{}", refused(&negative));
    for bad in ["nan", "inf", "1e30"] {
        assert!(refused(&good.replace("value = 0.23", &format!("value = {bad}"))).contains("int8_mac"), "{bad}");
    }
    let unit = good.replacen("unit = \"pJ/byte\"", "unit = \"nJ/byte\"", 1);
    assert!(refused(&unit).contains(&format!("line {}: memory.weights.unit", line(&unit, "nJ/byte"))));
    let extra = format!("{good}\n[compute.extra]\nvalue = 1.0\nunit = \"pJ\"\nsource = \"none\"\n");
    assert!(refused(&extra).contains("line"), "{}", refused(&extra));
    assert!(refused("name = 3").contains("line 1"));
    assert!(refused("").contains("missing field"));
    let missing = Profile::load(std::path::Path::new("no such profile.toml")).unwrap_err().to_string();
    assert!(missing.contains("no such profile.toml"));
}

#[test]
fn terms_are_counts_times_constants() {
    let profile = Profile::named("45nm").unwrap();
    let count =
        Operations { synaptic_acs: 1000, spikes: 10, membrane_updates: 500, weight_bits: 800, ..Operations::default() };
    let prices = |sentences, bytes| Prices { profile: &profile, sentences, bytes, sum_bits: Some(16), counts: None };
    let estimate = prices(10, 1_000_000).spikes("student", &count);
    let by_hand = 100.0 * 0.9 + 50.0 * 0.9 + 1.0 * 0.9;
    assert!((estimate.compute_picojoules - by_hand).abs() < 1e-9, "{estimate:?}");
    assert!((estimate.total_picojoules - by_hand - 10.0 * 12.5).abs() < 1e-9);
    let large = prices(10, 20_000_000).spikes("student", &count);
    assert!((large.total_picojoules - by_hand - 10.0 * 162.5).abs() < 1e-9);

    let model = DenseShape { hidden: 8, intermediate: 16, layers: 2, heads: 2, num_labels: 2, distances: false };
    let count = dense(model, 5, [32, 32]);
    let fp32 = prices(1, 1).values("teacher", &count, Precision::Fp32);
    let int8 = prices(1, 1).values("teacher", &count, Precision::Int8);
    let products = (2 * 5 * (4 * 64 + 2 * 128 + 2 * 5 * 8)) as f64;
    assert!((fp32.compute_picojoules - int8.compute_picojoules - products * (4.6 - 0.23)).abs() < 1e-6);
    // Rounded values: embedding, then key, value, context, attention, output and the wide population of each layer.
    let spikes = Operations { value_acs: 7, ..Operations::default() };
    let quantised = prices(1, 1).quantised("quantised", &spikes, &count, 3);
    let rounding = quantised.compute.iter().find(|term| term.name == "rounding").unwrap();
    assert_eq!(rounding.amount, (5 * (8 + 2 * (5 * 8 + 16))) as f64);
    assert_eq!(quantised.compute[0].picojoules, 7.0 * 0.1);
}

#[test]
fn an_accumulate_costs_an_addition_as_wide_as_its_sum_where_the_profile_knows_widths() {
    let count = Operations { synaptic_acs: 1000, doublings: 100, ..Operations::default() };
    for (name, sum_bits, each) in [
        ("45nm-integer", Some(8), 0.03),
        ("45nm-integer", Some(9), 0.05),
        ("45nm-integer", Some(16), 0.05),
        ("45nm-integer", Some(17), 0.1),
        ("45nm-integer", None, 0.1),
        ("45nm", Some(8), 0.9),
    ] {
        let profile = Profile::named(name).unwrap();
        let prices = Prices { profile: &profile, sentences: 1, bytes: 1, sum_bits, counts: None };
        let found = prices.spikes("student", &count).compute_picojoules;
        assert!((found - 1100.0 * each).abs() < 1e-9, "{name}, {sum_bits:?} bits: {found}");
        let quantised = prices.quantised("q", &Operations { value_acs: 1000, ..count }, &Operations::default(), 0);
        let each = if name == "45nm" { 0.1 } else { each };
        assert!((quantised.compute[0].picojoules - 1000.0 * each).abs() < 1e-9, "{name}, {sum_bits:?} bits");
    }
}

#[test]
fn a_count_after_gelu_is_found_by_comparing_and_priced_so_in_spikes_and_in_the_quantised_network_alike() {
    let profile = Profile::named("45nm").unwrap();
    let count = Operations { gelus: 1000, ..Operations::default() };
    let at = |counts| Prices { profile: &profile, sentences: 1, bytes: 1, sum_bits: None, counts };
    // Two functions of 46 pJ; three comparisons tell seven counts apart, six 33.
    for (counts, each) in [(None, 92.0), (Some(7), 3.0 * 0.9), (Some(33), 6.0 * 0.9)] {
        assert!((at(counts).spikes("s", &count).compute_picojoules - 1000.0 * each).abs() < 1e-9, "{counts:?}");
        let quantised = at(counts).quantised("q", &Operations::default(), &count, 0).compute_picojoules;
        assert!((quantised - 1000.0 * each).abs() < 1e-9, "{counts:?}");
        // A network that is not quantised to them computes it.
        let teacher = at(counts).values("t", &count, Precision::Int8).compute_picojoules;
        assert!((teacher - 92_000.0).abs() < 1e-9);
    }
}

#[test]
fn the_quantised_network_skips_zeros_in_attention_too() {
    let profile = Profile::named("45nm").unwrap();
    let prices = Prices { profile: &profile, sentences: 1, bytes: 1, sum_bits: None, counts: Some(7) };
    let dense = Operations { attention_macs: 1000, ..Operations::default() };
    let found = prices.quantised("q", &Operations::default(), &dense, 250);
    assert!((found.compute_picojoules - 250.0 * 0.23).abs() < 1e-9, "{found:?}");
}

#[test]
fn bits_tell_the_counts_of_a_window_apart() {
    for (counts, bits) in [(2, 1), (3, 2), (4, 2), (5, 3), (7, 3), (9, 4), (17, 5), (33, 6), (255, 8)] {
        assert_eq!(estimate::bits(counts), bits, "{counts}");
    }
}

#[test]
fn energies_meet_where_they_break_even() {
    let profile = Profile::named("45nm").unwrap();
    // 10 tokens, 100 weights of which 40 % are zero; each of the 60 others accumulates twice a token, for 1.5 counts.
    let count = Operations { synaptic_acs: 1200, value_acs: 300, ..Operations::default() };
    let prices = Prices { profile: &profile, sentences: 1, bytes: 1, sum_bits: Some(16), counts: None };
    let even = break_even(&prices, &count, &Synapses { tokens: 10, weights: 100, zeros: 0.4 }).unwrap();
    assert_eq!(break_even(&prices, &count, &Synapses { tokens: 10, weights: 100, zeros: 1.0 }), None);
    assert!((even.found - 2.0).abs() < 1e-12);
    assert!((even.against_fp32 * 0.9 * 0.6 - 4.6).abs() < 1e-12);
    assert!((even.against_quantised - 0.5 * 0.1 / 0.9).abs() < 1e-12);
    assert_eq!(normalised_operations([(2.0, 30), (0.5, 10)].into_iter()), 65.0 / 40.0);
}

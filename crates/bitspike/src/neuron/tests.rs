use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;

fn equilibrium(time_steps: u32, signed: bool, theta: f32) -> Equilibrium {
    Equilibrium::new(NeuronConfig { levels: Levels::Unary, time_steps, signed, theta }).unwrap()
}

/// Windows, thresholds and currents for which every `f32` operation of map and simulation is exact: `theta = odd * 2^a`
/// with `T` a multiple of `odd`, so that `T/theta` is exact, and `I = m * 2^(a-b)` with an integer `m` for which `I` lies
/// within 1.25 `theta`, or eight times that in one case of nine.
fn exact() -> impl Strategy<Value = (u32, f32, f32)> {
    let reach = prop_oneof![8 => Just(1i32), 1 => Just(8)];
    (prop::sample::select(vec![1u32, 3, 5, 7]), 1u32..=40, -8i32..=8, 0i32..=6, -1000i32..=1000, reach).prop_map(
        |(odd, windows, a, b, fraction, reach)| {
            let unit = 2f32.powi(a);
            let m = fraction * reach * (odd << b) as i32 / 800;
            (odd * windows, odd as f32 * unit, m as f32 * unit / 2f32.powi(b))
        },
    )
}

/// `clip(floor(T I / theta + 1/2), low, T)` in integers: all quantities are multiples of 2^-15.
fn in_integers(time_steps: u32, signed: bool, theta: f32, current: f32) -> i32 {
    let grid = |x: f32| (f64::from(x) * f64::from(1 << 15)) as i64;
    let n = (2 * i64::from(time_steps) * grid(current) + grid(theta)).div_euclid(2 * grid(theta));
    let high = i64::from(time_steps);
    n.clamp(if signed { -high } else { 0 }, high) as i32
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn the_count_of_a_constant_current_is_its_rounded_quotient((t, theta, current) in exact()) {
        for signed in [false, true] {
            let neuron = equilibrium(t, signed, theta);
            let expected = in_integers(t, signed, theta, current);
            prop_assert_eq!(neuron.count(current), expected, "map: T={} theta={} I={} signed={}", t, theta, current, signed);
            prop_assert_eq!(neuron.count_by_simulation(current), expected, "T={} theta={} I={} signed={}", t, theta, current, signed);
        }
    }
}

#[test]
fn the_exact_currents_include_ties_and_saturation() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut ties, mut above, mut below) = (0, 0, 0);
    for _ in 0..10_000 {
        let (t, theta, current) = exact().new_tree(&mut runner).unwrap().current();
        let quotient = f64::from(t) * f64::from(current) / f64::from(theta);
        ties += u32::from((quotient - 0.5).fract() == 0.0 && quotient.abs() < f64::from(t));
        above += u32::from(quotient > f64::from(t));
        below += u32::from(quotient < -f64::from(t));
    }
    assert!(ties > 300 && above > 500 && below > 500, "{ties} ties, {above} above, {below} below");
}

#[test]
fn ties_go_up_and_ends_saturate() {
    let signed = equilibrium(4, true, 1.0);
    let counts = [-1.125, -1.0, -0.875, -0.125, 0.0, 0.124, 0.125, 0.375, 1.0, 5.0].map(|i| signed.count(i));
    assert_eq!(counts, [-4, -4, -3, 0, 0, 0, 1, 2, 4, 4]);
    let unsigned = equilibrium(4, false, 1.0);
    assert_eq!([-9.0, -0.125, 0.125, 0.99, f32::INFINITY, f32::NAN].map(|i| unsigned.count(i)), [0, 0, 1, 4, 4, 0]);
}

#[test]
fn spikes_follow_the_equations() {
    let membrane = Membrane { theta: 1.0, beta: 1.0, signed: false, reset: Reset::Soft };
    let (spikes, v) = run([0.25; 8], membrane.rest(), &membrane);
    assert_eq!((spikes, v), (vec![0, 1, 0, 0, 0, 1, 0, 0], 0.5));
    let leaky = Membrane { theta: 1.0, beta: 0.5, signed: true, reset: Reset::Soft };
    // v: 0.5 fires to -0.5; -0.25 - 0.5 = -0.75 fires to 0.25; 0.125 stays.
    assert_eq!(run([0.5, -0.5, 0.0], leaky.rest(), &leaky), (vec![1, -1, 0], 0.125));
    // A leaky neuron whose input never carries it over the threshold stays silent: I / (1 - beta) < theta.
    let faint = Membrane { theta: 1.0, beta: 0.5, signed: false, reset: Reset::Soft };
    assert!(run([0.49; 100], faint.rest(), &faint).0.iter().all(|&s| s == 0));
}

#[test]
fn a_potential_at_the_threshold_fires_above_and_not_below() {
    for beta in [1.0, 0.5] {
        for reset in [Reset::Soft, Reset::Hard] {
            let fires = |v: f32, signed| step(v, 0.0, &Membrane { theta: 3.0, beta, signed, reset }).0;
            assert_eq!((fires(3.0, false), fires(3f32.next_down(), false), fires(-9.0, false)), (1, 0, 0));
            assert_eq!((fires(1.5, true), fires(1.5f32.next_down(), true)), (1, 0));
            assert_eq!((fires(-1.5, true), fires((-1.5f32).next_down(), true)), (0, -1));
        }
    }
}

#[test]
fn a_hard_reset_forgets_what_was_over() {
    let hard = Membrane { theta: 1.0, beta: 1.0, signed: true, reset: Reset::Hard };
    assert_eq!(run([0.75, 0.25, 0.25, -2.0], 0.0, &hard), (vec![1, 0, 1, -1], 0.0));
    let soft = Membrane { reset: Reset::Soft, ..hard };
    assert_eq!(run([0.75, 0.25, 0.25, -2.0], 0.0, &soft), (vec![1, 0, 0, -1], -0.75));
}

#[test]
fn weighted_rates_match_their_definition() {
    let spikes = [1, 0, -1, 1, 1];
    let beta = 0.75f32;
    let weights: Vec<f64> = (0..5).map(|t| f64::from(beta).powi(4 - t)).collect();
    let sum: f64 = weights.iter().zip(spikes).map(|(w, s)| w * f64::from(s)).sum();
    let expected = sum / weights.iter().sum::<f64>();
    assert!((average_spiking_rate(&spikes, beta).unwrap() - expected).abs() < 1e-15);
}

#[test]
fn impossible_constants_are_refused() {
    let new =
        |time_steps, theta| Equilibrium::new(NeuronConfig { levels: Levels::Unary, time_steps, signed: true, theta });
    for (time_steps, theta) in
        [(0, 1.0), (MAX_TIME_STEPS + 1, 1.0), (4, 0.0), (4, -1.0), (4, f32::NAN), (4, f32::INFINITY), (4, 1e-45)]
    {
        assert!(matches!(new(time_steps, theta), Err(Error::Invalid { .. })), "T={time_steps} theta={theta}");
    }
    for beta in [0.0, -0.5, 1.0001, f32::NAN, f32::INFINITY] {
        let membrane = Membrane { theta: 1.0, beta, signed: false, reset: Reset::Soft };
        assert!(matches!(membrane.validate(), Err(Error::Invalid { .. })), "beta={beta}");
        assert!(average_spiking_rate(&[1], beta).is_err(), "beta={beta}");
    }
    assert!(average_spiking_rate(&[], 1.0).is_err());
}

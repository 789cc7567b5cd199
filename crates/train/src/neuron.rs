//! Neurons in time on tensors of any device: the twin of [`bitspike::neuron::step`].

use bitspike::neuron::{Membrane, Reset};
use burn::tensor::Tensor;

/// One step of a population: from the input currents and the potentials `v[t-1]` to the spikes `s[t]` (-1, 0 or 1) and `v[t]`.
/// The state is passed in and out; it starts at [`Membrane::rest`].
///
/// Spikes have no gradient of their own: training takes that of the equilibrium map ([`crate::ops::simulated_neuron`]).
///
/// ```
/// # use bitspike::neuron::{Membrane, Reset};
/// # use burn::tensor::{Device, Tensor};
/// let leaky = Membrane { theta: 1.0, beta: 0.5, signed: true, reset: Reset::Soft };
/// let input = Tensor::<1>::from_floats([0.5, -0.75, 0.25], &Device::flex());
/// let rest = input.zeros_like() + leaky.rest();
/// let (spikes, potentials) = bitspike_train::neuron::step(input, rest, &leaky);
/// assert_eq!(spikes.into_data().try_into_vec::<f32>().unwrap(), [1.0, -1.0, 0.0]);
/// assert_eq!(potentials.into_data().try_into_vec::<f32>().unwrap(), [-0.5, 0.25, 0.25]);
/// ```
///
/// # Shapes
/// `input`, `state` and both results have one shape.
pub fn step<const D: usize>(input: Tensor<D>, state: Tensor<D>, membrane: &Membrane) -> (Tensor<D>, Tensor<D>) {
    let v = state * membrane.beta + input;
    let at = v.clone().detach();
    let spikes = match membrane.signed {
        true => {
            let half = membrane.theta / 2.0;
            at.clone().greater_equal_elem(half).float() - at.lower_elem(-half).float()
        }
        false => at.greater_equal_elem(membrane.theta).float(),
    };
    let after = match membrane.reset {
        Reset::Soft => v - spikes.clone() * membrane.theta,
        // A spike of either sign squares to 1.
        Reset::Hard => v * (spikes.clone() * spikes.clone()).neg().add_scalar(1.0),
    };
    (spikes, after)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn tensors_and_the_reference_agree_to_the_bit() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for signed in [false, true] {
            for reset in [Reset::Soft, Reset::Hard] {
                for beta in [1.0, 0.9, 0.5, 0.01] {
                    let membrane = Membrane { theta: 0.75, beta, signed, reset };
                    // Some currents lie exactly on a threshold from rest, on both sides.
                    let mut currents: Vec<f32> = (0..997).map(|_| rng.random_range(-1.5..1.5)).collect();
                    currents.extend([
                        0.75,
                        0.375,
                        -0.375,
                        -0.75,
                        0.75f32.next_down(),
                        (-0.375f32).next_down(),
                        0.0,
                        -0.0,
                    ]);
                    let mut states = vec![membrane.rest(); currents.len()];
                    let tensor = |values: &[f32]| {
                        Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
                    };
                    let mut state = tensor(&states);
                    let mut spiked = [0; 3];
                    for _ in 0..20 {
                        let (spikes, next) = step(tensor(&currents), state, &membrane);
                        let spikes = spikes.into_data().try_into_vec::<f32>().unwrap();
                        for ((&current, state), &spike) in currents.iter().zip(&mut states).zip(&spikes) {
                            let (expected, after) = bitspike::neuron::step(current, *state, &membrane);
                            assert_eq!(spike, f32::from(expected), "{membrane:?}, current {current}, state {state}");
                            *state = after;
                            spiked[(expected + 1) as usize] += 1;
                        }
                        let potentials = next.clone().into_data().try_into_vec::<f32>().unwrap();
                        assert!(potentials.iter().zip(&states).all(|(a, b)| a == b), "{membrane:?}");
                        state = next;
                    }
                    assert!(spiked[1] > 0 && spiked[2] > 0 && (spiked[0] > 0) == signed, "{spiked:?}");
                }
            }
        }
    }
}
